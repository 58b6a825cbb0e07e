/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the events of sessions asleep stand, in whatever order they come. Suite `asleep`. */
#include "base/bytes.h"
#include "base/macros.h"
#include "server/asleep.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Neither a divisor nor a multiple of ASLEEP_NOTED, so that the last ones are some. */
enum { N_SESSION = 97, N_EACH = 5, N_EVENT = N_SESSION * N_EACH, FIRST_LSN = 40 };

/* The i-th event of the journal: number j of the events that session s has there. */
struct place {
    size_t s, j;
};

static struct place in_turn(size_t i)
{
    return (struct place){i % N_SESSION, i / N_SESSION};
}

static struct place in_a_row(size_t i)
{
    return (struct place){i / N_EACH, i % N_EACH};
}

static struct place (*const orders[])(size_t) = {in_turn, in_a_row};

/* Every third session has all its events in the journal. */
static uint32_t n_before(size_t s)
{
    return (uint32_t)(s % 3);
}

static bool has_ended(size_t s)
{
    return s % 7 == 0;
}

static void put_seal(uint8_t out[SEAL_BYTES], size_t s, size_t n)
{
    memset(out, 0, SEAL_BYTES);
    if (n == 0) return;
    bytes_put_u64(out, s + 1);
    bytes_put_u64(out + 8, n);
}

struct made {
    struct event_record record;
    struct stored_event stored;
    char session[16];
};

static void make(struct made *out, struct place place, uint64_t lsn)
{
    uint32_t n = n_before(place.s) + (uint32_t)place.j;

    *out = (struct made){.stored.lsn = lsn};
    snprintf(out->session, sizeof(out->session), "s-%zu", place.s);
    out->record.tenant = slice_str("local");
    out->record.session = slice_str(out->session);
    out->record.n = n;
    out->record.event.kind = n == 0 ? EVENT_STARTED : EVENT_ANSWERED;
    if (has_ended(place.s) && place.j == N_EACH - 1) out->record.outcome.stop = "length";
    put_seal(out->record.previous, place.s, n);
    put_seal(out->stored.seal, place.s, n + 1);
    out->stored.record = &out->record;
}

/* The whole journal, its event `changed` otherwise than it was. */
static enum status note_all(struct asleep *asleep, struct place (*order)(size_t), size_t changed,
                            void (*change)(struct made *))
{
    enum status st = OK;

    for (size_t i = 0; i < N_EVENT && st == OK; i++) {
        struct made made;

        make(&made, order(i), FIRST_LSN + i);
        if (i == changed) change(&made);
        st = asleep_note(asleep, &made.stored);
    }
    return st ? st : asleep_settle(asleep);
}

static void expect_session(const struct asleep *asleep, struct place (*order)(size_t), size_t s)
{
    struct asleep_session *session;
    struct asleep_events events;
    char id[16];
    size_t j = 0;

    snprintf(id, sizeof(id), "s-%zu", s);
    session = asleep_find(asleep, slice_str("local"), slice_str(id));
    cr_assert_not_null(session, "%s", id);
    events = asleep_events(session);
    cr_expect(slice_equal_str(events.tenant, "local"));
    cr_expect(slice_equal_str(events.session, id));
    cr_expect_eq(events.n_before, n_before(s));
    cr_assert_eq(events.n_lsn, N_EACH);
    for (size_t i = 0; i < N_EVENT; i++) {
        if (order(i).s == s) cr_expect_eq(events.lsn[j++], FIRST_LSN + i, "%s event %zu", id, i);
    }
}

Test(asleep, knows_where_all_events_stand)
{
    for (size_t k = 0; k < COUNT_OF(orders); k++) {
        struct asleep asleep = {0};
        struct asleep_session *session;
        size_t s = 0;

        cr_assert_eq(note_all(&asleep, orders[k], N_EVENT, NULL), OK);
        cr_expect_eq(asleep_n(&asleep), N_SESSION);
        cr_expect_eq(asleep.n_ended, (N_SESSION + 6) / 7);
        for (session = asleep_first(&asleep); session; session = asleep_next(session), s++) {
            cr_expect_eq(asleep_events(session).lsn[0], FIRST_LSN + (k == 0 ? s : s * N_EACH));
        }
        cr_expect_eq(s, N_SESSION);
        for (s = 0; s < N_SESSION; s++) expect_session(&asleep, orders[k], s);
        cr_expect_null(asleep_find(&asleep, slice_str("other"), slice_str("s-1")));
        cr_expect_null(asleep_find(&asleep, slice_str("local"), slice_str("s-97")));
        while (asleep_n(&asleep) > 0) asleep_remove(&asleep, asleep_first(&asleep));
        cr_expect_eq(asleep.n_ended, 0);
        asleep_done(&asleep);
    }
}

static void skip(struct made *made)
{
    made->record.n++;
}

static void repeat(struct made *made)
{
    made->record.n--;
}

static void change_previous(struct made *made)
{
    made->record.previous[11] ^= 0x04;
}

static void change_seal(struct made *made)
{
    made->stored.seal[15] ^= 0x80;
}

static void change_session(struct made *made)
{
    snprintf(made->session, sizeof(made->session), "t-1");
    made->record.session = slice_str(made->session);
}

/* Of a session's first event that stands in the journal the next one tells, of its last one nobody
 * can tell that its seal is another. */
Test(asleep, finds_each_event_that_does_not_follow)
{
    static void (*const changes[])(struct made *) = {skip, repeat, change_previous, change_seal,
                                                     change_session};

    for (size_t k = 0; k < COUNT_OF(orders); k++) {
        for (size_t i = 0; i < N_EVENT * COUNT_OF(changes); i++) {
            void (*change)(struct made *) = changes[i / N_EVENT];
            size_t j = orders[k](i % N_EVENT).j;
            bool is_hidden = (change == change_previous && j == 0) ||
                             (change == change_seal && j == N_EACH - 1) ||
                             (change == change_session && (j == 0 || j == N_EACH - 1));
            struct asleep asleep = {0};
            enum status st = note_all(&asleep, orders[k], i % N_EVENT, change);

            cr_expect_eq(st, is_hidden ? OK : CORRUPT, "order %zu event %zu change %zu", k,
                         i % N_EVENT, i / N_EVENT);
            asleep_done(&asleep);
        }
    }
}
