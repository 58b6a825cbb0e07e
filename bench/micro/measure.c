/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/micro/measure.h"
#include "base/rng.h"
#include "bench/common/sample.h"
#include "bench/micro/subject.h"
#include "tools/simulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

enum { N_GIVEN = 10, ROUND_NS = 2000000, MOST_CALLS = 4096, SESSIONS = 32 };

static double clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench: %s failed\n", what);
    exit(EX_SOFTWARE);
}

/* A round has as many calls as fill it. */
double measure_work(struct work work, int n_round)
{
    struct sample *sample = sample_new((size_t)n_round);
    size_t n_call = 0;
    double from = clock_ns(CLOCK_THREAD_CPUTIME_ID), median;

    do work.call(work.context, n_call++);
    while (n_call < MOST_CALLS && clock_ns(CLOCK_THREAD_CPUTIME_ID) - from < ROUND_NS);
    for (int round = 0; round < n_round; round++) {
        from = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        for (size_t i = 0; i < n_call; i++) work.call(work.context, i);
        sample_add(sample, (clock_ns(CLOCK_THREAD_CPUTIME_ID) - from) / (double)n_call);
    }
    median = sample_quantile(sample, 0.5);
    sample_free(sample);
    return median;
}

/* A session after N_GIVEN answers, as a criterion sees it. */
struct scene {
    const struct plan *plan;
    struct estimate_workspace *workspace;
    struct evidence evidence;
    uint32_t item[N_GIVEN];
    uint8_t score[N_GIVEN];
    double loglik[LIMIT_NODES];
    struct candidates candidates;
    struct pick_scratch scratch;
    size_t n_sum;  // so that nothing is optimised away
};

static void scene_init(struct scene *scene, const struct plan *plan)
{
    size_t n_item = bank_n_item(plan->bank);

    *scene = (struct scene){.plan = plan, .workspace = estimate_workspace_new()};
    scene->scratch.value = calloc(n_item, sizeof(double));
    scene->scratch.bound = calloc(n_item, sizeof(double));
    scene->candidates.blocked.word = calloc(n_item / 64 + 1, sizeof(uint64_t));
    if (!scene->workspace || !scene->scratch.value || !scene->scratch.bound ||
        !scene->candidates.blocked.word) {
        fail("memory");
    }
    scene->candidates.n = n_item;
    scene->candidates.shortlists = bank_shortlists(plan->bank);
    scene->evidence = (struct evidence){.bank = plan->bank,
                                        .item = scene->item,
                                        .score = scene->score,
                                        .grid = plan->test.interim.grid,
                                        .loglik = scene->loglik};
    for (uint32_t j = 0; j < N_GIVEN; j++) {
        uint32_t item = (uint32_t)((size_t)j * n_item / N_GIVEN);

        evidence_add(&scene->evidence, item, j % 2, scene->workspace->node);
        blocked_set(scene->candidates.blocked, item);
    }
}

static void scene_done(struct scene *scene)
{
    estimate_workspace_free(scene->workspace);
    free(scene->scratch.value);
    free(scene->scratch.bound);
    free(scene->candidates.blocked.word);
}

static struct criterion_input scene_input(struct scene *scene, size_t i)
{
    const struct test *test = &scene->plan->test;

    return (struct criterion_input){.bank = scene->plan->bank,
                                    .theta = subject_number(i, -2.0, 2.0),
                                    .se = 0.4,
                                    .evidence = &scene->evidence,
                                    .spec = &test->interim,
                                    .ahead = test->interim.estimator,
                                    .pace = test->pace,
                                    .seed = 1,
                                    .draw = 11,
                                    .workspace = scene->workspace};
}

static void pick_fast(void *context, size_t i)
{
    struct scene *scene = context;
    struct criterion_input input = scene_input(scene, i);

    input.table = scene->plan->table;
    input.centres = scene->plan->centres;
    pick_top(scene->plan->test.pick.criterion, &input, &scene->candidates, &scene->scratch, 1);
    scene->n_sum += scene->scratch.best[0].item;
}

static void pick_slow(void *context, size_t i)
{
    struct scene *scene = context;
    struct criterion_input input = scene_input(scene, i);

    pick_best(scene->plan->test.pick.criterion, &input, &scene->candidates, scene->scratch.value,
              scene->scratch.best, 1);
    scene->n_sum += scene->scratch.best[0].item;
}

struct pick_cost measure_pick(const struct plan *plan, int n_round)
{
    struct scene scene;
    struct pick_cost cost;

    scene_init(&scene, plan);
    cost.fast = measure_work((struct work){pick_fast, &scene}, n_round);
    cost.slow = measure_work((struct work){pick_slow, &scene}, n_round);
    scene_done(&scene);
    return cost;
}

/* Sessions that go on from call to call, each call being one answer. */
struct sitting {
    const struct plan *plan;
    struct workspace *workspace;
    struct session *session;
    struct event event;
    struct effects effects;
    uint64_t n_session;
};

static void begin(struct sitting *sitting)
{
    session_free(sitting->session);
    sitting->session = session_new(sitting->plan);
    if (!sitting->session) fail("session_new");
    sitting->event =
        (struct event){.kind = EVENT_STARTED, .seed = ++sitting->n_session, .elapsed_ms = -1};
    if (session_step(sitting->session, &sitting->event, sitting->workspace, &sitting->effects)) {
        fail("session_step");
    }
    sitting->event.kind = EVENT_ANSWERED;
}

static void answer(struct sitting *sitting)
{
    struct event *event = &sitting->event;

    event->seq++;
    event->item = sitting->effects.outcome.item;
    event->response.score = rng_uniform(sitting->n_session, event->seq) < 0.5;
    if (session_step(sitting->session, event, sitting->workspace, &sitting->effects)) {
        fail("session_step");
    }
}

/* All answers of one session; its start is not timed. */
static double time_session(struct sitting *sitting)
{
    double from;

    begin(sitting);
    from = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    while (!sitting->effects.outcome.stop) answer(sitting);
    return (clock_ns(CLOCK_THREAD_CPUTIME_ID) - from) / sitting->event.seq;
}

double measure_step(const struct plan *plan, int n_round)
{
    struct sitting sitting = {.plan = plan, .workspace = workspace_new(bank_n_item(plan->bank))};
    struct sample *sample = sample_new((size_t)n_round * SESSIONS);
    double median;

    if (!sitting.workspace) fail("workspace_new");
    time_session(&sitting);
    for (int i = 0; i < n_round * SESSIONS; i++) sample_add(sample, time_session(&sitting));
    median = sample_quantile(sample, 0.5);
    sample_free(sample);
    session_free(sitting.session);
    workspace_free(sitting.workspace);
    return median;
}

struct simulation_cost measure_simulation(const struct plan *plan, size_t n_examinee,
                                          unsigned n_thread)
{
    double *theta = calloc(n_examinee, sizeof(*theta));
    struct simulation simulation = {
        .plan = plan, .seed = 1, .n_examinee = n_examinee, .theta = theta, .n_thread = n_thread};
    struct simulation_result result = {0};
    struct simulation_cost cost;
    double cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), wall = clock_ns(CLOCK_MONOTONIC);

    for (size_t i = 0; theta && i < n_examinee; i++) theta[i] = subject_number(i, -2.0, 2.0);
    if (!theta || simulate(&simulation, &result)) fail("simulate");
    cost.cpu_ns = (clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)n_examinee;
    cost.wall_s = (clock_ns(CLOCK_MONOTONIC) - wall) * 1e-9;
    simulation_result_done(&result);
    free(theta);
    return cost;
}

double measure_compile(const struct model *model, size_t n_item)
{
    double from = clock_ns(CLOCK_THREAD_CPUTIME_ID);

    bank_free(subject_bank(model, n_item));
    return (clock_ns(CLOCK_THREAD_CPUTIME_ID) - from) * 1e-6;
}
