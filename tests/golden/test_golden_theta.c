/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ability estimates against catR's and mirt's. */
#include "estimate/exact_se.h"
#include "estimates.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOLERANCE 1e-10

/* What a file holds: rows compared with catR's theta, and those where the equation has several
 * roots, of which ours is shown to be the highest instead. */
struct source {
    const char *name, *bank;
    const struct model *model;
    double D;
    size_t n_compared, n_shown;
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

/* One estimate beside its reference. */
struct row {
    const struct table *table;
    size_t row;
    const char *name;  // the estimator's, in the file
    struct pattern pattern;
    struct estimate_spec spec;
    struct estimate got;
};

/* The weighted score of the robust estimators, by its definition: w = min(1, H / |r|), or
 * (1 - (r / B)^2)^2 inside |r| <= B, r = a (theta - b). */
static double weight_of(const struct row *row, const struct item *item, double theta)
{
    double r = fabs(item->a * (theta - item->b)) / row->spec.tuning;

    if (row->spec.estimator == &estimator_huber) return r > 1.0 ? 1.0 / r : 1.0;
    return r <= 1.0 ? (1.0 - r * r) * (1.0 - r * r) : 0.0;
}

static double weighted_score(const struct row *row, double theta)
{
    const struct evidence *evidence = &row->pattern.evidence;
    double sum = 0.0;

    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *item = bank_item(evidence->bank, evidence->item[j]);
        struct curve curve;

        item->model->curve(item, theta, &curve);
        sum += weight_of(row, item, theta) * curve.r1[evidence->score[j]];
    }
    return sum;
}

static double weighted_error(const struct row *row, double theta)
{
    const struct evidence *evidence = &row->pattern.evidence;
    double above = 0.0, below = 0.0;

    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *item = bank_item(evidence->bank, evidence->item[j]);
        double w = weight_of(row, item, theta), info = item->model->info(item, theta);

        above += w * w * info;
        below += w * info;
    }
    return below > 0.0 ? sqrt(above) / below : (double)INFINITY;
}

/* Integral of the weighted score from x to y (midpoints; the weights have kinks). */
static double rise(const struct row *row, double x, double y)
{
    enum { N = 4000 };
    double sum = 0.0, h = (y - x) / N;

    for (int i = 0; i < N; i++) sum += weighted_score(row, x + (i + 0.5) * h);
    return sum * h;
}

/* Where the weighted score has several roots catR returns some of them (by README ROB_tukey_4 in
 * general, ROB_huber_1 in two rows). Ours is the one where the integral of the score, which is what
 * the likelihood is to the score, is the highest: it is a root, and no lower than catR's theta nor
 * than any of a grid. */
static void show_highest(const struct row *row)
{
    double theta = row->got.theta, theirs = table_number(row->table, row->row, "theta");

    if (row->got.boundary == BOUNDARY_NONE) {
        expect_close(weighted_score(row, theta), 0.0, 1e-9, "%s, row %zu, %s: the weighted score",
                     table_path(row->table), row->row, row->name);
    }
    expect_true(rise(row, theirs, theta) > -1e-5, "%s, row %zu, %s: %g is lower than catR's %g",
                table_path(row->table), row->row, row->name, theta, theirs);
    for (double other = -4.0; other <= 4.0; other += 0.5) {
        expect_true(rise(row, other, theta) > -1e-5, "%s, row %zu, %s: %g is lower than %g",
                    table_path(row->table), row->row, row->name, theta, other);
    }
    expect_close(row->got.se, weighted_error(row, theta), TOLERANCE, "%s, row %zu, %s: SE",
                 table_path(row->table), row->row, row->name);
}

/* Warm's equation of rsm pattern 11 has three roots and the file does not say which is right. In a
 * model of an exponential family J = I', so Warm's equation is that of the Jeffreys mode, and its
 * solution where the weighted likelihood is highest is the highest Jeffreys mode (which stands in
 * theta_global_max of that row). catR returns the lower mode of both. */
static void show_warm(const struct row *row)
{
    struct estimate_spec jeffreys = row->spec;
    double both[2] = {row->got.theta, table_number(row->table, row->row, "theta")}, weighted[2];

    cr_expect_str_eq(row->name, "WL");
    jeffreys.estimator = &estimator_map;
    jeffreys.prior.kind = &prior_jeffreys;
    expect_close(row->got.theta, estimate_of(&row->pattern, &jeffreys).theta, TOLERANCE,
                 "%s, row %zu: Warm's is the Jeffreys mode", table_path(row->table), row->row);
    expect_close(row->got.theta, table_number(row->table, row->row - 2, "theta_global_max"),
                 TOLERANCE, "%s, row %zu: the highest one", table_path(row->table), row->row);
    evidence_loglik(&row->pattern.evidence, both, 2, weighted);
    for (int i = 0; i < 2; i++) {
        weighted[i] += 0.5 * log(evidence_info(&row->pattern.evidence, both[i]).i);
    }
    expect_true(weighted[0] > weighted[1], "%s, row %zu: catR's theta is the likelier",
                table_path(row->table), row->row);
}

/* The two rows of ROB_huber_1 that README names. */
static bool is_multiple_huber(const struct row *row)
{
    size_t pattern = table_count(row->table, row->row, "pattern");

    return row->spec.estimator == &estimator_huber && strstr(table_path(row->table), "4pl") &&
           (pattern == 12 || pattern == 13);
}

/* Whether it was compared; otherwise it was shown to be right. */
static bool compare_row(const struct row *row)
{
    const struct table *table = row->table;
    bool is_mode = table_has(table, "theta_global_max") &&
                   *table_text(table, row->row, "theta_global_max") != '\0';

    if (row->spec.estimator == &estimator_tukey || is_multiple_huber(row)) {
        show_highest(row);
        return false;
    }
    if (is_mode) {
        expect_close(row->got.theta, table_number(table, row->row, "theta_global_max"), TOLERANCE,
                     "%s, row %zu, %s: theta of the highest mode", table_path(table), row->row,
                     row->name);
    }
    if (!has_one_root(table, row->row)) {
        if (!is_mode) show_warm(row);
        return false;
    }
    expect_close(row->got.theta, table_number(table, row->row, "theta"), TOLERANCE,
                 "%s, row %zu, %s: theta", table_path(table), row->row, row->name);
    expect_close(row->got.se, table_number(table, row->row, "se"), TOLERANCE, "%s, row %zu, %s: SE",
                 table_path(table), row->row, row->name);
    return true;
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
    size_t n_compared = 0;

    for (size_t i = 0; i < table_n_row(estimates); i++) {
        size_t at = table_count(estimates, i, "pattern") - 1;
        struct row row = {
            .table = estimates, .row = i, .name = table_text(estimates, i, "estimator")};

        cr_assert(spec_of_name(row.name, &row.spec), "there is no estimator %s", row.name);
        cr_assert(table_count(patterns, at, "pattern") == at + 1);
        pattern_read(&row.pattern, bank, table_text(patterns, at, "items"),
                     table_text(patterns, at, "responses"));
        row.got = estimate_of(&row.pattern, &row.spec);
        if (compare_row(&row)) n_compared++;
        expect_boundary(estimates, i, &row.got, &row.spec);
    }
    fprintf(stderr, "%s: %zu estimates compared, %zu of several roots\n", source->name, n_compared,
            table_n_row(estimates) - n_compared);
    cr_expect(n_compared == source->n_compared, "%s: %zu compared", source->name, n_compared);
    cr_expect(table_n_row(estimates) - n_compared == source->n_shown, "%s", source->name);
    bank_free(bank);
    table_free(estimates);
    table_free(patterns);
}

Test(golden_theta, the_logistic_models_are_as_in_catR)
{
    static const struct source sources[] = {
        {"1pl", "1pl", &model_1pl, 1.0, 420, 35},
        {"2pl", "2pl", &model_2pl, 1.0, 420, 35},
        {"3pl", "3pl", &model_3pl, 1.0, 420, 35},
        {"4pl", "4pl", &model_4pl, 1.0, 417, 38},  // ROB_huber_1 twice and ML once, besides
        {"3pl_D1.702", "3pl", &model_3pl, 1.702, 56, 0},
    };

    for (size_t i = 0; i < COUNT_OF(sources); i++) check_source(&sources[i]);
}

Test(golden_theta, the_polytomous_models_are_as_in_catR)
{
    static const struct source sources[] = {
        {"grm", "grm", &model_grm, 1.0, 385, 0},    {"gpcm", "gpcm", &model_gpcm, 1.0, 385, 0},
        {"mgrm", "mgrm", &model_mgrm, 1.0, 385, 0}, {"pcm", "pcm", &model_pcm, 1.0, 385, 0},
        {"rsm", "rsm", &model_rsm, 1.0, 383, 2},  // the Jeffreys mode and Warm's of pattern 11
        {"nrm", "nrm", &model_nrm, 1.0, 385, 0},    {"grm_D1.702", "grm", &model_grm, 1.702, 56, 0},
    };

    for (size_t i = 0; i < COUNT_OF(sources); i++) check_source(&sources[i]);
}

/* The SD of the posterior mode over all response patterns. */
Test(golden_theta, exact_errors_are_as_in_catR)
{
    struct table *table = table_golden("theta/exact_se.csv");
    struct bank *bank_1pl = bank_golden("1pl", &model_1pl, 1.0);
    struct bank *bank_2pl = bank_golden("2pl", &model_2pl, 1.0);
    struct estimate_workspace *workspace = estimate_workspace_new();
    struct estimate_spec spec = estimate_spec_default();

    spec.estimator = &estimator_map;
    cr_assert(workspace && table_n_row(table) == 8);
    for (size_t row = 0; row < table_n_row(table); row++) {
        bool is_1pl = strcmp(table_text(table, row, "model"), "1PL") == 0;
        uint8_t score[PATTERN_ITEMS];
        struct pattern pattern;
        struct estimate got;

        pattern_read(&pattern, is_1pl ? bank_1pl : bank_2pl, table_text(table, row, "items"),
                     table_text(table, row, "responses"));
        got = estimate_of(&pattern, &spec);
        expect_close(got.theta, table_number(table, row, "theta_BM"), TOLERANCE, "row %zu", row);
        expect_close(got.se, table_number(table, row, "se_asymptotic"), TOLERANCE, "row %zu", row);
        expect_close(exact_se(&spec, &pattern.evidence, got.theta, score, workspace),
                     table_number(table, row, "se_exact"), 1e-8, "row %zu: exact SE", row);
    }
    estimate_workspace_free(workspace);
    bank_free(bank_2pl);
    bank_free(bank_1pl);
    table_free(table);
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
