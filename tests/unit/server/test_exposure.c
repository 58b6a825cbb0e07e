/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What sessions owe to each other: items that are used up, drawn by live counts, or seen before. */
#include "server_test.h"

#include "tests/support/dice.h"
#include "tools/simulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS = 40, LENGTH = 6, PEOPLE = 1200 };

#define STOP "'stop': {'any': [{'rule': 'length', 'at': 6}]}"
#define DAY  ((int64_t)86400 * 1000)

static void set_up(struct desk *desk, const char *exposure)
{
    char fields[400];

    desk_open(desk, 1000);
    desk_bank(desk, "b", ITEMS);
    snprintf(fields, sizeof(fields), STOP ", 'exposure': %s", exposure);
    desk_test(desk, "t", fields);
}

static void start_of(struct desk *desk, const char *test, const char *session, const char *examinee)
{
    desk->now_ms += 1385;
    desk_do(desk,
            "'op': 'session.start', 'session': '%s', 'test': '%s', 'examinee': '%s', 'seed': 4711",
            session, test, examinee);
}

static const char *item_of(struct desk *desk, const char *session)
{
    uint32_t item = desk_view(desk, session).item;

    return item == NO_ITEM ? ""
                           : bank_id(session_plan(desk_live(desk, session)->session)->bank, item);
}

/* Let everything that can leave memory leave it. */
static void forget(struct desk *desk)
{
    for (int i = 0; i < 2; i++) {
        desk->now_us += (int64_t)7200 * 1000000;
        cr_assert_eq(sessions_tidy(desk->server.sessions, &desk->server.batch, desk->now_us, 1000),
                     OK);
        desk_commit(desk);
    }
    cr_assert_eq(sessions_n_live(desk->server.sessions), 0);
}

static void trim(struct desk *desk)
{
    cr_assert_eq(sessions_trim(desk->server.sessions, &desk->server.batch), OK);
    desk_commit(desk);
}

/* Sessions side by side, the daemon started again between any two steps, some of them forgotten and
 * fetched: no item is ever asked a third time, and when all are used up there is nothing to ask. */
Test(exposure, max_uses_is_never_passed)
{
    enum { SESSIONS = 14, MOST = 2 };
    struct desk desk;
    unsigned uses[ITEMS] = {0}, total = 0;

    set_up(&desk, "{'max_uses': 2}");
    for (int step = 0; step < SESSIONS * LENGTH; step++) {
        int s = step % SESSIONS;
        char id[16];

        snprintf(id, sizeof(id), "s-%d", s);
        if (step < SESSIONS)
            start_of(&desk, "t", id, id);
        else if (desk_view(&desk, id).state == SESSION_ASKING)
            desk_step(&desk, id, "t", step % 3 ? '1' : '0');
        if (desk_view(&desk, id).state == SESSION_ASKING) {
            uint32_t item = desk_view(&desk, id).item;

            total++;
            expect_true(++uses[item] <= MOST, "step %d asks item %u again", step, item);
        }
        if (step % 5 == 1) desk_reopen(&desk);
        if (step % 11 == 1) forget(&desk);
        if (step % 7 == 1) trim(&desk);
    }
    cr_expect_eq(total, ITEMS * MOST);
    desk_fail(&desk, "exhausted",
              "'op': 'session.start', 'session': 'late', 'test': 't', 'examinee': 'late'");
    desk_close(&desk);
}

/* A new version of the test with another limit: what has come to it already is out at once; and a
 * larger one lets items in again. */
Test(exposure, max_uses_may_change)
{
    struct desk desk;
    char first[LIMIT_ID + 1];

    set_up(&desk, "{'max_uses': 3}");
    start_of(&desk, "t", "s-1", "e-1");
    strcpy(first, item_of(&desk, "s-1"));
    start_of(&desk, "t", "s-2", "e-2");
    cr_expect_str_eq(item_of(&desk, "s-2"), first);
    desk_test(&desk, "t", STOP ", 'exposure': {'max_uses': 2}");
    start_of(&desk, "t", "s-3", "e-3");
    cr_expect_str_neq(item_of(&desk, "s-3"), first, "used up");
    desk_reopen(&desk);
    start_of(&desk, "t", "s-4", "e-4");
    cr_expect_str_neq(item_of(&desk, "s-4"), first, "used up after a restart");
    desk_test(&desk, "t", STOP ", 'exposure': {'max_uses': 3}");
    start_of(&desk, "t", "s-5", "e-5");
    cr_expect_str_eq(item_of(&desk, "s-5"), first, "the third time");
    start_of(&desk, "t", "s-6", "e-6");
    cr_expect_str_neq(item_of(&desk, "s-6"), first, "used up");
    desk_close(&desk);
}

/* Of counts that are shared with other nodes: what is used up is learned, and each session's events
 * tell what they knew of it. So they replay where nothing of it is known, and in any order. */
Test(exposure, max_uses_is_told_by_a_session_where_it_is_shared)
{
    struct desk desk;
    char item[4][LIMIT_ID + 1];
    struct exposed *exposed;

    set_up(&desk, "{'max_uses': 1}");
    tallies_share(exposure_tallies(desk.server.exposure));
    for (int i = 0; i < 4; i++) {
        char id[8];

        snprintf(id, sizeof(id), "s-%d", i);
        start_of(&desk, "t", id, id);
        snprintf(item[i], sizeof(item[i]), "%s", item_of(&desk, id));
        cr_expect_eq(strcmp(item[i], item[0]) == 0, i < 2, "only what is learned is used up");
        if (i == 0) continue;
        exposed = &desk_live(&desk, "s-0")->exposed;
        exposure_learn(desk.server.exposure, desk_live(&desk, "s-0"), slice_str(item[i]),
                       &desk.server.batch);
        exposure_learn(desk.server.exposure, desk_live(&desk, "s-0"), slice_str(item[i]),
                       &desk.server.batch);
        cr_expect_eq(exposed->used.n, 0, "a session learns it with its next event");
    }
    desk_step(&desk, "s-0", "t", '1');
    desk_step(&desk, "s-0", "t", '0');
    exposed = &desk_live(&desk, "s-0")->exposed;
    cr_expect_eq(exposed->used.n, 3);
    cr_expect_eq(desk_live(&desk, "s-3")->exposed.used.n, 2);
    desk_commit(&desk);
    desk_reopen(&desk);
    exposed = &desk_live(&desk, "s-0")->exposed;
    cr_expect_eq(exposed->used.n, 3);
    cr_expect_eq(desk_live(&desk, "s-3")->exposed.used.n, 2);
    cr_expect_str_eq(item_of(&desk, "s-3"), item[3]);
    desk_do(&desk, "'op': 'session.explain', 'session': 's-3', 'seq': 1");
    desk_close(&desk);
}

/* What an erased session has asked has been asked. */
Test(exposure, max_uses_counts_what_was_erased)
{
    struct desk desk;
    char first[LIMIT_ID + 1];

    set_up(&desk, "{'max_uses': 2}");
    start_of(&desk, "t", "s-1", "e-1");
    strcpy(first, item_of(&desk, "s-1"));
    desk_do(&desk, "'op': 'examinee.erase', 'examinee': 'e-1'");
    desk_reopen(&desk);
    start_of(&desk, "t", "s-2", "e-2");
    cr_expect_str_eq(item_of(&desk, "s-2"), first, "the second time");
    start_of(&desk, "t", "s-3", "e-3");
    cr_expect_str_neq(item_of(&desk, "s-3"), first, "used up");
    desk_close(&desk);
}

/* The counts are of items, whatever version of the bank they stand in. */
Test(exposure, max_uses_counts_over_versions_of_the_bank)
{
    struct desk desk;
    char first[LIMIT_ID + 1];

    set_up(&desk, "{'max_uses': 2}");
    start_of(&desk, "t", "s-1", "e-1");
    strcpy(first, item_of(&desk, "s-1"));
    desk_bank(&desk, "b", ITEMS);
    start_of(&desk, "t", "s-2", "e-2");
    cr_expect_str_eq(item_of(&desk, "s-2"), first);
    cr_expect_eq(desk_live(&desk, "s-2")->bank->version, 2);
    start_of(&desk, "t", "s-3", "e-3");
    cr_expect_str_neq(item_of(&desk, "s-3"), first);
    desk_reopen(&desk);
    cr_expect_str_neq(item_of(&desk, "s-3"), first);
    desk_close(&desk);
}

/* One examinee of a simulation sits before the daemon: the same seed, the same answers. */
static void sit(struct desk *desk, size_t person, const struct simulation *simulation,
                uint32_t *out_items)
{
    struct server *server = &desk->server;
    struct library_name test = {slice_str("local"), slice_str("t")};
    struct library_name bank = {slice_str("local"), slice_str("b")};
    char id[16];
    struct start start = {.tenant = test.tenant, .plan = NULL};
    struct event event = {.kind = EVENT_STARTED,
                          .seed = simulate_session_seed(simulation->seed, person),
                          .elapsed_ms = -1};
    struct faults faults = {0};
    struct session_view view;
    struct live *live;
    bool changed;

    snprintf(id, sizeof(id), "p-%zu", person);
    start.id = start.examinee = slice_str(id);
    start.test = test_entry_version(registry_test(server->registry, test), 0);
    start.bank = bank_entry_version(registry_bank(server->registry, bank), 0);
    cr_assert_eq(registry_plan(server->registry, start.test, start.bank, &start.plan, &faults), OK);
    cr_assert_eq(
        sessions_start(server->sessions, &start, &event, &server->batch, desk->now_us, &live), OK);
    session_view(live->session, &view);
    for (unsigned k = 0; view.item != NO_ITEM; k++) {
        struct event answer = {.kind = EVENT_ANSWERED, .seq = k + 1, .item = view.item};

        out_items[k] = view.item;
        answer.elapsed_ms = -1;
        answer.response.score = simulation->responses[person * ITEMS + view.item];
        cr_assert_eq(sessions_step(server->sessions, live, &answer, slice_of(NULL, 0),
                                   &server->batch, &changed),
                     OK);
        session_view(live->session, &view);
    }
    desk_commit(desk);
}

static enum status on_head(void *context, const struct tally_name *name, uint64_t lsn,
                           const struct eligibility_counts *counts)
{
    (void)counts;
    cr_expect(slice_equal_str(name->test, "t") && lsn > 1);
    ++*(int *)context;
    return OK;
}

static enum status on_item(void *context, const struct tally_item *item)
{
    (void)context;
    return item->uses > 0 ? OK : CORRUPT;
}

/* The tally is on disk: a restart did not only count the journal. */
static void expect_written(struct desk *desk)
{
    int n = 0;

    cr_expect_eq(tally_each(desk->server.env, (struct tally_visitor){on_head, on_item, &n}), OK);
    cr_expect_eq(n, 1);
}

/* What the daemon asks, with restarts, forgetting and trimming in between, is what a simulation
 * asks. Had a restart lost the counts, or taken them a little otherwise, items would differ. */
static void expect_as_simulated(const char *exposure)
{
    static uint32_t served[PEOPLE][LENGTH];
    static uint8_t responses[PEOPLE * ITEMS];
    struct dice dice = dice_new("served", 31);
    struct simulation simulation = {.seed = 77,
                                    .n_examinee = PEOPLE,
                                    .n_thread = 2,
                                    .responses = responses,
                                    .keep_items = true};
    struct simulation_result result = {0};
    struct desk desk;

    for (size_t j = 0; j < COUNT_OF(responses); j++) responses[j] = (uint8_t)dice_below(&dice, 2);
    set_up(&desk, exposure);
    for (size_t person = 0; person < PEOPLE; person++) {
        sit(&desk, person, &simulation, served[person]);
        if (person % 50 == 17) forget(&desk);
        if (person % 60 == 7) desk_reopen(&desk);
        if (person % 30 == 3) trim(&desk);
    }
    expect_written(&desk);
    simulation.plan = session_plan(desk_live(&desk, "p-0")->session);
    cr_assert_eq(simulate(&simulation, &result), OK);
    for (size_t person = 0; person < PEOPLE; person++) {
        cr_assert_arr_eq(served[person], result.items + person * LENGTH, sizeof(served[person]),
                         "examinee %zu", person);
    }
    simulation_result_done(&result);
    desk_close(&desk);
}

Test(exposure, eligibility_is_as_simulated)
{
    expect_as_simulated("{'rule': 'eligibility', 'max_rate': 0.3, 'cuts': [-0.4, 0.4]}");
}

Test(exposure, eligibility_and_max_uses_are_as_simulated)
{
    expect_as_simulated(
        "{'rule': 'eligibility', 'max_rate': 0.4, 'max_uses': 250, 'fading': 0.98}");
}

/* Two sessions in turn, one tally: both sides of the batch and of a restart agree about what
 * another session is not to see. */
Test(exposure, live_counts_survive)
{
    struct desk desk;
    char id[16];
    uint32_t n_kept = 0;

    set_up(&desk, "{'rule': 'eligibility', 'max_rate': 0.2}");
    for (int i = 0; i < 30; i++) {
        snprintf(id, sizeof(id), "s-%d", i);
        start_of(&desk, "t", id, id);
        n_kept += desk_live(&desk, id)->exposed.n_kept;
        if (i % 2) desk_step(&desk, id, "t", 'f');
    }
    cr_expect_gt(n_kept, 0);
    for (int i = 0; i < 30; i++) {
        struct exposed *exposed;
        struct kept_out kept[ITEMS];
        uint32_t n;

        snprintf(id, sizeof(id), "s-%d", i);
        exposed = &desk_live(&desk, id)->exposed;
        n = exposed->n_kept;
        if (n > 0) memcpy(kept, exposed->kept, n * sizeof(*kept));
        if (i % 10 == 0) forget(&desk);
        if (i % 10 == 5) desk_reopen(&desk);
        exposed = &desk_live(&desk, id)->exposed;
        cr_assert_eq(exposed->n_kept, n);
        if (n > 0) cr_expect_arr_eq(kept, exposed->kept, n * sizeof(*kept));
    }
    desk_close(&desk);
}

/* Runs through a session; its items go to `out`. Returns how many there were. */
static int sit_through(struct desk *desk, const char *test, const char *session,
                       const char *examinee, char out[][LIMIT_ID + 1])
{
    int n = 0;

    start_of(desk, test, session, examinee);
    while (*item_of(desk, session)) {
        strcpy(out[n++], item_of(desk, session));
        desk_step(desk, session, test, '1');
    }
    return n;
}

static bool share_an_item(char a[][LIMIT_ID + 1], int n_a, char b[][LIMIT_ID + 1], int n_b)
{
    for (int i = 0; i < n_a; i++) {
        for (int j = 0; j < n_b; j++) {
            if (strcmp(a[i], b[j]) == 0) return true;
        }
    }
    return false;
}

enum { MOST_ASKED = ITEMS };

Test(exposure, what_was_seen_does_not_come_again)
{
    char one[MOST_ASKED][LIMIT_ID + 1], two[MOST_ASKED][LIMIT_ID + 1];
    char three[MOST_ASKED][LIMIT_ID + 1], other[MOST_ASKED][LIMIT_ID + 1];
    int n_one, n_two, n_three, n_other;
    struct desk desk;

    set_up(&desk, "{'repeat_after_days': 30}");
    desk_test(&desk, "plain", STOP);
    n_one = sit_through(&desk, "plain", "s-1", "e-1", one);
    n_two = sit_through(&desk, "t", "s-2", "e-1", two);
    cr_expect(!share_an_item(one, n_one, two, n_two), "another test on the same bank");
    forget(&desk);
    desk_reopen(&desk);
    n_three = sit_through(&desk, "t", "s-3", "e-1", three);
    cr_expect(!share_an_item(one, n_one, three, n_three), "from the archive");
    cr_expect(!share_an_item(two, n_two, three, n_three), "from the archive");
    n_other = sit_through(&desk, "t", "s-4", "e-2", other);
    cr_expect(share_an_item(one, n_one, other, n_other), "another examinee");
    n_other = sit_through(&desk, "plain", "s-5", "e-1", other);
    cr_expect(share_an_item(one, n_one, other, n_other), "a test that does not mind");
    desk.now_ms += 31 * DAY;
    n_other = sit_through(&desk, "t", "s-6", "e-1", other);
    cr_expect(share_an_item(one, n_one, other, n_other), "long ago");
    desk_close(&desk);
}

/* What is on the screen of another session, or was when it ended, has been seen. */
Test(exposure, what_was_only_shown_was_seen)
{
    struct desk desk;
    char shown[4][LIMIT_ID + 1];

    set_up(&desk, "{'repeat_after_days': 1}");
    start_of(&desk, "t", "s-1", "e-1");
    strcpy(shown[0], item_of(&desk, "s-1"));
    start_of(&desk, "t", "s-2", "e-1");
    strcpy(shown[1], item_of(&desk, "s-2"));
    cr_expect_str_neq(shown[0], shown[1], "two sessions side by side");
    desk_step(&desk, "s-1", "t", 'v');
    desk_step(&desk, "s-2", "t", 'f');
    start_of(&desk, "t", "s-3", "e-1");
    strcpy(shown[2], item_of(&desk, "s-3"));
    cr_expect(!share_an_item(shown, 2, shown + 2, 1), "voided and finished");
    desk_step(&desk, "s-3", "t", 'f');
    forget(&desk);
    start_of(&desk, "t", "s-4", "e-1");
    strcpy(shown[3], item_of(&desk, "s-4"));
    cr_expect(!share_an_item(shown, 3, shown + 3, 1), "from the archive");
    desk_close(&desk);
}

/* When an examinee has seen everything there is nothing to ask. */
Test(exposure, a_bank_that_was_seen_is_exhausted)
{
    char items[MOST_ASKED][LIMIT_ID + 1];
    struct desk desk;

    set_up(&desk, "{'repeat_after_days': 1}");
    desk_test(&desk, "all", "'stop': {'any': [{'rule': 'length', 'at': 1000}]}");
    cr_assert_eq(sit_through(&desk, "all", "s-1", "e-1", items), ITEMS);
    desk_fail(&desk, "exhausted",
              "'op': 'session.start', 'session': 's-2', 'test': 't', 'examinee': 'e-1'");
    desk_do(&desk, "'op': 'session.start', 'session': 's-3', 'test': 't', 'examinee': 'e-2'");
    desk_close(&desk);
}

/* The part that session.explain gives an item. */
static const char *part_of(struct desk *desk, const char *session, const char *item)
{
    static char part[32];
    json_t *reply =
        wire_read(desk_ask(desk, ROLE_ALL, "'op': 'session.explain', 'session': '%s'", session));
    json_t *row;
    size_t i;

    strcpy(part, "");
    json_array_foreach(json_object_get(reply, "items"), i, row)
    {
        if (strcmp(json_string_value(json_array_get(row, 0)), item) != 0) continue;
        snprintf(part, sizeof(part), "%s", json_string_value(json_array_get(row, 1)));
    }
    json_decref(reply);
    return part;
}

Test(exposure, reasons_are_told)
{
    struct desk desk;
    char first[LIMIT_ID + 1], second[LIMIT_ID + 1];

    set_up(&desk, "{'max_uses': 1, 'repeat_after_days': 1}");
    desk_test(&desk, "plain", STOP);
    start_of(&desk, "plain", "s-0", "e-1");
    strcpy(first, item_of(&desk, "s-0"));
    start_of(&desk, "t", "s-1", "e-1");
    strcpy(second, item_of(&desk, "s-1"));
    cr_expect_str_eq(part_of(&desk, "s-1", first), "seen_before");
    start_of(&desk, "t", "s-2", "e-2");
    cr_expect_str_eq(part_of(&desk, "s-2", second), "used_up");
    desk_test(&desk, "drawn", STOP ", 'exposure': {'rule': 'eligibility', 'max_rate': 0.01}");
    for (int i = 0; i < 20; i++) {
        char id[16];

        snprintf(id, sizeof(id), "d-%d", i);
        start_of(&desk, "drawn", id, id);
        if (i < 19) desk_step(&desk, id, "drawn", 'f');
    }
    cr_expect_str_eq(part_of(&desk, "d-0", first), "asked");
    cr_expect_str_eq(part_of(&desk, "d-19", first), "not_eligible");
    desk_close(&desk);
}
