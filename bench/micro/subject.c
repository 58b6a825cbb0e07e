/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/micro/subject.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { SEED = 20, CATEGORIES = 5, ENEMIES = 3, ID_BYTES = 24 };

static void must(bool good, const char *what)
{
    if (good) return;
    fprintf(stderr, "bench: %s failed\n", what);
    exit(EX_SOFTWARE);
}

double subject_number(uint64_t i, double lo, double hi)
{
    return lo + (hi - lo) * rng_uniform(SEED, i);
}

static void set_lists(struct item_spec *spec, uint64_t i)
{
    double b = spec->value[SLOT_B], sum = 0.0;

    if (model_param_name(spec->model, SLOT_STEPS)) spec->n_step = CATEGORIES - 1;
    if (model_param_name(spec->model, SLOT_SLOPES)) spec->n_slope = CATEGORIES - 1;
    for (unsigned k = 0; k < spec->n_step; k++) {
        double step = b + 0.8 * k - 1.2 + subject_number(8 * i + 4 + k % 4, -0.3, 0.3);

        sum -= step;
        spec->steps[k] = spec->n_slope > 0 ? sum : step;
        spec->slopes[k] = k + 1.0;
    }
}

const char *subject_strand(size_t g)
{
    static const char *const strands[SUBJECT_STRANDS] = {"algebra", "data", "geometry", "number"};

    return strands[g];
}

static void set_filters(struct item_spec *spec, size_t i, size_t n, char enemies[ENEMIES][ID_BYTES])
{
    spec->n_tag = 1;
    spec->tags[0] =
        (struct tag){slice_str(SUBJECT_TAG), slice_str(subject_strand(i % SUBJECT_STRANDS))};
    spec->exposure = subject_number(16 * i, 0.3, 1.0);
    for (size_t e = 0; e < ENEMIES; e++) {
        snprintf(enemies[e], ID_BYTES, "i%zu", (i + 1 + e * (n / 4)) % n);
        spec->enemies[spec->n_enemy++] = slice_str(enemies[e]);
    }
}

struct bank *subject_bank(const struct model *model, size_t n)
{
    struct bank *bank = bank_new(n, 1.0);
    struct faults faults = {0};

    must(bank != NULL, "bank_new");
    for (size_t i = 0; i < n; i++) {
        char id[ID_BYTES], enemies[ENEMIES][ID_BYTES];
        struct item_spec spec = {.model = model};

        snprintf(id, sizeof(id), "i%zu", i);
        spec.id = slice_str(id);
        spec.value[SLOT_A] = subject_number(8 * i, 0.5, 2.0);
        spec.value[SLOT_B] = subject_number(8 * i + 1, -3.0, 3.0);
        spec.value[SLOT_C] = subject_number(8 * i + 2, 0.05, 0.25);
        spec.value[SLOT_D] = subject_number(8 * i + 3, 0.9, 1.0);
        set_lists(&spec, i);
        set_filters(&spec, i, n, enemies);
        bank_add(bank, &spec, &faults);
    }
    must(bank_seal(bank, &faults) == OK, "bank_seal");
    return bank;
}

struct plan *subject_plan(const struct bank *bank, const struct criterion *criterion)
{
    struct test test;
    struct plan *plan;
    struct faults faults = {0};

    test_init(&test);
    test.pick.criterion = criterion;
    test.enemies_allowed = true;
    must(plan_new(&test, bank, &plan, &faults) == OK, "plan_new");
    return plan;
}
