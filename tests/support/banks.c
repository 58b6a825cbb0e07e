/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/banks.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { ID_TEXT = 24 };

struct item_spec spec_logistic(const char *id, const struct model *model, const double abcd[4])
{
    struct item_spec spec = {.id = slice_str(id), .model = model};

    memcpy(spec.value, abcd, 4 * sizeof(*abcd));
    return spec;
}

struct item_spec spec_steps(const char *id, const struct model *model, double a,
                            const double *steps, unsigned n_step)
{
    struct item_spec spec = {.id = slice_str(id), .model = model, .n_step = n_step};

    spec.value[SLOT_A] = a;
    memcpy(spec.steps, steps, n_step * sizeof(*steps));
    return spec;
}

static struct bank *seal(struct bank *bank, struct faults *faults)
{
    enum status st = bank_seal(bank, faults);

    if (faults->n > 0) {
        const struct fault *fault = &faults->list[0];

        cr_assert_fail("item %s, %s %s", fault->item, fault->field, fault->text);
    }
    cr_assert(st == OK, "the bank is refused with status %d", st);
    faults_done(faults);
    return bank;
}

struct bank *bank_of_specs(const struct item_spec *specs, size_t n, double D)
{
    struct faults faults = {0};
    struct bank *bank = bank_new(n, D);

    cr_assert(bank);
    for (size_t i = 0; i < n; i++) bank_add(bank, &specs[i], &faults);
    return seal(bank, &faults);
}

struct bank *bank_make(size_t n, void (*make)(size_t i, void *context, struct item_spec *spec),
                       void *context)
{
    struct faults faults = {0};
    struct bank *bank = bank_new(n, 1.0);

    cr_assert(bank);
    for (size_t i = 0; i < n; i++) {
        char id[ID_TEXT];
        struct item_spec spec = {0};

        snprintf(id, sizeof(id), "q%zu", i + 1);
        spec.id = slice_str(id);
        make(i, context, &spec);
        bank_add(bank, &spec, &faults);
    }
    return seal(bank, &faults);
}

static void read_logistic(const struct table *table, size_t row, struct item_spec *spec)
{
    static const char *const column[SLOT_STEPS] = {"a", "b", "c", "d"};

    for (int slot = 0; slot < SLOT_STEPS; slot++) {
        spec->value[slot] = table_number(table, row, column[slot]);
    }
}

/* The numbers of prefix1, prefix2, ..; an empty cell ends the item's categories. */
static unsigned read_list(const struct table *table, size_t row, const char *prefix, double *out)
{
    for (unsigned n = 0;; n++) {
        char column[ID_TEXT];

        snprintf(column, sizeof(column), "%s%u", prefix, n + 1);
        if (!table_has(table, column) || !*table_text(table, row, column)) return n;
        cr_assert(n < LIMIT_CATS - 1);
        out[n] = table_number(table, row, column);
    }
}

/* catR's columns of a polytomous model: the scalars, NULL where there is none, and the lists. */
struct columns {
    const struct model *model;
    const char *a, *b, *steps, *slopes;
};

static void read_steps(const struct table *table, size_t row, struct item_spec *spec)
{
    static const struct columns all[] = {
        {&model_grm, "alphaj", NULL, "betaj", NULL},   {&model_mgrm, "alphaj", "bj", "c", NULL},
        {&model_gpcm, "alphaj", NULL, "deltaj", NULL}, {&model_pcm, NULL, NULL, "deltaj", NULL},
        {&model_rsm, NULL, "lambdaj", "delta", NULL},  {&model_nrm, NULL, NULL, "c", "alpha"},
    };
    const struct columns *columns = all;

    while (columns->model != spec->model) {
        columns++;
        cr_assert(columns < all + COUNT_OF(all), "%s: no columns are known", spec->model->name);
    }
    if (columns->a) spec->value[SLOT_A] = table_number(table, row, columns->a);
    if (columns->b) spec->value[SLOT_B] = table_number(table, row, columns->b);
    if (!columns->a) spec->value[SLOT_A] = 1.0;
    spec->n_step = read_list(table, row, columns->steps, spec->steps);
    if (columns->slopes) spec->n_slope = read_list(table, row, columns->slopes, spec->slopes);
}

struct bank *bank_from_table(const struct table *table, const struct model *model, double D)
{
    struct faults faults = {0};
    struct bank *bank = bank_new(table_n_row(table), D);

    cr_assert(bank);
    for (size_t row = 0; row < table_n_row(table); row++) {
        char id[ID_TEXT];
        struct item_spec spec = {.model = model};

        snprintf(id, sizeof(id), "q%s", table_text(table, row, "item"));
        spec.id = slice_str(id);
        if (model_has(model, SLOT_STEPS))
            read_steps(table, row, &spec);
        else
            read_logistic(table, row, &spec);
        if (table_has(table, "Group")) {
            spec.n_tag = 1;
            spec.tags[0] =
                (struct tag){slice_str("group"), slice_str(table_text(table, row, "Group"))};
        }
        bank_add(bank, &spec, &faults);
    }
    return seal(bank, &faults);
}

struct bank *bank_golden(const char *name, const struct model *model, double D)
{
    char path[64];
    struct table *table;
    struct bank *bank;

    snprintf(path, sizeof(path), "banks/%s.csv", name);
    table = table_golden(path);
    bank = bank_from_table(table, model, D);
    table_free(table);
    return bank;
}

bool model_has(const struct model *model, enum param_slot slot)
{
    for (const struct param *p = model->params; p->name; p++) {
        if (p->slot == slot) return true;
    }
    return false;
}

static double within(double x, double reach)
{
    return x < -reach ? -reach : (x > reach ? reach : x);
}

void spec_from_thresholds(struct item_spec *spec)
{
    double b = spec->value[SLOT_B], sum = 0.0;

    if (model_has(spec->model, SLOT_DIRECTION)) {
        spec->n_dim = 1;
        spec->direction[0] = spec->value[SLOT_A];
        spec->value[SLOT_B] = within(-spec->value[SLOT_A] * b, LIMIT_LOCATION);
    }
    for (unsigned k = 0; k < spec->n_step; k++) {
        double slope = within(spec->value[SLOT_A] * (k + 1), LIMIT_SLOPE);

        if (spec->model == &model_mgrm) spec->steps[k] = b - spec->steps[k];
        if (spec->model == &model_rsm) spec->steps[k] -= b;
        if (spec->model == &model_mdgrm) spec->steps[k] *= -spec->value[SLOT_A];
        if (spec->model == &model_mdgpcm) {
            sum -= spec->value[SLOT_A] * spec->steps[k];
            spec->steps[k] = within(sum, LIMIT_LOCATION);
        }
        if (!model_has(spec->model, SLOT_SLOPES)) continue;
        sum -= spec->value[SLOT_A] * spec->steps[k];
        spec->slopes[k] = slope;
        spec->steps[k] = within(sum, LIMIT_LOCATION);
        spec->n_slope = spec->n_step;
    }
}

void spec_random(struct dice *dice, const struct model *model, struct item_spec *spec)
{
    spec->model = model;
    spec->value[SLOT_A] = dice_between(dice, 0.4, 2.5);
    spec->value[SLOT_B] = dice_between(dice, -3.0, 3.0);
    spec->value[SLOT_C] = dice_between(dice, 0.0, 0.3);
    spec->value[SLOT_D] = dice_between(dice, 0.7, 1.0);
    if (model_has(model, SLOT_STEPS)) spec->n_step = 1 + (unsigned)dice_below(dice, 5);
    if (dice_chance(dice, 0.5)) spec->seconds = dice_between(dice, 0.7, 238.5);
    for (unsigned k = 0; k < spec->n_step; k++) {
        double cell = 6.0 / spec->n_step;

        spec->steps[k] = -3.0 + cell * (k + dice_between(dice, 0.01, 0.99));
    }
    spec_from_thresholds(spec);
    for (unsigned k = 0; k < spec->n_slope; k++) spec->slopes[k] += dice_between(dice, -0.3, 0.3);
}

static void make_random(size_t i, void *context, struct item_spec *spec)
{
    size_t n_model = 0;

    while (models[n_model]) n_model++;
    spec_random(context, models[i % n_model], spec);
}

void spec_turn(struct dice *dice, unsigned n_dim, struct item_spec *spec)
{
    double a = spec->direction[0];

    spec->n_dim = n_dim;
    for (unsigned m = 0; m < n_dim; m++) {
        spec->direction[m] = dice_chance(dice, 0.2) ? 0.0 : a * dice_between(dice, -0.3, 1.0);
    }
    spec->direction[dice_below(dice, n_dim)] = a;
}

struct turner {
    struct dice *dice;
    unsigned n_dim;
};

static void make_turned(size_t i, void *context, struct item_spec *spec)
{
    static const struct model *const multi[] = {&model_m2pl, &model_m3pl, &model_mdgrm,
                                                &model_mdgpcm};
    const struct turner *turner = context;

    spec_random(turner->dice, multi[i % COUNT_OF(multi)], spec);
    spec_turn(turner->dice, turner->n_dim, spec);
}

struct bank *bank_random_dims(struct dice *dice, unsigned n_dim, size_t n)
{
    struct turner turner = {dice, n_dim};

    return bank_make(n, make_turned, &turner);
}

struct bank *bank_random(struct dice *dice, size_t n)
{
    return bank_make(n, make_random, dice);
}
