/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TestDesign's item pools: id, model and the parameters in the model's order. */
#include "tools/import_format.h"

#include <strings.h>

enum { MODEL };  // columns
enum { PAR };    // series

static void put_numbers(struct draft *draft, const char *const *names, const double *values)
{
    for (size_t i = 0; names[i]; i++) draft_number(draft, names[i], values[i]);
}

/* How many of the parameters are single numbers, by name; the rest, if any, is the array b. */
static const struct pool_model {
    const char *theirs, *ours;
    const char *names[4];
    size_t n_name;
    bool steps;
} pool_models[] = {
    {"1PL", "1PL", {"b"}, 1, false},           {"2PL", "2PL", {"a", "b"}, 2, false},
    {"3PL", "3PL", {"a", "b", "c"}, 3, false}, {"PC", "PCM", {NULL}, 0, true},
    {"GPC", "GPCM", {"a"}, 1, true},           {"GR", "GRM", {"a"}, 1, true},
};

static const struct pool_model *find_model(struct import *in, size_t row)
{
    const char *name = import_text(in, row, in->column[MODEL]);

    for (size_t i = 0; i < COUNT_OF(pool_models); i++) {
        if (strcasecmp(pool_models[i].theirs, name) == 0) return &pool_models[i];
    }
    import_fault(in, row, in->column[MODEL], "\"%s\" is none of 1PL, 2PL, 3PL, PC, GPC, GR", name);
    return NULL;
}

static void convert(struct import *in, size_t row, struct draft *draft)
{
    const struct pool_model *model = find_model(in, row);
    size_t before = in->faults->total;
    double values[LIMIT_CATS + 1];
    size_t n = import_need_numbers(in, row, PAR, 1, values);

    if (!model || in->faults->total > before) return;
    if (n < model->n_name + model->steps || (n > model->n_name && !model->steps) ||
        n > model->n_name + LIMIT_CATS - 1) {
        import_fault(in, row, CSV_TABLE_NONE, "%zu parameters are none of a %s", n, model->theirs);
        return;
    }
    draft->model = model->ours;
    put_numbers(draft, model->names, values);
    if (model->steps) draft_numbers(draft, "b", values + model->n_name, n - model->n_name);
}

const struct import_format import_testdesign = {
    .name = "testdesign",
    .about = "TestDesign item pool: ID, MODEL, PAR1, PAR2, ..",
    .needs = {"id", "model", "par1"},
    .columns = {"model"},
    .series = {"par"},
    .convert = convert,
};
