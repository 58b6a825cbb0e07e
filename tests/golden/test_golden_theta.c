/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ability estimates against catR's and mirt's. */
#include "estimates.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOLERANCE 1e-10

/* What a file holds: rows that are compared, and rows of estimators that the engine does not
 * have. */
struct source {
    const char *name, *bank;
    const struct model *model;
    double D;
    size_t n_compared, n_skipped;
};

static struct table *open(const char *name, const char *what)
{
    char path[80];

    snprintf(path, sizeof(path), "theta/%s_%s.csv", name, what);
    return table_golden(path);
}

/* Where the estimating equation has several roots the reference may be a local maximum; what stands
 * in theta_global_max is then right, and the reference's SE belongs to another theta. */
static bool has_one_root(const struct table *table, size_t row)
{
    bool is_told = table_has(table, "score_roots") && *table_text(table, row, "score_roots");

    return !is_told || table_number(table, row, "score_roots") <= 1.0;
}

static void compare_row(const struct table *table, size_t row, const struct estimate *got)
{
    const char *estimator = table_text(table, row, "estimator");
    bool is_mode =
        table_has(table, "theta_global_max") && *table_text(table, row, "theta_global_max") != '\0';

    if (has_one_root(table, row)) {
        expect_close(got->theta, table_number(table, row, "theta"), TOLERANCE,
                     "%s, row %zu, %s: theta", table_path(table), row, estimator);
        expect_close(got->se, table_number(table, row, "se"), TOLERANCE, "%s, row %zu, %s: SE",
                     table_path(table), row, estimator);
    } else {
        cr_expect(is_mode, "%s, row %zu cannot be compared", table_path(table), row);
    }
    if (is_mode) {
        expect_close(got->theta, table_number(table, row, "theta_global_max"), TOLERANCE,
                     "%s, row %zu, %s: theta of the highest mode", table_path(table), row,
                     estimator);
    }
}

static void expect_boundary(const struct table *table, size_t row, const struct estimate *got,
                            const struct estimate_spec *spec)
{
    bool uses = spec->estimator->uses_bounds;
    bool bounded = uses && spec->estimator->uses_prior && spec->prior.kind->is_bounded;
    double lower = bounded ? spec->prior.min : spec->lower;
    double upper = bounded ? spec->prior.max : spec->upper;
    enum boundary want = BOUNDARY_NONE;

    if (uses && got->theta <= lower) want = BOUNDARY_LOWER;
    if (uses && got->theta >= upper) want = BOUNDARY_UPPER;
    expect_true(got->boundary == want, "%s, row %zu: boundary \"%s\" at theta %g",
                table_path(table), row, boundary_names[got->boundary], got->theta);
}

static void check_source(const struct source *source)
{
    struct table *patterns = open(source->name, "patterns");
    struct table *estimates = open(source->name, "estimates");
    struct bank *bank = bank_golden(source->bank, source->model, source->D);
    size_t n_compared = 0, n_skipped = 0;

    for (size_t row = 0; row < table_n_row(estimates); row++) {
        size_t at = table_count(estimates, row, "pattern") - 1;
        struct estimate_spec spec;
        struct pattern pattern;
        struct estimate got;

        if (!spec_of_name(table_text(estimates, row, "estimator"), &spec)) {
            n_skipped++;
            continue;
        }
        cr_assert(table_count(patterns, at, "pattern") == at + 1);
        pattern_read(&pattern, bank, table_text(patterns, at, "items"),
                     table_text(patterns, at, "responses"));
        got = estimate_of(&pattern, &spec);
        compare_row(estimates, row, &got);
        expect_boundary(estimates, row, &got, &spec);
        n_compared++;
    }
    fprintf(stderr, "%s: %zu estimates compared, %zu of estimators not in the engine skipped\n",
            source->name, n_compared, n_skipped);
    cr_expect(n_compared == source->n_compared && n_skipped == source->n_skipped, "%s",
              source->name);
    bank_free(bank);
    table_free(estimates);
    table_free(patterns);
}

Test(golden_theta, the_logistic_models_are_as_in_catR)
{
    static const struct source sources[] = {
        {"1pl", "1pl", &model_1pl, 1.0, 385, 70},        {"2pl", "2pl", &model_2pl, 1.0, 385, 70},
        {"3pl", "3pl", &model_3pl, 1.0, 385, 70},        {"4pl", "4pl", &model_4pl, 1.0, 385, 70},
        {"3pl_D1.702", "3pl", &model_3pl, 1.702, 56, 0},
    };

    for (size_t i = 0; i < COUNT_OF(sources); i++) check_source(&sources[i]);
}

Test(golden_theta, the_polytomous_models_are_as_in_catR)
{
    static const struct source sources[] = {
        {"grm", "grm", &model_grm, 1.0, 385, 0},
        {"gpcm", "gpcm", &model_gpcm, 1.0, 385, 0},
        {"grm_D1.702", "grm", &model_grm, 1.702, 56, 0},
    };

    for (size_t i = 0; i < COUNT_OF(sources); i++) check_source(&sources[i]);
}

static double loglik_at(const struct pattern *pattern, double theta)
{
    double loglik;

    evidence_loglik(&pattern->evidence, &theta, 1, &loglik);
    return loglik;
}

/* catR's own answer is a lower mode in ten of these. */
Test(golden_theta, the_highest_of_several_modes_is_found)
{
    struct table *table = table_golden("theta/multimodal_ML.csv");
    struct bank *bank_3pl = bank_golden("3pl", &model_3pl, 1.0);
    struct bank *bank_4pl = bank_golden("4pl", &model_4pl, 1.0);
    struct estimate_spec spec = estimate_spec_default();
    size_t n_lower = 0;

    spec.estimator = &estimator_ml;
    cr_expect(table_n_row(table) == 40);
    for (size_t row = 0; row < table_n_row(table); row++) {
        bool is_3pl = strcmp(table_text(table, row, "model"), "3PL") == 0;
        struct pattern pattern;
        struct estimate got;

        pattern_read(&pattern, is_3pl ? bank_3pl : bank_4pl, table_text(table, row, "items"),
                     table_text(table, row, "responses"));
        got = estimate_of(&pattern, &spec);
        expect_close(got.theta, table_number(table, row, "theta_global_max"), TOLERANCE,
                     "multimodal_ML.csv, row %zu: theta", row);
        expect_close(loglik_at(&pattern, got.theta), table_number(table, row, "loglik_global_max"),
                     1e-12, "multimodal_ML.csv, row %zu: log-likelihood", row);
        if (fabs(got.theta - table_number(table, row, "theta_catR_ML")) > 1e-3) n_lower++;
    }
    cr_expect(n_lower == 10, "%zu rows differ from catR's local maximum", n_lower);
    bank_free(bank_4pl);
    bank_free(bank_3pl);
    table_free(table);
}

/* mirt: 40 persons, all items answered. */
struct mirt {
    struct table *table;
    struct bank *bank;
};

static struct mirt mirt_open(const char *name, const struct model *model)
{
    char path[64];
    struct table *items;
    struct mirt mirt;

    snprintf(path, sizeof(path), "mirt/score_%s_items.csv", name);
    items = table_golden(path);
    snprintf(path, sizeof(path), "mirt/score_%s.csv", name);
    mirt.table = table_golden(path);
    mirt.bank = bank_from_table(items, model, 1.0);
    cr_expect(table_n_row(mirt.table) == 40);
    table_free(items);
    return mirt;
}

static void mirt_close(struct mirt *mirt)
{
    bank_free(mirt->bank);
    table_free(mirt->table);
}

/* mirt's tolerances: its optimiser's, and that of a curvature by finite differences, which is loose
 * where it is small. */
#define MIRT_THETA 1e-5
#define MIRT_SE    3e-4

/* One estimator of mirt: the columns `name` and se_`name`. */
struct mirt_column {
    const char *name;
    struct estimate_spec spec;
    double tolerance, tolerance_se;
    bool se_is_observed;
};

/* mirt takes the curvature of what it maximised for the SE of a mode, so the observed information
 * (for WLE with that of the Jeffreys prior); the engine and catR take the expected one. */
static double observed_se(const struct pattern *pattern, const struct estimate_spec *spec,
                          double theta)
{
    const struct evidence *evidence = &pattern->evidence;
    struct info_terms terms = evidence_info(evidence, theta);
    double info = 0.0;

    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *item = bank_item(evidence->bank, evidence->item[j]);
        struct curve curve;

        item->model->curve(item, theta, &curve);
        info += curve_observed(&curve, evidence->score[j]);
    }
    if (spec->estimator != &estimator_ml) {
        info -= spec->prior.kind->d2(&spec->prior, theta, &terms);
    }
    return 1.0 / sqrt(info);
}

/* mirt gives an infinite ML where the likelihood has no maximum; ours stands at a bound then. */
static void compare_mirt(const struct mirt *mirt, size_t row, const struct mirt_column *column)
{
    struct pattern pattern;
    struct estimate got;
    double theta = table_number(mirt->table, row, column->name), got_se;
    char se[64];

    pattern_digits(&pattern, mirt->bank, table_text(mirt->table, row, "responses"));
    got = estimate_of(&pattern, &column->spec);
    if (isinf(theta)) {
        expect_true(got.boundary == (theta < 0.0 ? BOUNDARY_LOWER : BOUNDARY_UPPER),
                    "%s, row %zu, %s: boundary", table_path(mirt->table), row, column->name);
        return;
    }
    snprintf(se, sizeof(se), "se_%s", column->name);
    expect_close(got.theta, theta, column->tolerance, "%s, row %zu, %s", table_path(mirt->table),
                 row, column->name);
    got_se = column->se_is_observed ? observed_se(&pattern, &column->spec, got.theta) : got.se;
    expect_close(got_se, table_number(mirt->table, row, se), column->tolerance_se,
                 "%s, row %zu, %s", table_path(mirt->table), row, se);
}

static const struct {
    const char *name;
    const struct model *model;
} mirt_files[] = {{"3pl", &model_3pl}, {"grm", &model_grm}, {"gpcm", &model_gpcm}};

static void check_mirt(size_t file, const struct mirt_column *column)
{
    struct mirt mirt = mirt_open(mirt_files[file].name, mirt_files[file].model);

    for (size_t row = 0; row < table_n_row(mirt.table); row++) compare_mirt(&mirt, row, column);
    mirt_close(&mirt);
}

/* mirt sums over the nodes with equal weights. */
Test(golden_theta, the_posterior_mean_is_as_in_mirt)
{
    struct mirt_column wide = {"EAP_q61_6", estimate_spec_default(), 1e-9, 1e-9, false};
    struct mirt_column narrow = {"EAP_q33_4", estimate_spec_default(), 1e-9, 1e-9, false};

    wide.spec.grid = (struct grid){.min = -6.0, .max = 6.0, .n_node = 61, .rule = GRID_SUM};
    narrow.spec.grid = (struct grid){.min = -4.0, .max = 4.0, .n_node = 33, .rule = GRID_SUM};
    for (size_t file = 0; file < COUNT_OF(mirt_files); file++) {
        check_mirt(file, &wide);
        check_mirt(file, &narrow);
    }
}

/* mirt's tolerance is its optimiser's. */
Test(golden_theta, the_modes_are_as_in_mirt)
{
    struct mirt_column map = {"MAP", estimate_spec_default(), MIRT_THETA, MIRT_SE, true};
    struct mirt_column ml = {"ML", estimate_spec_default(), MIRT_THETA, MIRT_SE, true};

    map.spec.estimator = &estimator_map;
    ml.spec.estimator = &estimator_ml;
    map.spec.lower = ml.spec.lower = -8.0;
    map.spec.upper = ml.spec.upper = 8.0;
    for (size_t file = 0; file < COUNT_OF(mirt_files); file++) {
        check_mirt(file, &map);
        check_mirt(file, &ml);
    }
}

/* mirt's WLE maximises likelihood x sqrt(information): for the 3PL that is the Jeffreys mode, which
 * is not Warm's estimate. */
Test(golden_theta, the_weighted_likelihood_is_as_in_mirt)
{
    struct mirt_column wle = {"WLE", estimate_spec_default(), MIRT_THETA, MIRT_SE, true};

    wle.spec.lower = -8.0;
    wle.spec.upper = 8.0;
    for (size_t file = 0; file < COUNT_OF(mirt_files); file++) {
        bool is_3pl = mirt_files[file].model == &model_3pl;

        wle.spec.estimator = is_3pl ? &estimator_map : &estimator_wle;
        wle.spec.prior.kind = &prior_jeffreys;
        check_mirt(file, &wle);
    }
}
