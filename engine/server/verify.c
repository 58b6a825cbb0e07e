/* SPDX-License-Identifier: GPL-3.0-or-later */
/* In phases, each of which can rest between two records: the journal is read and its events
 * noted by session; those sessions are taken again, then the others of the archive; then
 * tombstones are read. The ledger gets every event and then knows what is missing and what does
 * not fit; what was found by number only then gets the name of its session. */
#include "server/verify.h"
#include "base/bytes.h"
#include "server/clock.h"
#include "server/event_index.h"
#include "server/shared_check.h"
#include "session/session.h"
#include "store/audit.h"
#include "store/erased.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINKS_AT_A_TIME = 64,   // comparing is so much faster than replaying
    ROWS_AT_A_TIME = 2000,  // in one statement
};

struct verify {
    struct env *env;
    struct session_check check;
    struct decoder decoder;
    bool has_decoder;
    struct ledger ledger;
    struct tombs tombs;
    struct shared_check rows;  // of a shared store; all 0 without one
    struct audit_head audit;   // the last entry that was met
    struct indexed *index;     // by session
    struct indexed *next;      // the one to take next
    size_t phase;
    uint64_t budget;
    bool rests;                // the budget was used up
    struct buf from;           // where a phase goes on
    struct buf events, bytes;  // scratch
};

static struct owner owner_of_key(struct slice key)
{
    struct owner owner = {0};

    if (!session_key_read(key, &owner.tenant, &owner.session)) owner = (struct owner){0};
    return owner;
}

/* The budget's next piece. False, with the place kept, where it is used up. */
static bool go_on(struct verify *verify, struct slice key)
{
    if (verify->budget > 0) {
        verify->budget--;
        return true;
    }
    buf_clear(&verify->from);
    buf_append(&verify->from, key.data, key.n);
    verify->rests = true;
    return false;
}

static enum status take_session(struct verify *verify, struct owner owner, struct slice events)
{
    uint64_t before = verify->check.n_event, n;
    enum status st = session_check(&verify->check, &owner, events);

    n = verify->check.n_event - before;
    verify->budget -= n < verify->budget ? n : verify->budget;
    return st;
}

/* A walk over a table; what `visit` cannot be given, because its seal does not hold, `damaged`
 * is. */
static enum status walk(struct verify *verify, enum table table,
                        enum status (*visit)(void *, struct slice, struct slice),
                        enum status (*damaged)(void *, struct slice))
{
    enum status st;

    verify->rests = false;
    st = env_each_any(verify->env, table, buf_slice(&verify->from), (struct visitor){visit, verify},
                      damaged);
    if (st == CORRUPT) {
        ledger_tell(&verify->ledger, NULL, 0,
                    "table %d: its pages are damaged, not all of it can be read", (int)table);
        st = OK;
    }
    if (st == OK && !verify->rests) verify->phase++, buf_clear(&verify->from);
    return verify->from.failed ? NO_MEMORY : st;
}

static enum status on_journal(void *context, struct slice key, struct slice value)
{
    struct verify *verify = context;
    struct stored_event event = {.bytes = value};
    struct event_record record;
    struct slice bytes;
    enum status st;

    if (key.n != 8) return CORRUPT;
    event.lsn = bytes_get_u64(key.data);
    if (event.lsn > verify->ledger.head.lsn) return NOT_FOUND;
    if (!go_on(verify, key)) return NOT_FOUND;
    bytes = journal_record(verify->env, event.lsn, value);
    if (bytes.n > 0 && bytes.n < value.n) event.link = value.data;
    memcpy(event.seal, value.data - SEAL_BYTES, SEAL_BYTES);
    ledger_note(&verify->ledger, NULL, &event);
    st = event_record_read(bytes, &record);
    if (st == OK) {
        struct session_key session = session_key_of(record.tenant, record.session);

        return event_index_add(&verify->index, &session, event.lsn);
    }
    if (st == CORRUPT) ledger_tell(&verify->ledger, NULL, event.lsn, "it is no event");
    return st == CORRUPT ? OK : st;
}

static const char seal_broken[] = "its seal does not hold: it is damaged, or was changed";

static enum status on_damaged_event(void *context, struct slice key)
{
    struct verify *verify = context;
    uint64_t lsn = key.n == 8 ? bytes_get_u64(key.data) : 0;

    ledger_tell(&verify->ledger, NULL, lsn, "%s", seal_broken);
    ledger_note_damaged(&verify->ledger, lsn);
    return OK;
}

static enum status read_journal(struct verify *verify)
{
    enum status st = walk(verify, TABLE_JOURNAL, on_journal, on_damaged_event);

    verify->next = verify->index;
    return st;
}

/* All events of a session that has some in the journal. NOT_FOUND where one of those is in neither
 * place (any more); CORRUPT where a seal does not hold. */
static enum status gather(struct verify *verify, const struct indexed *entry, struct owner owner)
{
    struct journal journal = {.env = verify->env};
    struct buf *events = &verify->events;
    enum status st = archive_get(verify->env, owner.tenant, owner.session, events);
    uint64_t archived = archive_last(buf_slice(events));

    if (st == NOT_FOUND) st = OK;
    for (uint32_t i = 0; i < entry->n && st == OK; i++) {
        if (entry->lsn[i] <= archived) continue;
        st = journal_get(&journal, entry->lsn[i], &verify->bytes);
        if (st == OK) archive_append(events, entry->lsn[i], buf_slice(&verify->bytes));
    }
    return st == OK && events->failed ? NO_MEMORY : st;
}

static enum status take_indexed(struct verify *verify, const struct indexed *entry)
{
    struct owner owner = owner_of_key(slice_of(entry->key, entry->n_key));
    struct tombstone tombstone;
    enum status st = gather(verify, entry, owner);

    if (st == NOT_FOUND) st = gather(verify, entry, owner);  // it has just moved to the archive
    if (st == NOT_FOUND &&
        erased_get(verify->env, owner.tenant, owner.session, &verify->bytes, &tombstone) == OK) {
        return OK;  // it has just been erased
    }
    if (st == OK) return take_session(verify, owner, buf_slice(&verify->events));
    if (st != CORRUPT && st != NOT_FOUND) return st;
    ledger_tell(&verify->ledger, &owner, 0, "%s",
                st == CORRUPT ? seal_broken : "its events are gone");
    return OK;
}

static enum status take_journal(struct verify *verify)
{
    while (verify->next && verify->budget > 0) {
        enum status st = take_indexed(verify, verify->next);

        if (st) return st;
        verify->next = verify->next->hh.next;
    }
    if (!verify->next) verify->phase++;
    return OK;
}

static enum status on_archive(void *context, struct slice key, struct slice value)
{
    struct verify *verify = context;

    if (!go_on(verify, key)) return NOT_FOUND;
    if (event_index_has(verify->index, key)) return OK;  // taken already
    return take_session(verify, owner_of_key(key), value);
}

static enum status on_damaged_record(void *context, struct slice key)
{
    struct verify *verify = context;

    struct owner owner = owner_of_key(key);

    if (!event_index_has(verify->index, key))
        ledger_tell(&verify->ledger, &owner, 0, "%s", seal_broken);
    return OK;
}

static enum status take_archive(struct verify *verify)
{
    return walk(verify, TABLE_ARCHIVE, on_archive, on_damaged_record);
}

static enum status on_erased(void *context, struct slice key, struct slice value)
{
    struct verify *verify = context;
    struct owner owner = owner_of_key(key);
    struct tombstone tombstone;
    enum status st;

    if (!go_on(verify, key)) return NOT_FOUND;
    st = erased_read(&verify->decoder, value, &tombstone);
    if (st == CORRUPT) return on_damaged_record(context, key);
    if (st) return st;
    st = tombs_note(&verify->tombs, &owner, &tombstone);
    if (st) return st;
    for (size_t i = 0; i < tombstone.links.n; i += LINK_BYTES) {
        struct stored_event event = {.lsn = bytes_get_u64(tombstone.links.data + i)};

        memcpy(event.seal, tombstone.links.data + i + 8, SEAL_BYTES);
        ledger_note(&verify->ledger, &owner, &event);
    }
    return OK;
}

static enum status read_erased(struct verify *verify)
{
    return walk(verify, TABLE_ERASED, on_erased, on_damaged_record);
}

static enum status on_audit(void *context, struct slice key, struct slice value)
{
    struct verify *verify = context;
    struct audit_head *last = &verify->audit;
    struct audit_entry entry;
    const uint8_t *link;
    uint64_t number;
    enum status st;

    if (!go_on(verify, key)) return NOT_FOUND;
    st = audit_read(&verify->decoder, key, value, &number, &link, &entry);
    if (st == NO_MEMORY) return st;
    if (st || number != last->number + 1 || memcmp(link, last->seal, SEAL_BYTES) != 0) {
        ledger_tell(&verify->ledger, NULL, 0,
                    "audit: what follows entry %llu is missing or not what was written",
                    (unsigned long long)last->number);
    }
    if (st == OK) last->number = number;
    memcpy(last->seal, value.data - SEAL_BYTES, SEAL_BYTES);
    return OK;
}

static enum status on_damaged_audit(void *context, struct slice key)
{
    struct verify *verify = context;

    (void)key;
    ledger_tell(&verify->ledger, NULL, 0, "audit: the entry behind %llu: %s",
                (unsigned long long)verify->audit.number, seal_broken);
    return OK;
}

/* Entries of now are in meta's head too, so that it may be ahead of what was met. */
static enum status read_audit(struct verify *verify)
{
    const struct audit_head *last = &verify->audit;
    struct audit_head before, after;
    enum status st = audit_read_head(verify->env, &before);

    if (st == OK) st = walk(verify, TABLE_AUDIT, on_audit, on_damaged_audit);
    if (st && st != CORRUPT) return st;
    if (verify->rests) return OK;
    if (st == OK) st = audit_read_head(verify->env, &after);
    if (st == CORRUPT) {
        ledger_tell(&verify->ledger, NULL, 0, "audit: its head in meta: %s", seal_broken);
        verify->phase += verify->phase == 0;
        return OK;
    }
    if (st) return st;
    if (last->number < before.number ||
        (last->number == after.number && memcmp(last->seal, after.seal, SEAL_BYTES) != 0)) {
        ledger_tell(&verify->ledger, NULL, 0, "audit: the newest entries are not what was written");
    }
    return OK;
}

static enum status compare_links(struct verify *verify)
{
    bool more = ledger_compare(&verify->ledger, verify->budget * LINKS_AT_A_TIME);

    if (!more) verify->phase++;
    if (more) verify->budget = 0;
    return OK;
}

static enum status name_archived(void *context, struct slice key, struct slice value)
{
    struct verify *verify = context;
    struct owner owner = owner_of_key(key);
    struct slice event;
    uint64_t lsn;

    if (!go_on(verify, key)) return NOT_FOUND;
    while (archive_next(&value, &lsn, &event)) ledger_name(&verify->ledger, &owner, lsn);
    return OK;
}

static enum status leave(void *context, struct slice key)
{
    (void)context;
    (void)key;
    return OK;
}

static enum status name_faults(struct verify *verify)
{
    struct indexed *entry, *next;

    if (verify->ledger.n_told == 0) {
        verify->phase++;
        return OK;
    }
    HASH_ITER(hh, verify->index, entry, next)
    {
        struct owner owner = owner_of_key(slice_of(entry->key, entry->n_key));

        for (uint32_t i = 0; i < entry->n; i++) ledger_name(&verify->ledger, &owner, entry->lsn[i]);
    }
    return walk(verify, TABLE_ARCHIVE, name_archived, leave);
}

/* A part of the budget at a time, of which the rows that came are taken. */
static enum status walk_shared(struct verify *verify,
                               enum status (*step)(struct shared_check *, size_t, bool *))
{
    size_t n = verify->budget < ROWS_AT_A_TIME ? (size_t)verify->budget : ROWS_AT_A_TIME;
    bool more;
    enum status st = step(&verify->rows, n, &more);

    verify->budget -= n;
    if (st == OK && !more) verify->phase++;
    return st;
}

static enum status take_shared(struct verify *verify)
{
    return walk_shared(verify, shared_check_step);
}

static enum status take_sittings(struct verify *verify)
{
    return walk_shared(verify, shared_check_sittings);
}

static enum status (*const phases[])(struct verify *) = {
    read_audit, read_journal, take_journal, take_archive, read_erased, compare_links, name_faults,
};

static enum status (*const shared_phases[])(struct verify *) = {
    read_audit,
    take_shared,
    take_sittings,
};

static size_t n_phase(const struct verify *verify)
{
    return verify->rows.shared ? COUNT_OF(shared_phases) : COUNT_OF(phases);
}

/* All but the report. */
static void release(struct verify *verify)
{
    event_index_free(verify->index);
    verify->index = verify->next = NULL;
    shared_check_done(&verify->rows);
    exposure_close(verify->check.exposure);
    registry_free(verify->check.registry);
    workspace_free(verify->check.workspace);
    if (verify->has_decoder) decoder_done(&verify->decoder);
    ledger_settle(&verify->ledger);
    buf_done(&verify->from);
    buf_done(&verify->events);
    buf_done(&verify->bytes);
    verify->check.exposure = NULL;
    verify->check.registry = NULL;
    verify->check.workspace = NULL;
    verify->has_decoder = false;
}

bool verify_done(const struct verify *verify)
{
    return verify->phase == n_phase(verify);
}

uint64_t verify_n_event(const struct verify *verify)
{
    return verify->check.n_event;
}

uint64_t verify_n_total(const struct verify *verify)
{
    return verify->rows.shared ? verify->check.n_event : verify->ledger.head.lsn;
}

uint64_t verify_n_fault(const struct verify *verify)
{
    return verify->ledger.n_fault;
}

enum status verify_step(struct verify *verify, uint64_t n_event)
{
    bool is_shared = verify->rows.shared != NULL;
    enum status st = OK;

    verify->budget = n_event;
    while (st == OK && !verify_done(verify) && verify->budget > 0) {
        st = (is_shared ? shared_phases : phases)[verify->phase](verify);
    }
    if (st == OK && verify_done(verify)) release(verify);
    return st;
}

void verify_free(struct verify *verify)
{
    if (!verify) return;
    release(verify);
    ledger_done(&verify->ledger);
    tombs_done(&verify->tombs);
    free(verify);
}

/* The newest event that there must be: the last of the journal or, where that was erased, the one
 * that the head in meta tells of. */
static enum status open_ledger(struct verify *verify)
{
    struct journal_head head = {0}, anchor;
    struct ledger *ledger = &verify->ledger;
    enum status st = env_last_key(verify->env, TABLE_JOURNAL, &verify->bytes), anchored;
    bool is_other = st == OK && verify->bytes.n != 8;

    if (st && st != NOT_FOUND) return st;
    if (st == OK && !is_other) head.lsn = bytes_get_u64(verify->bytes.data);
    anchored = journal_read_head(verify->env, &anchor);
    if (anchored && anchored != CORRUPT) return anchored;
    st = ledger_init(ledger, anchor.lsn > head.lsn ? anchor : head);
    if (st) return st;
    if (anchored) ledger_tell(ledger, NULL, 0, "the head in meta: %s", seal_broken);
    if (is_other) ledger_tell(ledger, NULL, 0, "the journal ends with a key that is no event's");
    if (anchor.lsn > 0) ledger_link(ledger, anchor.lsn, anchor.seal);
    return OK;
}

/* What sessions are taken again with. */
static enum status open_check(struct verify *verify)
{
    enum status st = registry_open(verify->env, &verify->check.registry);

    verify->check.env = verify->env;
    verify->check.ledger = &verify->ledger;
    return st ? st : exposure_open(verify->env, &verify->check.exposure);
}

static enum status open_decoder(struct verify *verify)
{
    enum status st = decoder_init(&verify->decoder);

    verify->has_decoder = st == OK;
    return st;
}

static enum status set_up(struct verify *verify, const struct journal_head *expected)
{
    struct ledger *ledger = &verify->ledger;
    enum status st = open_decoder(verify);

    if (st == OK) st = open_ledger(verify);
    if (st) return st;
    if (expected && expected->lsn <= ledger->head.lsn) {
        ledger_link(ledger, expected->lsn, expected->seal);
    } else if (expected) {
        ledger_tell(ledger, NULL, expected->lsn, "it should be there, but %llu is the last",
                    (unsigned long long)ledger->head.lsn);
    }
    return open_check(verify);
}

static enum status set_up_shared(struct verify *verify)
{
    enum status st = open_decoder(verify);

    if (st == OK) st = ledger_init(&verify->ledger, (struct journal_head){0});
    verify->check.is_shared = true;
    return st ? st : open_check(verify);
}

enum status verify_new(struct env *env, const struct journal_head *expected, struct verify **out)
{
    struct verify *verify = calloc(1, sizeof(*verify));
    enum status st;

    if (!verify) return NO_MEMORY;
    verify->env = env;
    st = set_up(verify, expected);
    if (st) {
        verify_free(verify);
        return st;
    }
    *out = verify;
    return OK;
}

enum status verify_new_shared(struct env *env, struct shared *shared, struct verify **out)
{
    struct verify *verify = calloc(1, sizeof(*verify));
    enum status st;

    if (!verify) return NO_MEMORY;
    verify->env = env;
    verify->rows = (struct shared_check){.shared = shared,
                                         .check = &verify->check,
                                         .tombs = &verify->tombs,
                                         .decoder = &verify->decoder,
                                         .begun_ms = clock_wall_ms()};
    st = set_up_shared(verify);
    if (st) {
        verify_free(verify);
        return st;
    }
    *out = verify;
    return OK;
}

static void write_head(struct writer *out, const struct journal_head *head)
{
    char seal[2 * SEAL_BYTES + 1];

    sodium_bin2hex(seal, sizeof(seal), head->seal, SEAL_BYTES);
    write_text(out, "head");
    write_map(out, 2);
    put_int(out, "event", (int64_t)head->lsn);
    put_text(out, "seal", seal);
}

static void write_fault(struct writer *out, const struct verify_fault *fault, bool named)
{
    named = named && fault->session[0];
    write_map(out, 1u + (named ? 2u : 0u) + (fault->lsn > 0));
    if (named) put_text(out, "tenant", fault->tenant);
    if (named) put_text(out, "session", fault->session);
    if (fault->lsn > 0) put_int(out, "event", (int64_t)fault->lsn);
    put_text(out, "message", fault->text);
}

void verify_write(const struct verify *verify, const struct slice *tenant, struct writer *out)
{
    const struct ledger *ledger = &verify->ledger;
    size_t n_told = verify_done(verify) ? ledger->n_told : 0;

    put_bool(out, "done", verify_done(verify));
    put_int(out, "n_events", (int64_t)verify->check.n_event);
    put_int(out, "n_total", (int64_t)verify_n_total(verify));
    put_int(out, "n_sessions", (int64_t)verify->check.n_session);
    put_int(out, "n_erased", (int64_t)verify->tombs.n);
    write_text(out, "erased");
    if (verify_done(verify))
        tombs_write(&verify->tombs, tenant, out);
    else
        write_array(out, 0);
    write_head(out, &ledger->head);
    put_int(out, "n_faults", (int64_t)ledger->n_fault);
    write_text(out, "faults");
    write_array(out, n_told);
    for (size_t i = 0; i < n_told; i++) {
        const struct verify_fault *fault = &ledger->faults[i];

        write_fault(out, fault, !tenant || slice_equal_str(*tenant, fault->tenant));
    }
}
