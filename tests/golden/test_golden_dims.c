/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several dimensions: scores against mirt's, criteria and whole tests against mirtCAT's. */
#include "estimate/dims.h"
#include "select/criterion.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_DIM = 2, MOST_ITEMS = 64 };

static struct bank *bank_2d(const char *name, const struct model *model)
{
    struct table *table = table_golden(name);
    struct item_spec specs[MOST_ITEMS] = {0};
    char ids[MOST_ITEMS][24];
    size_t n = table_n_row(table);
    struct bank *bank;

    cr_assert(n <= MOST_ITEMS);
    for (size_t row = 0; row < n; row++) {
        struct item_spec *spec = &specs[row];

        snprintf(ids[row], sizeof(ids[row]), "q%zu", row + 1);
        spec->id = slice_str(ids[row]);
        spec->model = model;
        spec->n_dim = N_DIM;
        spec->direction[0] = table_number(table, row, "a1");
        spec->direction[1] = table_number(table, row, "a2");
        spec->value[SLOT_B] = table_number(table, row, "d");
        if (table_has(table, "g")) spec->value[SLOT_C] = table_number(table, row, "g");
    }
    bank = bank_of_specs(specs, n, 1.0);
    table_free(table);
    return bank;
}

/* Both references have means 0, variances 1, covariance 0.5; 61 nodes from -6 to 6, of equal
 * weight. */
static struct estimate_spec spec_2d(const struct estimator *estimator)
{
    struct estimate_spec spec = estimate_spec_default();

    spec.estimator = estimator;
    spec.grid.rule = GRID_SUM;
    spec.prior.dims = (struct prior_dims){.n_cov = N_DIM, .cov = {1.0, 0.5, 0.5, 1.0}};
    return spec;
}

struct sheet {
    struct evidence evidence;
    uint32_t item[MOST_ITEMS];
    uint8_t score[MOST_ITEMS];
};

static void sheet_start(struct sheet *sheet, const struct bank *bank)
{
    sheet->evidence = (struct evidence){.bank = bank, .item = sheet->item, .score = sheet->score};
}

/* Estimate 1 and 2, and cov11, cov12, cov22, in the columns name1, name2, name_v11, .. */
static void compare(const struct table *table, size_t row, const char *name,
                    const struct estimate_dims *got, double tolerance, double tolerance_cov)
{
    static const char *const suffixes[] = {"1", "2", "_v11", "_v12", "_v22"};
    const double values[] = {got->theta[0], got->theta[1], got->cov[0], got->cov[1], got->cov[3]};

    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        char column[16];

        snprintf(column, sizeof(column), "%s%s", name, suffixes[i]);
        expect_close(values[i], table_number(table, row, column),
                     i < N_DIM ? tolerance : tolerance_cov, "row %zu: %s", row, column);
    }
    expect_bits(got->cov[1], got->cov[2], "row %zu: symmetry", row);
}

Test(golden_dims, scores_are_as_in_mirt)
{
    struct bank *bank = bank_2d("mirt/score_m2pl_items.csv", &model_m2pl);
    struct table *table = table_golden("mirt/score_m2pl.csv");
    struct estimate_workspace *workspace = estimate_workspace_new();
    struct estimate_spec eap = spec_2d(&estimator_eap), map = spec_2d(&estimator_map);

    cr_assert(workspace);
    cr_expect(table_n_row(table) == 126);
    for (size_t row = 0; row < table_n_row(table); row++) {
        const char *digits = table_text(table, row, "responses");
        struct estimate_dims got;
        struct sheet sheet;

        sheet_start(&sheet, bank);
        for (uint32_t i = 0; digits[i]; i++) {
            if (digits[i] == '.') continue;
            evidence_add(&sheet.evidence, i, (unsigned)(digits[i] - '0'), NULL);
        }
        eap.estimator->solve_dims(&eap, &sheet.evidence, workspace, &got);
        compare(table, row, "EAP", &got, 1e-8, 1e-8);
        map.estimator->solve_dims(&map, &sheet.evidence, workspace, &got);
        compare(table, row, "MAP", &got, 1e-5, 1e-4);
    }
    estimate_workspace_free(workspace);
    table_free(table);
    bank_free(bank);
}

/* One test of mirtCAT, step by step. */
struct walk {
    const struct table *trace, *values;
    const struct criterion *criterion;
    struct estimate_spec spec;
    struct sheet sheet;
    struct estimate_workspace *workspace;
    double theta[N_DIM];  // mirtCAT's, before the step
    uint64_t blocked;
    size_t n_value, n_choice;
};

static bool is_row(const struct table *table, size_t row, const char *criterion, size_t person)
{
    return strcmp(table_text(table, row, "criterion"), criterion) == 0 &&
           table_count(table, row, "person") == person;
}

/* The values of all candidates at mirtCAT's theta, where the file has them. */
static void compare_values(struct walk *walk, const double *value, size_t person, size_t step)
{
    for (size_t row = 0; row < table_n_row(walk->values); row++) {
        size_t item;

        if (!is_row(walk->values, row, walk->criterion->name, person)) continue;
        if (table_count(walk->values, row, "step") != step) continue;
        item = table_count(walk->values, row, "item") - 1;
        expect_true(!(walk->blocked >> item & 1), "item %zu was given", item + 1);
        expect_true(fabs(value[item] / table_number(walk->values, row, "value") - 1.0) <= 1e-6,
                    "%s, person %zu, step %zu, item %zu: %.17g", walk->criterion->name, person,
                    step, item + 1, value[item]);
        walk->n_value++;
    }
}

static void step(struct walk *walk, size_t row, size_t person)
{
    size_t number = table_count(walk->trace, row, "step");
    uint32_t item = (uint32_t)table_count(walk->trace, row, "item") - 1;
    struct criterion_input input = {.bank = walk->sheet.evidence.bank,
                                    .thetas = walk->theta,
                                    .evidence = &walk->sheet.evidence,
                                    .spec = &walk->spec,
                                    .workspace = walk->workspace};
    struct candidates all = {.n = bank_n_item(input.bank), .blocked = {&walk->blocked}};
    double value[MOST_ITEMS], best = -(double)INFINITY;
    struct estimate_dims got;

    if (number > 2 && table_number(walk->trace, row, "gap") > 1e-4) {
        walk->criterion->values(&input, &all, value);
        compare_values(walk, value, person, number);
        for (size_t i = 0; i < all.n; i++) {
            if (!(walk->blocked >> i & 1)) best = fmax(best, value[i]);
        }
        expect_bits(value[item], best, "%s, person %zu, step %zu: item %u is not the best",
                    walk->criterion->name, person, number, item + 1);
        walk->n_choice++;
    }
    evidence_add(&walk->sheet.evidence, item, (unsigned)table_count(walk->trace, row, "response"),
                 NULL);
    walk->blocked |= (uint64_t)1 << item;
    walk->spec.estimator->solve_dims(&walk->spec, &walk->sheet.evidence, walk->workspace, &got);
    for (size_t m = 0; m < N_DIM; m++) {
        const char *theta[] = {"theta1", "theta2"}, *se[] = {"se1", "se2"};

        walk->theta[m] = table_number(walk->trace, row, theta[m]);
        expect_close(got.theta[m], walk->theta[m], 1e-5, "row %zu: %s", row, theta[m]);
        expect_close(sqrt(got.cov[m * N_DIM + m]), table_number(walk->trace, row, se[m]), 1e-4,
                     "row %zu: %s", row, se[m]);
    }
}

Test(golden_dims, tests_and_criteria_are_as_in_mirtcat)
{
    static const struct criterion *const all[] = {
        &criterion_Drule, &criterion_DPrule, &criterion_Trule, &criterion_TPrule,
        &criterion_Arule, &criterion_APrule, &criterion_Erule, &criterion_EPrule};
    struct bank *bank = bank_2d("mcat/m3pl_items.csv", &model_m3pl);
    struct table *trace = table_golden("mcat/m3pl_trace_MAP.csv");
    struct table *values = table_golden("mcat/m3pl_criteria.csv");
    struct walk walk = {.trace = trace, .values = values, .spec = spec_2d(&estimator_map)};

    walk.workspace = estimate_workspace_new();
    cr_assert(walk.workspace);
    for (size_t c = 0; c < COUNT_OF(all); c++) {
        walk.criterion = all[c];
        for (size_t person = 1; person <= 4; person++) {
            sheet_start(&walk.sheet, bank);
            walk.blocked = 0;
            for (size_t row = 0; row < table_n_row(trace); row++) {
                if (is_row(trace, row, all[c]->name, person)) step(&walk, row, person);
            }
        }
    }
    cr_expect(walk.n_value > 1500 && walk.n_choice > 250, "%zu values, %zu choices", walk.n_value,
              walk.n_choice);
    estimate_workspace_free(walk.workspace);
    table_free(values);
    table_free(trace);
    bank_free(bank);
}
