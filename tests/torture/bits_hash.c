/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bits_hash N [FROM]: takes N simulated sessions, from number FROM on, over all models, estimators,
 * criteria and exposure rules and prints one hash of every outcome, each double bit for bit; then
 * takes each once more and checks that the events replay. The hash must be the same with every
 * compiler, optimization and processor. Nothing here calls the C library's exp or log. */
#include "base/rng.h"
#include "num/elementary.h"
#include "session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_ITEM = 28, LENGTH = 9, ID = 16, MOST_STEPS = 4 };

#define DIE_IF(condition)                                                                          \
    do {                                                                                           \
        if (condition) {                                                                           \
            fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static double between(uint64_t seed, uint64_t *draw, double lo, double hi)
{
    return lo + (hi - lo) * rng_uniform(seed, (*draw)++);
}

static bool has_slot(const struct model *model, enum param_slot slot)
{
    for (const struct param *p = model->params; p->name; p++) {
        if (p->slot == slot) return true;
    }
    return false;
}

/* Any model's item. Some models want their steps to rise and others to fall. */
static void make_item(uint64_t number, const char *id, bool rising, struct item_spec *spec)
{
    size_t n_model = 0;
    uint64_t draw = 0;

    while (models[n_model]) n_model++;
    *spec = (struct item_spec){.id = slice_str(id), .model = models[number % n_model]};
    spec->value[SLOT_A] = between(number, &draw, 0.4, 2.2);
    spec->value[SLOT_B] = between(number, &draw, -2.5, 2.5);
    spec->value[SLOT_C] = between(number, &draw, 0.0, 0.3);
    spec->value[SLOT_D] = between(number, &draw, 0.8, 1.0);
    spec->exposure = between(number, &draw, 0.4, 1.0);
    if (has_slot(spec->model, SLOT_DIRECTION)) {
        spec->n_dim = 1;
        spec->direction[0] = spec->value[SLOT_A];
    }
    if (has_slot(spec->model, SLOT_STEPS)) {
        spec->n_step = 1 + (unsigned)(number / n_model) % MOST_STEPS;
    }
    if (has_slot(spec->model, SLOT_SLOPES)) spec->n_slope = spec->n_step;
    for (unsigned k = 0; k < spec->n_step; k++) {
        double cell = 4.0 / spec->n_step, at = -2.0 + cell * (k + between(number, &draw, 0.1, 0.9));

        spec->steps[k] = rising ? at : -at;
        spec->slopes[k] = between(number, &draw, 0.2, 2.0);
    }
}

static bool fits(const struct item_spec *spec)
{
    struct faults faults = {0};
    struct bank *bank = bank_new(1, 1.0);
    bool good;

    DIE_IF(!bank);
    bank_add(bank, spec, &faults);
    good = faults.total == 0;
    bank_free(bank);
    faults_done(&faults);
    return good;
}

static struct bank *make_bank(void)
{
    struct bank *bank = bank_new(N_ITEM, 1.0);
    struct faults faults = {0};

    DIE_IF(!bank);
    for (uint64_t i = 0; i < N_ITEM; i++) {
        struct item_spec spec;
        char id[ID];

        snprintf(id, sizeof(id), "q%u", (unsigned)i);
        make_item(i, id, true, &spec);
        if (!fits(&spec)) make_item(i, id, false, &spec);
        bank_add(bank, &spec, &faults);
    }
    DIE_IF(bank_seal(bank, &faults));
    return bank;
}

static size_t count(const void *const *rows)
{
    size_t n = 0;

    while (rows[n]) n++;
    return n;
}

/* Test i: its rows by the digits of i. */
static struct test make_test(size_t i)
{
    size_t n_estimator = count((const void *const *)estimators);
    size_t n_criterion = count((const void *const *)criteria);
    size_t n_rule = count((const void *const *)exposure_rules);
    struct test test;

    test_init(&test);
    test.interim.estimator = estimators[i % n_estimator];
    test.final.estimator = estimators[(i / 3) % n_estimator];
    test.interim.fence = test.final.fence = (struct fence){1.5, -3.5, 3.5};
    test.pick.criterion = criteria[i % n_criterion];
    if (test.pick.criterion == &criterion_fixed) test.pick.criterion = &criterion_mfi;
    test.pick.n_best = test.pick.criterion->drawn ? 1 : 1 + i % 3;
    test.exposure.rule = exposure_rules[i / 5 % n_rule];
    test.stop.node[1].arg[0] = LENGTH;
    return test;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    for (int i = 0; i < 8; i++) hash = (hash ^ (value >> 8 * i & 0xff)) * 0x100000001b3u;
    return hash;
}

static uint64_t mix_outcome(uint64_t hash, const struct outcome *outcome)
{
    hash = mix(hash, num_bits(outcome->theta));
    hash = mix(hash, num_bits(outcome->se));
    hash = mix(hash, outcome->item);
    return mix(hash, outcome->stop ? slice_hash(slice_str(outcome->stop)) : 0);
}

/* The score of somebody whose luck alone decides: no ability, so no exp. */
static unsigned score(const struct bank *bank, uint64_t seed, uint32_t item)
{
    return (unsigned)(rng_bits(seed, 1000 + item) % bank_item(bank, item)->n_cat);
}

static uint64_t take(const struct plan *plan, uint64_t seed, struct workspace *workspace,
                     uint64_t hash)
{
    struct session *first = session_new(plan), *again = session_new(plan);
    struct event event = {.kind = EVENT_STARTED, .seed = seed};
    struct effects effects;
    enum status st;

    DIE_IF(!first || !again);
    do {
        st = session_step(first, &event, workspace, &effects);
        DIE_IF(st && st != EXHAUSTED);
        if (st) break;
        DIE_IF(session_replay(again, &event, &effects.outcome, workspace));
        hash = mix_outcome(hash, &effects.outcome);
        event = (struct event){.kind = EVENT_ANSWERED,
                               .seq = event.seq + 1,
                               .item = effects.outcome.item,
                               .time_ms = event.time_ms + 1385};
        if (event.item != NO_ITEM)
            event.response.score = (uint8_t)score(plan->bank, seed, event.item);
    } while (!effects.outcome.stop);
    session_free(first);
    session_free(again);
    return hash;
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000, n_test = 0;
    size_t from = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    struct bank *bank = make_bank();
    struct workspace *workspace = workspace_new(N_ITEM);
    uint64_t hash = 0xcbf29ce484222325u;

    DIE_IF(!workspace);
    for (size_t i = from; i < from + n; i++) {
        struct test test = make_test(i);
        struct faults faults = {0};
        struct plan *plan;

        if (plan_new(&test, bank, &plan, &faults) == OK) {
            hash = take(plan, i, workspace, hash);
            plan_free(plan);
            n_test++;
        }
        faults_done(&faults);
    }
    printf("%zu sessions %016llx\n", n_test, (unsigned long long)hash);
    workspace_free(workspace);
    bank_free(bank);
    return n_test > 0 ? 0 : 1;
}
