/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/micro/filters.h"
#include "base/rng.h"
#include "bench/micro/subject.h"
#include "session/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { SITTINGS = 16, BEFORE = 3, N_GIVEN = 10, N_RETIRED = 100, SEEN_MOST = 256 };

static void must(bool good, const char *what)
{
    if (good) return;
    fprintf(stderr, "bench: %s failed\n", what);
    exit(EX_SOFTWARE);
}

static void nothing(struct test *test)
{
    test->enemies_allowed = true;
}

static void with_enemies(struct test *test)
{
    test->enemies_allowed = false;
}

static void with_content(struct test *test)
{
    nothing(test);
    snprintf(test->content_tag, sizeof(test->content_tag), "%s", SUBJECT_TAG);
    test->n_target = SUBJECT_STRANDS;
    for (size_t g = 0; g < SUBJECT_STRANDS; g++) {
        test->targets[g] = (struct target){.proportion = 1.0 / SUBJECT_STRANDS};
        snprintf(test->targets[g].value, sizeof(test->targets[g].value), "%s", subject_strand(g));
    }
}

static void with_exposure(struct test *test)
{
    nothing(test);
    test->exposure.rule = &exposure_sympson_hetter;
}

static const struct filter {
    void (*set)(struct test *test);
    bool has_retired, has_seen;
} filters[] = {
    {nothing, false, false},      {nothing, false, true},       {nothing, true, false},
    {with_enemies, false, false}, {with_content, false, false}, {with_exposure, false, false},
};

const char *const filter_names[] = {"none",    "seen",     "retired", "enemies",
                                    "content", "exposure", NULL};

/* A session that waits for its eleventh question, and what keeps it from items. */
struct sitting {
    struct session *session;
    struct kept_out kept[SEEN_MOST];
    uint32_t n_kept;
    struct event event;
};

struct hall {
    struct plan *plan;
    struct workspace *workspace;
    uint32_t retired[N_RETIRED];
    uint32_t n_retired;
    struct sitting sitting[SITTINGS];
    size_t n_sum;  // so that nothing is optimised away
};

static void step(struct hall *hall, struct sitting *sitting, struct effects *effects)
{
    sitting->event.retired = hall->retired;
    sitting->event.n_retired = hall->n_retired;
    must(session_step(sitting->session, &sitting->event, hall->workspace, effects) == OK, "step");
}

/* Answers as an examinee of that number gives them. */
static void play(struct hall *hall, struct sitting *sitting, uint64_t number, unsigned n_answer)
{
    struct effects effects;
    double share = subject_number(number, 0.2, 0.8);

    sitting->session = session_new(hall->plan);
    must(sitting->session != NULL, "session_new");
    sitting->event = (struct event){.kind = EVENT_STARTED,
                                    .seed = number,
                                    .kept = sitting->kept,
                                    .n_kept = sitting->n_kept,
                                    .elapsed_ms = -1};
    step(hall, sitting, &effects);
    for (uint32_t seq = 1; seq <= n_answer && !effects.outcome.stop; seq++) {
        sitting->event.kind = EVENT_ANSWERED;
        sitting->event.seq = seq;
        sitting->event.item = effects.outcome.item;
        sitting->event.response.score = rng_uniform(number, seq) < share;
        step(hall, sitting, &effects);
    }
}

/* What the examinee was asked in whole tests before this one. */
static void sit_before(struct hall *hall, struct sitting *sitting, uint64_t number)
{
    for (int before = 0; before < BEFORE; before++) {
        play(hall, sitting, number, LIMIT_ANSWERS);
        for (uint32_t seq = 1; seq <= session_n_answer(sitting->session); seq++) {
            must(sitting->n_kept < SEEN_MOST, "room for what was seen");
            sitting->kept[sitting->n_kept++] =
                (struct kept_out){session_answered_item(sitting->session, seq), KEPT_SEEN};
        }
        session_free(sitting->session);
    }
}

static void hall_open(struct hall *hall, const struct filter *filter, const struct bank *bank)
{
    size_t n_item = bank_n_item(bank);
    struct faults faults = {0};
    struct test test;

    test_init(&test);
    filter->set(&test);
    *hall = (struct hall){.workspace = workspace_new(n_item)};
    must(hall->workspace && plan_new(&test, bank, &hall->plan, &faults) == OK, "plan_new");
    hall->n_retired = filter->has_retired ? N_RETIRED : 0;
    for (uint32_t j = 0; j < N_RETIRED; j++) {
        hall->retired[j] = (uint32_t)(j * n_item / N_RETIRED);
    }
    for (size_t i = 0; i < SITTINGS; i++) {
        if (filter->has_seen) sit_before(hall, &hall->sitting[i], i);
        play(hall, &hall->sitting[i], i, N_GIVEN);
    }
}

static void hall_close(struct hall *hall)
{
    for (size_t i = 0; i < SITTINGS; i++) session_free(hall->sitting[i].session);
    workspace_free(hall->workspace);
    plan_free(hall->plan);
}

static void choose_fast(void *context, size_t i)
{
    struct hall *hall = context;
    const struct sitting *sitting = &hall->sitting[i % SITTINGS];
    struct choice choice;

    session_choose(sitting->session, &sitting->event, hall->workspace, &choice);
    hall->n_sum += choice.item;
}

/* By the values of all items of the group that `choice` fell on. */
static uint32_t scan(struct hall *hall, const struct sitting *sitting, const struct choice *choice)
{
    const struct session *session = sitting->session;
    struct workspace *workspace = hall->workspace;
    struct candidates candidates = {
        .list = choice->list, .n = choice->n, .blocked = workspace->blocked};
    struct criterion_input input = session_input(session, &hall->plan->test.interim, workspace);
    size_t n;

    input.theta = choice->theta;
    input.table = NULL;
    input.centres = NULL;
    session_block_choice(session, &sitting->event, choice, workspace->blocked, blocked_set);
    n = pick_best(choice->rule->criterion, &input, &candidates, workspace->scratch.value,
                  workspace->scratch.best, 1);
    session_block_choice(session, &sitting->event, choice, workspace->blocked, blocked_clear);
    return n > 0 ? workspace->scratch.best[0].item : NO_ITEM;
}

static void choose_slow(void *context, size_t i)
{
    struct hall *hall = context;
    const struct sitting *sitting = &hall->sitting[i % SITTINGS];
    struct choice choice;

    session_choose(sitting->session, &sitting->event, hall->workspace, &choice);
    must(scan(hall, sitting, &choice) == choice.item, "the same pick by the scan");
    hall->n_sum += choice.item;
}

struct pick_cost measure_filter(size_t filter, size_t n_item, int n_round)
{
    struct bank *bank = subject_bank(&model_2pl, n_item);
    struct pick_cost cost;
    struct hall hall;

    hall_open(&hall, &filters[filter], bank);
    for (size_t i = 0; i < SITTINGS; i++) choose_slow(&hall, i);  // the picks are the same
    cost.fast = measure_work((struct work){choose_fast, &hall}, n_round);
    cost.slow = measure_work((struct work){choose_slow, &hall}, n_round) - cost.fast;
    hall_close(&hall);
    bank_free(bank);
    return cost;
}
