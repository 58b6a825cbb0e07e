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
