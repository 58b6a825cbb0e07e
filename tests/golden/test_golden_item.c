/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Response and information functions against catR's. */
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>

/* The tolerances that README.md states for these files. */
#define TOLERANCE          1e-12
#define TOLERANCE_DERIVED  1e-11
#define TOLERANCE_OBSERVED 1e-9

/* Files, rows and categories or columns compared in each; a number of ours that is wrong by design
 * is a test that compares nothing. */
struct source {
    const char *file, *bank;
    const struct model *model;
    double D;
    size_t n_row;
};

struct place {
    const struct table *table;
    size_t row;
    double tolerance;
};

static void compare(const struct place *at, const char *column, double got)
{
    expect_close(got, table_number(at->table, at->row, column), at->tolerance, "%s, row %zu, %s",
                 table_path(at->table), at->row, column);
}

static const struct item *item_at(const struct bank *bank, const struct table *table, size_t row)
{
    return bank_item(bank, table_count(table, row, "item") - 1);
}

static void compare_information(struct place at, const struct curve *curve, double info)
{
    at.tolerance = TOLERANCE_DERIVED;
    compare(&at, "I", info);
    compare(&at, "I", curve_info(curve));
    compare(&at, "dI", curve_info_d1(curve));
    compare(&at, "d2I", curve_info_d2(curve));
    compare(&at, "J", curve_j(curve));
    compare(&at, "dJ", curve_j_d1(curve));
}

static void compare_probability(struct place at, const struct item *item, double theta, unsigned k)
{
    double p[LIMIT_CATS];
    double want = table_number(at.table, at.row, "P");

    item->model->prob(item, theta, p);
    at.tolerance = TOLERANCE;
    compare(&at, "P", p[k]);
    expect_close(item->model->log_prob(item, k, theta), log(want), TOLERANCE_DERIVED / want,
                 "%s, row %zu, log P", table_path(at.table), at.row);
}

static void compare_derivatives(struct place at, const struct curve *curve, unsigned k)
{
    at.tolerance = TOLERANCE;
    compare(&at, "P", curve->p[k]);
    compare(&at, "dP", curve->p[k] * curve->r1[k]);
    at.tolerance = TOLERANCE_DERIVED;
    compare(&at, "d2P", curve->p[k] * curve->r2[k]);
}

static void check_logistic(const struct source *source)
{
    struct table *table = table_golden(source->file);
    struct bank *bank = bank_golden(source->bank, source->model, source->D);

    cr_expect(table_n_row(table) == source->n_row, "%s", source->file);
    for (size_t row = 0; row < table_n_row(table); row++) {
        const struct item *item = item_at(bank, table, row);
        double theta = table_number(table, row, "theta");
        struct place at = {.table = table, .row = row, .tolerance = TOLERANCE_DERIVED};
        struct curve curve;

        item->model->curve(item, theta, &curve);
        compare_probability(at, item, theta, 1);
        compare_derivatives(at, &curve, 1);
        compare(&at, "d3P", curve.p[1] * curve.r3[1]);
        compare_information(at, &curve, item->model->info(item, theta));
        at.tolerance = TOLERANCE_OBSERVED;
        compare(&at, "OI0", curve_observed(&curve, 0));
        compare(&at, "OI1", curve_observed(&curve, 1));
    }
    bank_free(bank);
    table_free(table);
}

Test(golden_item, the_logistic_models_are_as_in_catR)
{
    static const struct source sources[] = {
        {"item/1pl_D1.csv", "1pl", &model_1pl, 1.0, 340},
        {"item/2pl_D1.csv", "2pl", &model_2pl, 1.0, 340},
        {"item/3pl_D1.csv", "3pl", &model_3pl, 1.0, 340},
        {"item/4pl_D1.csv", "4pl", &model_4pl, 1.0, 340},
        {"item/2pl_D1.702.csv", "2pl", &model_2pl, 1.702, 102},
        {"item/3pl_D1.702.csv", "3pl", &model_3pl, 1.702, 102},
        {"item/4pl_D1.702.csv", "4pl", &model_4pl, 1.702, 102},
    };

    for (size_t i = 0; i < COUNT_OF(sources); i++) check_logistic(&sources[i]);
}

/* Every category's probability stands in a row of its own. */
static void check_categories(const struct source *source)
{
    struct table *table = table_golden(source->file);
    struct bank *bank = bank_golden(source->bank, source->model, source->D);
    bool has_derivatives = table_has(table, "dP");

    cr_expect(table_n_row(table) == source->n_row, "%s has %zu rows", source->file,
              table_n_row(table));
    for (size_t row = 0; row < table_n_row(table); row++) {
        const struct item *item = item_at(bank, table, row);
        double theta = table_number(table, row, "theta");
        unsigned k = (unsigned)table_count(table, row, "cat");
        struct place at = {.table = table, .row = row};
        struct curve curve;

        cr_assert(k < item->n_cat, "%s, row %zu: category %u of %u", source->file, row, k,
                  item->n_cat);
        item->model->curve(item, theta, &curve);
        compare_probability(at, item, theta, k);
        if (has_derivatives) compare_derivatives(at, &curve, k);
    }
    bank_free(bank);
    table_free(table);
}

Test(golden_item, the_probabilities_of_categories_are_as_in_catR)
{
    static const struct source sources[] = {
        {"item/grm_D1_prob.csv", "grm", &model_grm, 1.0, 1819},
        {"item/gpcm_D1_prob.csv", "gpcm", &model_gpcm, 1.0, 1615},
        {"item/grm_D1.702_prob.csv", "grm", &model_grm, 1.702, 340},
        {"item/gpcm_D1.702_prob.csv", "gpcm", &model_gpcm, 1.702, 323},
        {"item/mgrm_D1_prob.csv", "mgrm", &model_mgrm, 1.0, 1700},
        {"item/pcm_D1_prob.csv", "pcm", &model_pcm, 1.0, 1394},
        {"item/rsm_D1_prob.csv", "rsm", &model_rsm, 1.0, 1360},
        {"item/nrm_D1_prob.csv", "nrm", &model_nrm, 1.0, 1428},
        {"item/nrm_D1_prob.csv", "nrm", &model_nrm, 1.702, 1428},  // D is not used
        {"item/mgrm_D1.702_prob.csv", "mgrm", &model_mgrm, 1.702, 340},
        {"item/pcm_D1.702_prob.csv", "pcm", &model_pcm, 1.702, 238},
        {"item/rsm_D1.702_prob.csv", "rsm", &model_rsm, 1.702, 272},
    };

    for (size_t i = 0; i < COUNT_OF(sources); i++) check_categories(&sources[i]);
}

static void check_information(const struct source *source)
{
    struct table *table = table_golden(source->file);
    struct bank *bank = bank_golden(source->bank, source->model, source->D);

    cr_expect(table_n_row(table) == source->n_row, "%s", source->file);
    for (size_t row = 0; row < table_n_row(table); row++) {
        const struct item *item = item_at(bank, table, row);
        double theta = table_number(table, row, "theta");
        struct curve curve;

        item->model->curve(item, theta, &curve);
        compare_information((struct place){.table = table, .row = row}, &curve,
                            item->model->info(item, theta));
    }
    bank_free(bank);
    table_free(table);
}

Test(golden_item, the_information_of_polytomous_items_is_as_in_catR)
{
    static const struct source sources[] = {
        {"item/grm_D1_info.csv", "grm", &model_grm, 1.0, 340},
        {"item/gpcm_D1_info.csv", "gpcm", &model_gpcm, 1.0, 340},
        {"item/grm_D1.702_info.csv", "grm", &model_grm, 1.702, 68},
        {"item/mgrm_D1_info.csv", "mgrm", &model_mgrm, 1.0, 340},
        {"item/pcm_D1_info.csv", "pcm", &model_pcm, 1.0, 340},
        {"item/rsm_D1_info.csv", "rsm", &model_rsm, 1.0, 340},
        {"item/nrm_D1_info.csv", "nrm", &model_nrm, 1.0, 340},
        {"item/mgrm_D1.702_info.csv", "mgrm", &model_mgrm, 1.702, 68},
    };

    for (size_t i = 0; i < COUNT_OF(sources); i++) check_information(&sources[i]);
}
