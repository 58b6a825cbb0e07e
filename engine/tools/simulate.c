/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads take blocks of examinees from a common counter and write to places of their own; counts
 * of items are whole numbers, kept by each thread and added at the end, so order does not matter.
 *
 * The response of an examinee to an item is drawn with (examinee, item) and not with the number of
 * the question: two tests simulated with one seed meet the same people, who answer the same item
 * alike, and differences between the tests are seen with less noise. */
#include "tools/simulate.h"
#include "base/rng.h"
#include "irt/dims.h"
#include "session/session.h"
#include "tools/simulated_counts.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 };  // examinees taken at a time: a few milliseconds of work

/* Draws of one examinee: the session's seed, then one response for each item. */
enum draw { DRAW_SESSION, DRAW_RESPONSE };

/* What the threads share. */
struct run {
    const struct simulation *simulation;
    struct simulation_result *result;
    atomic_size_t next, n_done;
    atomic_bool failed;
};

/* What one thread has to itself. */
struct worker {
    struct run *run;
    struct workspace *workspace;
    uint64_t *item_count;  // [n_item]
    uint32_t *retired;     // [n_retired + n_item], with what this examinee has no response to
    struct simulated_counts counts;  // of the examinees before
    pthread_t thread;
    bool started;
};

uint64_t simulate_key(uint64_t seed, size_t examinee)
{
    return rng_bits(seed, examinee);
}

uint64_t simulate_session_seed(uint64_t seed, size_t examinee)
{
    return rng_bits(simulate_key(seed, examinee), DRAW_SESSION) & LIMIT_INT;
}

static unsigned draw_score(const struct item *item, const double *theta, double u)
{
    double p[LIMIT_CATS];
    unsigned score = 0;

    item->model->prob(item, item_predictor(item, theta), p);
    while (score + 1 < item->n_cat && u >= p[score]) u -= p[score++];
    return score;
}

static uint8_t respond(const struct simulation *simulation, size_t examinee, uint32_t item)
{
    const struct bank *bank = simulation->plan->bank;
    uint64_t key;

    if (simulation->responses) {
        return simulation->responses[examinee * bank_n_item(bank) + item];
    }
    key = simulate_key(simulation->seed, examinee);
    return (uint8_t)draw_score(bank_item(bank, item),
                               simulation->theta + examinee * bank_n_dim(bank),
                               rng_uniform(key, DRAW_RESPONSE + (uint64_t)item));
}

/* What examinee i cannot be asked, into worker->retired. Returns how many there are. */
static uint32_t withdraw(struct worker *worker, size_t i)
{
    const struct simulation *simulation = worker->run->simulation;
    size_t n_item = bank_n_item(simulation->plan->bank);
    uint32_t n = simulation->n_retired;

    for (uint32_t item = 0; simulation->responses && item < n_item; item++) {
        if (simulation->responses[i * n_item + item] == SIMULATE_MISSING) {
            worker->retired[n++] = item;
        }
    }
    return n;
}

/* How examinee i's test came out. */
static void write_down(const struct worker *worker, size_t i, const struct session *session,
                       const struct outcome *outcome)
{
    bool is_one = outcome->n_dim == 1;
    struct simulated *row = worker->run->result->examinee + i * outcome->n_dim;

    for (size_t m = 0; m < outcome->n_dim; m++) {
        row[m] = (struct simulated){is_one ? outcome->theta : outcome->ability.theta[m],
                                    is_one ? outcome->se : outcome->ability.se[m], outcome->stop,
                                    session_n_answer(session)};
    }
}

static void keep(const struct worker *worker, size_t i, const struct session *session)
{
    const struct simulation_result *result = worker->run->result;
    unsigned n = session_n_answer(session);

    for (unsigned seq = 1; seq <= n; seq++) {
        uint32_t item = session_answered_item(session, seq);

        worker->item_count[item]++;
        if (result->items) {
            result->items[i * worker->run->simulation->plan->max_items + seq - 1] = item;
        }
    }
}

/* A person scores, after the test, what waits for it. */
static enum status score_later(struct worker *worker, size_t i, struct session *session,
                               struct event *event, struct effects *effects)
{
    const struct simulation *simulation = worker->run->simulation;
    unsigned n = session_n_answer(session);
    enum status st = OK;

    event->kind = EVENT_SCORED;
    for (event->seq = 1; event->seq <= n && !st; event->seq++) {
        event->item = session_answered_item(session, event->seq);
        if (!bank_is_later(simulation->plan->bank, event->item)) continue;
        event->response.score = respond(simulation, i, event->item);
        st = session_step(session, event, worker->workspace, effects);
    }
    return st;
}

/* The answer to the item that is asked. */
static struct response answer(const struct simulation *simulation, size_t i, uint32_t item)
{
    if (bank_is_later(simulation->plan->bank, item)) {
        return (struct response){.kind = RESPONSE_LATER};
    }
    return (struct response){.kind = RESPONSE_SCORE, .score = respond(simulation, i, item)};
}

/* Examinee i takes the test. The clock stands still: there is no model of how long answers take. */
static enum status take_test(struct worker *worker, size_t i, struct session *session)
{
    const struct simulation *simulation = worker->run->simulation;
    struct event event = {.kind = EVENT_STARTED,
                          .seed = simulate_session_seed(simulation->seed, i),
                          .retired = worker->retired,
                          .n_retired = withdraw(worker, i),
                          .elapsed_ms = -1};
    struct effects effects = {0};
    enum status st;

    simulated_counts_draw(&worker->counts, &event);
    st = session_step(session, &event, worker->workspace, &effects);
    if (!st) simulated_counts_take(&worker->counts, session_news(session), &event);
    event.kind = EVENT_ANSWERED;
    while (!st && !effects.outcome.stop) {
        event.seq++;
        event.item = effects.outcome.item;
        event.response = answer(simulation, i, event.item);
        st = session_step(session, &event, worker->workspace, &effects);
        if (!st) simulated_counts_take(&worker->counts, session_news(session), &event);
    }
    if (!st) st = score_later(worker, i, session, &event, &effects);
    if (st) return st;
    write_down(worker, i, session, &effects.outcome);
    keep(worker, i, session);
    return OK;
}

/* There was no item that examinee i could be asked. */
static void leave_empty(const struct worker *worker, size_t i)
{
    size_t n_dim = bank_n_dim(worker->run->simulation->plan->bank);
    struct simulated *row = worker->run->result->examinee + i * n_dim;

    for (size_t m = 0; m < n_dim; m++) row[m] = (struct simulated){NAN, NAN, NULL, 0};
}

/* False without memory. */
static bool take_block(struct worker *worker, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        struct session *session = session_new(worker->run->simulation->plan);
        enum status st;

        if (!session) return false;
        st = take_test(worker, i, session);
        session_free(session);
        assert(st == OK || st == EXHAUSTED);
        if (st) leave_empty(worker, i);
    }
    return true;
}

static void work(struct worker *worker, void (*progress)(size_t, void *), void *context)
{
    struct run *run = worker->run;
    size_t n = run->simulation->n_examinee;

    while (!atomic_load(&run->failed)) {
        size_t from = atomic_fetch_add(&run->next, BLOCK);
        size_t to = from + BLOCK < n ? from + BLOCK : n;

        if (from >= n) return;
        if (!take_block(worker, from, to)) atomic_store(&run->failed, true);
        atomic_fetch_add(&run->n_done, to - from);
        if (progress) progress(atomic_load(&run->n_done), context);
    }
}

static void *work_in_thread(void *worker)
{
    work(worker, NULL, NULL);
    return NULL;
}

static bool worker_init(struct worker *worker, struct run *run)
{
    const struct simulation *simulation = run->simulation;
    size_t n_item = bank_n_item(simulation->plan->bank);

    worker->run = run;
    worker->workspace = workspace_new(n_item);
    worker->item_count = calloc(n_item, sizeof(*worker->item_count));
    worker->retired = calloc(simulation->n_retired + n_item, sizeof(*worker->retired));
    if (!worker->workspace || !worker->item_count || !worker->retired) return false;
    if (simulated_counts_init(&worker->counts, simulation)) return false;
    for (uint32_t j = 0; j < simulation->n_retired; j++) {
        worker->retired[j] = simulation->retired[j];
    }
    return true;
}

static void worker_done(struct worker *worker)
{
    workspace_free(worker->workspace);
    free(worker->item_count);
    free(worker->retired);
    simulated_counts_done(&worker->counts);
}

/* The caller's thread is the first worker. A thread that cannot be started is done without. */
static void work_all(struct worker *workers, unsigned n)
{
    const struct simulation *simulation = workers->run->simulation;

    for (unsigned t = 1; t < n; t++) {
        struct worker *worker = &workers[t];

        worker->started = pthread_create(&worker->thread, NULL, work_in_thread, worker) == 0;
    }
    work(&workers[0], simulation->progress, simulation->context);
    for (unsigned t = 1; t < n; t++) {
        if (workers[t].started) pthread_join(workers[t].thread, NULL);
    }
    if (simulation->progress) {
        simulation->progress(atomic_load(&workers->run->n_done), simulation->context);
    }
}

static bool result_init(struct simulation_result *result, const struct simulation *simulation)
{
    size_t n = simulation->n_examinee;

    result->examinee = calloc(n * bank_n_dim(simulation->plan->bank), sizeof(*result->examinee));
    result->item_count = calloc(bank_n_item(simulation->plan->bank), sizeof(*result->item_count));
    if (simulation->keep_items) {
        result->items = calloc(n * simulation->plan->max_items, sizeof(*result->items));
    }
    return result->examinee && result->item_count && (result->items || !simulation->keep_items);
}

enum status simulate(const struct simulation *simulation, struct simulation_result *out)
{
    struct simulation_result result = {0};
    struct worker workers[SIMULATE_THREADS] = {0};
    struct run run = {.simulation = simulation, .result = &result};
    size_t n_item = bank_n_item(simulation->plan->bank);
    unsigned n_thread = simulated_counts_needed(simulation->plan) ? 1 : simulation->n_thread;
    enum status st = NO_MEMORY;

    assert(simulation->n_thread >= 1 && simulation->n_thread <= SIMULATE_THREADS);
    if (!result_init(&result, simulation)) goto done;
    for (unsigned t = 0; t < n_thread; t++) {
        if (!worker_init(&workers[t], &run)) goto done;
    }
    work_all(workers, n_thread);
    if (atomic_load(&run.failed)) goto done;
    for (unsigned t = 0; t < n_thread; t++) {
        for (size_t i = 0; i < n_item; i++) result.item_count[i] += workers[t].item_count[i];
    }
    *out = result;
    result = (struct simulation_result){0};  // the caller owns it now
    st = OK;
done:
    for (unsigned t = 0; t < n_thread; t++) worker_done(&workers[t]);
    simulation_result_done(&result);
    return st;
}

void simulation_result_done(struct simulation_result *result)
{
    free(result->examinee);
    free(result->item_count);
    free(result->items);
    *result = (struct simulation_result){0};
}
