/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.list: every session once and in order, wherever it is. Suite `listing`. */
#include "server/listing.h"
#include "server_test.h"

#include "tests/support/dice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_SESSION = 40 };

static json_t *list(struct desk *desk, const char *fields)
{
    json_t *reply = wire_read(desk_ask(desk, ROLE_TEACHER, "'op': 'session.list'%s", fields));

    cr_assert(json_is_true(json_object_get(reply, "ok")), "%s", fields);
    return reply;
}

/* The ids of all pages, each followed by a blank. */
static char *list_all(struct desk *desk, const char *fields, size_t limit)
{
    static char ids[4096];
    char after[160] = "";

    ids[0] = '\0';
    for (int n_page = 0; n_page < 1000; n_page++) {
        char more[400];
        json_t *reply;
        const json_t *row;
        size_t i;

        snprintf(more, sizeof(more), "%s%s, 'limit': %zu", fields, after, limit);
        reply = list(desk, more);
        cr_assert_leq(json_array_size(json_object_get(reply, "sessions")), limit);
        json_array_foreach(json_object_get(reply, "sessions"), i, row)
        {
            strcat(ids, json_string_value(json_object_get(row, "session")));
            strcat(ids, " ");
        }
        if (!json_object_get(reply, "next")) {
            json_decref(reply);
            return ids;
        }
        snprintf(after, sizeof(after), ", 'after': '%s'",
                 json_string_value(json_object_get(reply, "next")));
        json_decref(reply);
    }
    cr_assert_fail("the pages have no end");
    return ids;
}

/* Write what has ended or rests to the archive; `leaves` says that it leaves memory too. */
static void archive(struct desk *desk, bool leaves)
{
    struct server *server = &desk->server;

    for (int pass = 0; pass <= leaves; pass++) {
        desk->now_us += (int64_t)2 * 3600 * 1000000;
        cr_assert_eq(sessions_tidy(server->sessions, &server->batch, desk->now_us, 100), OK);
        desk_commit(desk);
    }
}

Test(listing, tells_of_each_session)
{
    struct desk desk;

    desk_open(&desk, 10);
    desk_bank(&desk, "b", 6);
    desk_essays(&desk, "w", 3);
    desk_test(&desk, "t", "'revise': 1");
    desk_steps(&desk, "s-2", "w", "s-");
    desk_steps(&desk, "s-1", "t", "s10z");
    for (int where = 0; where < 2; where++) {
        expect_wire(desk_ask(&desk, ROLE_ADMIN, "'op': 'session.list'"),
                    "{'v': 1, 'id': 7, 'ok': true, 'sessions': ["
                    "{'session': 's-1', 'test': 't', 'examinee': 'e-1', 'group': '6b',"
                    " 'state': 'suspended', 'asked': 3, 'started_ms': 1700000004155},"
                    "{'session': 's-2', 'test': 'w', 'examinee': 'e-1', 'group': '6b',"
                    " 'state': 'asking', 'asked': 2, 'pending': 1, 'started_ms': 1700000001385}"
                    "]}");
        archive(&desk, true);
        cr_expect_eq(sessions_n_live(desk.server.sessions), 0);
    }
    desk_do(&desk, "'op': 'session.get', 'session': 's-1'");
    cr_expect_eq(desk_live(&desk, "s-1")->started_ms, 1700000004155, "and back in memory");
    desk_reopen(&desk);
    cr_expect_eq(desk_live(&desk, "s-2")->started_ms, 1700000001385);
    desk_close(&desk);
}

/* What a session is like, kept beside the server to compare with. */
struct kept {
    char id[16];
    const char *test, *state;
};

static int by_id(const void *x, const void *y)
{
    const struct kept *a = x, *b = y;

    return strcmp(a->id, b->id);
}

/* The ids that ought to be listed. */
static char *ids_of(const struct kept *kept, const char *test, const char *state, const char *after)
{
    static char ids[4096];

    ids[0] = '\0';
    for (size_t i = 0; i < N_SESSION; i++) {
        if (test && strcmp(kept[i].test, test) != 0) continue;
        if (state && strcmp(kept[i].state, state) != 0) continue;
        if (after && strcmp(kept[i].id, after) <= 0) continue;
        strcat(ids, kept[i].id);
        strcat(ids, " ");
    }
    return ids;
}

/* Move a session, and know its state. */
static void act(struct desk *desk, struct kept *kept, struct dice *dice)
{
    bool rests = strcmp(kept->state, "suspended") == 0;

    if (strcmp(kept->state, "finished") == 0 || strcmp(kept->state, "voided") == 0) return;
    if (dice_chance(dice, 0.3)) {
        desk_step(desk, kept->id, kept->test, rests ? 'r' : 'z');
        kept->state = rests ? "asking" : "suspended";
    } else if (dice_chance(dice, 0.2)) {
        bool voids = dice_chance(dice, 0.5);

        desk_step(desk, kept->id, kept->test, voids ? 'v' : 'f');
        kept->state = voids ? "voided" : "finished";
    }
}

static void expect_listed(struct desk *desk, const struct kept *kept, struct dice *dice)
{
    static const char *const states[] = {"asking", "suspended", "finished", "voided", NULL};
    const char *state = states[dice_below(dice, COUNT_OF(states))];
    const char *test = dice_chance(dice, 0.5) ? NULL : dice_chance(dice, 0.5) ? "t" : "u";
    const char *after = dice_chance(dice, 0.5) ? NULL : kept[dice_below(dice, N_SESSION)].id;
    size_t limit = 1 + dice_below(dice, N_SESSION + 3);
    char fields[200] = "";

    if (state) snprintf(fields, sizeof(fields), ", 'state': '%s'", state);
    if (test) snprintf(fields + strlen(fields), 40, ", 'test': '%s'", test);
    if (after && limit > N_SESSION) snprintf(fields + strlen(fields), 40, ", 'after': '%s'", after);
    cr_expect_str_eq(list_all(desk, fields, limit),
                     ids_of(kept, test, state, limit > N_SESSION ? after : NULL),
                     "%s, pages of %zu", fields, limit);
}

/* Some are in memory only, some in the archive only, some in both, and there in an older state. */
Test(listing, has_each_session_once_and_in_order)
{
    struct dice dice = dice_new("listing", 1301);
    struct kept kept[N_SESSION];
    struct desk desk;

    desk_open(&desk, N_SESSION);
    desk_bank(&desk, "b", 6);
    desk_test(&desk, "t", "'revise': 1");
    desk_test(&desk, "u", "'revise': 1");
    for (size_t i = 0; i < N_SESSION; i++) {
        kept[i].test = i % 3 ? "t" : "u";
        kept[i].state = "asking";
        snprintf(kept[i].id, sizeof(kept[i].id), "s%zu%.*s", i * 37 % N_SESSION, (int)(i % 4),
                 ".-x");
        desk_step(&desk, kept[i].id, kept[i].test, 's');
    }
    qsort(kept, N_SESSION, sizeof(*kept), by_id);
    for (int round = 0; round < 25; round++) {
        for (int i = 0; i < 10; i++) act(&desk, &kept[dice_below(&dice, N_SESSION)], &dice);
        if (round % 3 == 1) archive(&desk, dice_chance(&dice, 0.5));
        if (round % 9 == 8) desk_reopen(&desk);
        for (int i = 0; i < 12; i++) expect_listed(&desk, kept, &dice);
    }
    desk_close(&desk);
}

Test(listing, refuses_what_is_no_query)
{
    static const char *const wrong[] = {"'state': 'new'", "'state': ''",   "'limit': 0",
                                        "'limit': 501",   "'test': 'a b'", "'after': 7"};
    struct desk desk;

    desk_open(&desk, 10);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        desk_fail(&desk, "bad_request", "'op': 'session.list', %s", wrong[i]);
    }
    expect_wire(desk_ask(&desk, ROLE_ADMIN, "'op': 'session.list'"),
                "{'v': 1, 'id': 7, 'ok': true, 'sessions': []}");
    desk_close(&desk);
}

static void seen(void *context, const struct live *live, bool is_ahead)
{
    (void)live;
    (void)is_ahead;
    ++*(size_t *)context;
}

/* Another tenant's sessions are not there, though its name begins alike. */
Test(listing, keeps_tenants_apart)
{
    struct listing_query query = {.limit = 9};
    struct desk desk;
    struct buf gathered = {0};
    struct page *page = calloc(1, sizeof(*page));
    size_t n = 0;

    cr_assert(page);
    desk_open(&desk, 10);
    desk_bank(&desk, "b", 6);
    desk_test(&desk, "t", "'revise': 1");
    desk_steps(&desk, "s-1", "t", "sf");
    desk_steps(&desk, "s-2", "t", "s");
    for (int where = 0; where < 2; where++) {
        static const char *const tenants[] = {"loca", "locals", "local", "m"};

        for (size_t i = 0; i < COUNT_OF(tenants); i++) {
            buf_clear(&gathered);
            listing_gather(desk.server.sessions, slice_str(tenants[i]), &query, &gathered);
            cr_assert_eq(listing_page(desk.server.env, &query, buf_slice(&gathered), page), OK);
            cr_expect_eq(page->n, i == 2 ? 2 : 0, "%s", tenants[i]);
            cr_expect(page->next[0] == 0);
        }
        sessions_each(desk.server.sessions, seen, &n);
        cr_expect_eq(n, 2);
        archive(&desk, true);
    }
    buf_done(&gathered);
    free(page);
    desk_close(&desk);
}
