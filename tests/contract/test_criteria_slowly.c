/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The criteria that integrate or look ahead against their definitions, written out slowly: the
 * likelihood as a product of probabilities, one node and one answer at a time. */
#include "select/criterion.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/priors.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N_ITEM = 27, N_GIVEN = 10, N_NODE = 33 };

#define TOLERANCE     1e-9   // relative
#define TOLERANCE_GDI 1e-13  // absolute: a difference of nearly equal numbers

/* An examinee, and the nodes with what weighs them. */
struct scene {
    struct criterion_input input;
    struct evidence evidence;
    struct estimate_spec spec;
    uint32_t item[N_GIVEN + 1];
    uint8_t score[N_GIVEN + 1];
    double node[N_NODE], likelihood[N_NODE], posterior[N_NODE], rule[N_NODE];
};

static double p_of(const struct item *item, unsigned k, double theta)
{
    double p[LIMIT_CATS];

    item->model->prob(item, theta, p);
    return p[k];
}

/* Density of a table at theta: the line between the points on either side. */
static double table_density(const struct prior_points *points, double theta)
{
    double area = 0.0, at = 0.0;

    for (size_t i = 0; i + 1 < points->n; i++) {
        double x = points->theta[i], y = points->theta[i + 1];
        double v = points->weight[i], w = points->weight[i + 1];

        area += 0.5 * (y - x) * (v + w);
        if (theta >= x && theta <= y) at = v + (w - v) * (theta - x) / (y - x);
    }
    return at / area;
}

/* Density of the prior at theta; that of Jeffreys has no constant. */
static double density(const struct scene *scene, double theta)
{
    const struct prior *prior = &scene->spec.prior;
    double z = (theta - prior->mean) / prior->sd, info = 0.0;

    if (prior->kind == &prior_normal) {
        return exp(-0.5 * z * z) / (prior->sd * sqrt(2.0 * acos(-1.0)));
    }
    if (prior->kind == &prior_uniform) {
        return theta < prior->min || theta > prior->max ? 0.0 : 1.0 / (prior->max - prior->min);
    }
    if (prior->kind == &prior_table) return table_density(prior->points, theta);
    for (size_t j = 0; j < scene->evidence.n; j++) {
        const struct item *item = bank_item(scene->evidence.bank, scene->item[j]);

        info += item->model->info(item, theta);
    }
    return sqrt(info);
}

static void weigh(struct scene *scene)
{
    const struct grid *grid = &scene->spec.grid;
    double step = (grid->max - grid->min) / (N_NODE - 1);

    for (int q = 0; q < N_NODE; q++) {
        bool is_end = q == 0 || q == N_NODE - 1;

        scene->node[q] = grid->min + q * step;
        scene->rule[q] = is_end && grid->rule == GRID_TRAPEZOID ? 0.5 * step : step;
        scene->likelihood[q] = 1.0;
        for (size_t j = 0; j < scene->evidence.n; j++) {
            const struct item *item = bank_item(scene->evidence.bank, scene->item[j]);

            scene->likelihood[q] *= p_of(item, scene->score[j], scene->node[q]);
        }
        scene->posterior[q] = scene->likelihood[q] * density(scene, scene->node[q]);
    }
}

static void scene_draw(struct scene *scene, const struct bank *bank, const struct estimator *ahead,
                       struct dice *dice, struct estimate_workspace *workspace)
{
    size_t n = 1 + dice_below(dice, N_GIVEN);

    *scene = (struct scene){.spec = estimate_spec_default()};
    scene->spec.grid = (struct grid){-4.0, 4.5, N_NODE, dice_below(dice, GRID_N_RULE)};
    scene->spec.prior = prior_of(prior_draw(dice, ahead));
    scene->evidence = (struct evidence){.bank = bank, .item = scene->item, .score = scene->score};
    for (size_t j = 0; j < n; j++) {
        uint32_t item = (uint32_t)dice_below(dice, N_ITEM);

        evidence_add(&scene->evidence, item,
                     (unsigned)dice_below(dice, bank_item(bank, item)->n_cat), NULL);
    }
    scene->input = (struct criterion_input){.bank = bank,
                                            .theta = dice_between(dice, -3.0, 3.0),
                                            .se = 0.385,
                                            .evidence = &scene->evidence,
                                            .spec = &scene->spec,
                                            .ahead = ahead,
                                            .workspace = workspace};
    weigh(scene);
}

static double seconds[N_ITEM];  // of the items, 0 where they have none

static void make_timed(size_t i, void *context, struct item_spec *spec)
{
    size_t n_model = 0;

    while (models[n_model]) n_model++;
    spec_random(context, models[i % n_model], spec);
    seconds[i] = spec->seconds;
}

typedef double slow_value(struct scene *scene, uint32_t item);

static double integral_of_info(const struct scene *scene, const double *weight, uint32_t i)
{
    const struct item *item = bank_item(scene->evidence.bank, i);
    double sum = 0.0;

    for (int q = 0; q < N_NODE; q++) {
        sum += scene->rule[q] * weight[q] * item->model->info(item, scene->node[q]);
    }
    return sum;
}

static double integral_of_divergence(const struct scene *scene, const double *weight, uint32_t i)
{
    const struct item *item = bank_item(scene->evidence.bank, i);
    double theta = scene->input.theta, sum = 0.0;

    for (int q = 0; q < N_NODE; q++) {
        for (unsigned k = 0; k < item->n_cat; k++) {
            double p = p_of(item, k, theta);

            sum += scene->rule[q] * weight[q] * p * log(p / p_of(item, k, scene->node[q]));
        }
    }
    return sum;
}

static double variance_of_p(const struct scene *scene, const double *weight, uint32_t i)
{
    const struct item *item = bank_item(scene->evidence.bank, i);
    double total = 0.0, sum = 0.0;

    for (int q = 0; q < N_NODE; q++) total += weight[q];
    for (unsigned k = 1; k < item->n_cat; k++) {
        double mean = 0.0;

        for (int q = 0; q < N_NODE; q++) mean += weight[q] * p_of(item, k, scene->node[q]) / total;
        for (int q = 0; q < N_NODE; q++) {
            double r = p_of(item, k, scene->node[q]) - mean;

            sum += weight[q] * r * r / total;
        }
    }
    return sum;
}

/* An item without a time counts with the mean of the others; N_ITEM have some. */
static double slow_mit(struct scene *scene, uint32_t item)
{
    const struct bank *bank = scene->evidence.bank;
    double sum = 0.0;
    size_t n = 0;

    for (size_t i = 0; i < N_ITEM; i++) {
        sum += seconds[i];
        n += seconds[i] > 0.0;
    }
    cr_assert(n > 3 && n < N_ITEM - 3);
    return bank_item(bank, item)->model->info(bank_item(bank, item), scene->input.theta) /
           (seconds[item] > 0.0 ? seconds[item] : sum / (double)n);
}

static double slow_mlwi(struct scene *scene, uint32_t item)
{
    return integral_of_info(scene, scene->likelihood, item);
}

static double slow_mpwi(struct scene *scene, uint32_t item)
{
    return integral_of_info(scene, scene->posterior, item);
}

static double slow_kl(struct scene *scene, uint32_t item)
{
    return integral_of_divergence(scene, scene->likelihood, item);
}

static double slow_klp(struct scene *scene, uint32_t item)
{
    return integral_of_divergence(scene, scene->posterior, item);
}

static double slow_gdi(struct scene *scene, uint32_t item)
{
    return variance_of_p(scene, scene->likelihood, item);
}

static double slow_gdip(struct scene *scene, uint32_t item)
{
    return variance_of_p(scene, scene->posterior, item);
}

static double slow_mepv(struct scene *scene, uint32_t i)
{
    const struct item *item = bank_item(scene->evidence.bank, i);
    double sum = 0.0;

    for (unsigned k = 0; k < item->n_cat; k++) {
        double total = 0.0, mean = 0.0, square = 0.0;

        for (int q = 0; q < N_NODE; q++) {
            double w = scene->rule[q] * scene->posterior[q] * p_of(item, k, scene->node[q]);

            total += w;
            mean += w * scene->node[q];
            square += w * scene->node[q] * scene->node[q];
        }
        mean /= total;
        sum += p_of(item, k, scene->input.theta) * (square / total - mean * mean);
    }
    return sum;
}

/* By the whole estimator, from the answers with one more. */
static double look_ahead(struct scene *scene, uint32_t i, bool observed)
{
    const struct item *item = bank_item(scene->evidence.bank, i);
    double sum = 0.0;

    for (unsigned k = 0; k < item->n_cat; k++) {
        struct evidence longer = scene->evidence;
        struct estimate after;
        struct curve curve;

        evidence_add(&longer, i, k, NULL);
        scene->input.ahead->solve(&scene->spec, &longer, scene->input.workspace, &after);
        item->model->curve(item, after.theta, &curve);
        sum += p_of(item, k, scene->input.theta) *
               (observed ? curve_observed(&curve, k) : curve_info(&curve));
    }
    return sum;
}

static double slow_mei(struct scene *scene, uint32_t item)
{
    return look_ahead(scene, item, true);
}

static double slow_mei_fisher(struct scene *scene, uint32_t item)
{
    return look_ahead(scene, item, false);
}

static void check(const char *name, slow_value *slow, bool looks_ahead)
{
    const struct criterion *criterion = criterion_find(slice_str(name));
    struct dice dice = dice_new(name, 601);
    struct bank *bank = bank_make(N_ITEM, make_timed, &dice);
    struct estimate_workspace *workspace = estimate_workspace_new();
    uint64_t word = 0;
    struct candidates all = {.n = N_ITEM, .blocked = {&word}};
    bool is_gdi = strncmp(name, "GDI", 3) == 0;
    double value[N_ITEM];

    cr_assert(criterion && workspace);
    for (size_t trial = 0; trial < (looks_ahead ? 28u : 40u); trial++) {
        struct scene scene;

        scene_draw(&scene, bank, estimators[trial % 7], &dice, workspace);
        criterion->values(&scene.input, &all, value);
        for (uint32_t i = 0; i < N_ITEM; i++) {
            double want = slow(&scene, i);
            double most = is_gdi ? TOLERANCE_GDI : TOLERANCE * fabs(want);

            expect_true(fabs(value[i] - want) <= most,
                        "%s, %s prior, trial %zu, item %u (%s): "
                        "%.17g, not %.17g",
                        name, scene.spec.prior.kind->name, trial, i,
                        bank_item(bank, i)->model->name, value[i], want);
        }
    }
    estimate_workspace_free(workspace);
    bank_free(bank);
}

Test(criteria_slowly, information_per_time_is_their_ratio)
{
    check("MIT", slow_mit, false);
}

Test(criteria_slowly, weighted_information_is_its_integral)
{
    check("MLWI", slow_mlwi, false);
    check("MPWI", slow_mpwi, false);
}

Test(criteria_slowly, divergence_is_its_integral)
{
    check("KL", slow_kl, false);
    check("KLP", slow_klp, false);
}

Test(criteria_slowly, discrimination_is_the_variance_of_p)
{
    check("GDI", slow_gdi, false);
    check("GDIP", slow_gdip, false);
}

Test(criteria_slowly, expected_variance_is_that_after_each_answer)
{
    check("MEPV", slow_mepv, false);
}

Test(criteria_slowly, expected_information_is_that_after_each_answer)
{
    check("MEI", slow_mei, true);
    check("MEI_fisher", slow_mei_fisher, true);
}

static double highest_by_scan(const struct item *item)
{
    double best = -1.0;

    for (int i = -8000; i <= 8000; i++) best = fmax(best, item->model->info(item, 0.001 * i));
    return best;
}

/* Whether the information peaks this far from theta: is at least what it is at any node of the scan
 * (two peaks of one item may be as high as each other to a part in 10^7). */
static bool peaks_at(const struct item *item, double theta, double distance)
{
    double below = item->model->info(item, theta - distance);
    double above = item->model->info(item, theta + distance);

    return fmax(below, above) >= highest_by_scan(item) * (1.0 - 1e-7);
}

/* thOpt is the distance from the information's peak, bOpt from the difficulty. */
Test(criteria_slowly, optimal_ones_are_distances)
{
    struct dice dice = dice_new("optimal", 607);
    struct bank *bank = bank_random(&dice, N_ITEM);
    struct estimate_workspace *workspace = estimate_workspace_new();
    struct scene scene;
    uint64_t word = 0;
    struct candidates all = {.n = N_ITEM, .blocked = {&word}};
    double value[N_ITEM];
    size_t n = 0;

    cr_assert(workspace);
    scene_draw(&scene, bank, &estimator_eap, &dice, workspace);
    criterion_bopt.values(&scene.input, &all, value);
    for (uint32_t i = 0; i < N_ITEM; i++) {
        const struct item *item = bank_item(bank, i);

        if (item->steps) continue;
        expect_bits(value[i], fabs(item->b - scene.input.theta), "bOpt, item %u", i);
        n++;
    }
    cr_expect(n > 8);
    criterion_thopt.values(&scene.input, &all, value);
    for (uint32_t i = 0; i < N_ITEM; i++) {
        expect_true(peaks_at(bank_item(bank, i), scene.input.theta, value[i]),
                    "thOpt, item %u (%s): no peak is %g away", i, bank_item(bank, i)->model->name,
                    value[i]);
    }
    estimate_workspace_free(workspace);
    bank_free(bank);
}
