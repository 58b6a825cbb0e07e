/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The oldest event that only the journal has, looked for a few sessions at a time while they come
 * and go. */
#include "server/keeping.h"
#include "server_test.h"

enum { N_SESSION = 5 };

static void open_desk(struct desk *desk)
{
    char name[16];

    desk_open(desk, 10);
    desk_bank(desk, "b", 12);
    desk_test(desk, "t", "'stop': {'any': [{'rule': 'length', 'at': 6}]}");
    for (int i = 0; i < N_SESSION; i++) {
        snprintf(name, sizeof(name), "s-%d", i);
        desk_steps(desk, name, "t", "s1");
    }
}

static void forget(struct desk *desk, const char *session)
{
    sessions_forget(desk->server.sessions, slice_str("local"), slice_str(session));
}

Test(oldest, is_found_in_slices)
{
    struct desk desk;
    struct sessions *sessions;

    open_desk(&desk);
    sessions = desk.server.sessions;
    cr_expect_not(sessions_trim_goes_on(sessions));
    cr_expect_not(oldest_look(sessions, 2));
    cr_expect(sessions_trim_goes_on(sessions));
    cr_expect_not(oldest_look(sessions, 2));
    cr_expect(oldest_look(sessions, 2));
    cr_expect_not(sessions_trim_goes_on(sessions));
    cr_expect_eq(sessions->oldest.lsn, 1);
    cr_expect(slice_equal_str(sessions->oldest.found->live.id, "s-0"));
    desk_close(&desk);
}

/* The one that was to be looked at next, the one that had been found, and all that are left. */
Test(oldest, goes_on_when_sessions_leave)
{
    struct desk desk;
    struct sessions *sessions;

    open_desk(&desk);
    sessions = desk.server.sessions;
    cr_expect_not(oldest_look(sessions, 2));
    forget(&desk, "s-2");
    forget(&desk, "s-0");
    cr_expect_null(sessions->oldest.found);
    cr_expect(oldest_look(sessions, 2));
    cr_expect_eq(sessions->oldest.lsn, 1, "later than it could be, never too far");
    cr_expect_not(oldest_look(sessions, 1));
    forget(&desk, "s-1");
    forget(&desk, "s-3");
    forget(&desk, "s-4");
    cr_expect(oldest_look(sessions, 1));
    cr_expect_eq(sessions->oldest.lsn, 3, "of s-1");
    cr_expect(oldest_look(sessions, 1), "there is nobody");
    cr_expect_eq(sessions->oldest.lsn, desk.server.journal.next_lsn);
    desk_close(&desk);
}

/* What is begun or answered meanwhile is newer than all that there was. */
Test(oldest, is_never_newer_than_what_must_stay)
{
    struct desk desk;
    struct sessions *sessions;
    uint64_t next;

    open_desk(&desk);
    sessions = desk.server.sessions;
    for (int i = 0; i < N_SESSION - 1; i++) forget(&desk, (char[]){'s', '-', (char)('0' + i), 0});
    next = desk.server.journal.next_lsn;
    cr_expect(oldest_look(sessions, 1));
    cr_expect_eq(sessions->oldest.lsn, next - 2, "s-4 has two events");
    desk_step(&desk, "s-5", "t", 's');
    desk_step(&desk, "s-6", "t", 's');
    cr_expect_not(oldest_look(sessions, 1));
    forget(&desk, "s-4");
    desk_step(&desk, "s-7", "t", 's');
    cr_expect(oldest_look(sessions, 9));
    cr_expect_leq(sessions->oldest.lsn, next);
    desk_close(&desk);
}

static void tidy(struct desk *desk)
{
    cr_assert_eq(
        sessions_tidy(desk->server.sessions, &desk->server.batch, desk->now_us + 10000000, 9), OK);
    desk_commit(desk);
}

static void trim(struct desk *desk)
{
    cr_assert_eq(sessions_trim(desk->server.sessions, &desk->server.batch), OK);
    desk_commit(desk);
}

static uint64_t first_lsn(struct desk *desk)
{
    uint64_t first;

    cr_assert_eq(journal_first(&desk->server.journal, &first), OK);
    return first;
}

/* A share of what there is at each call, so that it ends however much it is. */
Test(oldest, is_trimmed_to_some_at_a_time)
{
    enum { N_ENDED = 900 };
    struct sessions *sessions;
    struct desk desk;
    uint64_t next;

    desk_open(&desk, 10);
    desk_bank(&desk, "b", 12);
    desk_test(&desk, "t", "'stop': {'any': [{'rule': 'length', 'at': 6}]}");
    sessions = desk.server.sessions;
    for (int i = 0; i < N_ENDED; i++) {
        char name[16];

        snprintf(name, sizeof(name), "s-%d", i);
        desk_steps(&desk, name, "t", "s1f");
        tidy(&desk);
    }
    next = desk.server.journal.next_lsn;
    cr_assert_eq(next, 3 * N_ENDED + 1);
    trim(&desk);
    cr_expect_eq(first_lsn(&desk), 1 + 2048 + (next - 1) / 8);
    cr_expect(sessions_trim_goes_on(sessions));
    desk_steps(&desk, "s-late", "t", "s");
    trim(&desk);
    cr_expect_not(sessions_trim_goes_on(sessions));
    cr_expect_eq(first_lsn(&desk), next, "what came meanwhile stays");
    desk_close(&desk);
}
