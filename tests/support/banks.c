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

/* catR's alphaj and betaj1.. or deltaj1..; an empty cell ends the item's categories. */
static void read_steps(const struct table *table, size_t row, struct item_spec *spec)
{
    const char *prefix = table_has(table, "betaj1") ? "betaj" : "deltaj";

    spec->value[SLOT_A] = table_number(table, row, "alphaj");
    for (;;) {
        char column[ID_TEXT];

        snprintf(column, sizeof(column), "%s%u", prefix, spec->n_step + 1);
        if (!table_has(table, column) || !*table_text(table, row, column)) return;
        spec->steps[spec->n_step++] = table_number(table, row, column);
    }
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
        if (table_has(table, "alphaj"))
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

void spec_random(struct dice *dice, const struct model *model, struct item_spec *spec)
{
    spec->model = model;
    spec->value[SLOT_A] = dice_between(dice, 0.4, 2.5);
    spec->value[SLOT_B] = dice_between(dice, -3.0, 3.0);
    spec->value[SLOT_C] = dice_between(dice, 0.0, 0.3);
    spec->value[SLOT_D] = dice_between(dice, 0.7, 1.0);
    if (!model_has(model, SLOT_STEPS)) return;
    spec->n_step = 1 + (unsigned)dice_below(dice, 5);
    for (unsigned k = 0; k < spec->n_step; k++) {
        double cell = 6.0 / spec->n_step;

        spec->steps[k] = -3.0 + cell * (k + dice_between(dice, 0.01, 0.99));
    }
}

static void make_random(size_t i, void *context, struct item_spec *spec)
{
    size_t n_model = 0;

    while (models[n_model]) n_model++;
    spec_random(context, models[i % n_model], spec);
}

struct bank *bank_random(struct dice *dice, size_t n)
{
    return bank_make(n, make_random, dice);
}
