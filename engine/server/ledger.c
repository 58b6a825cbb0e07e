/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/ledger.h"
#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first eight bytes of a seal, 0 where it was not met. When the ledger has been compared:
 * own is not 0 where something is wrong with the event. */
struct cell {
    uint64_t own;   // of the event
    uint64_t link;  // as the next event or a head names it
};

/* Of an event that cannot be read. */
static const uint64_t damaged = UINT64_MAX;

static uint64_t low(const uint8_t seal[SEAL_BYTES])
{
    uint64_t value = bytes_get_u64(seal);

    return value == 0 || value == damaged ? 1 : value;
}

enum status ledger_init(struct ledger *ledger, struct journal_head head)
{
    *ledger = (struct ledger){.head = head, .at = 1};
    ledger->cells = calloc(head.lsn + 1, sizeof(*ledger->cells));
    ledger->faults = calloc(LIMIT_FAULTS, sizeof(*ledger->faults));
    return ledger->cells && ledger->faults ? OK : NO_MEMORY;
}

void ledger_settle(struct ledger *ledger)
{
    free(ledger->cells);
    ledger->cells = NULL;
}

void ledger_done(struct ledger *ledger)
{
    ledger_settle(ledger);
    free(ledger->faults);
    ledger->faults = NULL;
}

static void name_fault(struct verify_fault *fault, const struct owner *owner)
{
    if (!slice_to_text(owner->tenant, fault->tenant, sizeof(fault->tenant)) ||
        !slice_to_text(owner->session, fault->session, sizeof(fault->session))) {
        fault->session[0] = '\0';
    }
}

void ledger_tell(struct ledger *ledger, const struct owner *owner, uint64_t lsn, const char *fmt,
                 ...)
{
    struct verify_fault *fault;
    va_list args;

    ledger->n_fault++;
    if (ledger->n_told == LIMIT_FAULTS) return;
    fault = &ledger->faults[ledger->n_told++];
    *fault = (struct verify_fault){.lsn = lsn};
    if (owner) name_fault(fault, owner);
    va_start(args, fmt);
    vsnprintf(fault->text, sizeof(fault->text), fmt, args);
    va_end(args);
}

void ledger_link(struct ledger *ledger, uint64_t lsn, const uint8_t seal[SEAL_BYTES])
{
    struct cell *cell = &ledger->cells[lsn];

    if (cell->link && cell->link != low(seal)) {
        ledger_tell(ledger, NULL, lsn, "what follows it does not agree on what it was");
    }
    cell->link = low(seal);
}

void ledger_note(struct ledger *ledger, const struct owner *owner, const struct stored_event *event)
{
    static const uint8_t zeros[SEAL_BYTES];
    struct cell *cell;

    if (event->lsn == 0 || event->lsn > ledger->head.lsn) return;
    cell = &ledger->cells[event->lsn];
    if (cell->own && cell->own != low(event->seal)) {
        ledger_tell(ledger, owner, event->lsn, "it stands in two places and is not the same");
    }
    cell->own = low(event->seal);
    if (event->lsn == ledger->head.lsn) memcpy(ledger->head.seal, event->seal, SEAL_BYTES);
    if (!event->link) return;
    if (event->lsn > 1)
        ledger_link(ledger, event->lsn - 1, event->link);
    else if (memcmp(event->link, zeros, SEAL_BYTES) != 0)
        ledger_tell(ledger, owner, event->lsn, "it is the first and names one before it");
}

void ledger_note_damaged(struct ledger *ledger, uint64_t lsn)
{
    if (lsn > 0 && lsn <= ledger->head.lsn) ledger->cells[lsn].own = damaged;
}

/* Events that stand nowhere, several at a time. */
static void tell_missing(struct ledger *ledger, uint64_t end)
{
    uint64_t from = ledger->missing_from;

    ledger->missing_from = 0;
    if (from == 0) return;
    if (from + 1 == end) {
        ledger_tell(ledger, NULL, from, "it is missing");
    } else {
        ledger_tell(ledger, NULL, from, "it and those behind it up to event %llu are missing",
                    (unsigned long long)(end - 1));
    }
}

static void compare_cell(struct ledger *ledger, uint64_t lsn)
{
    struct cell cell = ledger->cells[lsn];

    ledger->cells[lsn] = (struct cell){0};
    if (cell.own == 0) {
        if (ledger->missing_from == 0) ledger->missing_from = lsn;
        return;
    }
    tell_missing(ledger, lsn);
    if (cell.own != damaged && cell.link && cell.link != cell.own) {
        ledger_tell(ledger, NULL, lsn, "it is not the event that the next one names");
    }
}

bool ledger_compare(struct ledger *ledger, uint64_t n)
{
    for (; ledger->at <= ledger->head.lsn && n > 0; n--) compare_cell(ledger, ledger->at++);
    if (ledger->at <= ledger->head.lsn) return true;
    tell_missing(ledger, ledger->at);
    for (size_t i = 0; i < ledger->n_told; i++) {
        uint64_t lsn = ledger->faults[i].lsn;

        if (lsn > 0 && lsn <= ledger->head.lsn) ledger->cells[lsn].own = 1;
    }
    return false;
}

void ledger_name(struct ledger *ledger, const struct owner *owner, uint64_t lsn)
{
    if (lsn == 0 || lsn > ledger->head.lsn || !ledger->cells[lsn].own) return;
    for (size_t i = 0; i < ledger->n_told; i++) {
        if (ledger->faults[i].lsn == lsn) name_fault(&ledger->faults[i], owner);
    }
}
