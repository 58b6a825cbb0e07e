/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/estimate_document.h"
#include "store_test.h"

static struct prior_points points;  // of the last document read

static struct estimate_spec read_spec(const char *text, const char *path, const char *faults)
{
    struct estimate_spec spec = estimate_spec_default();
    struct trial trial;

    trial_of_json(&trial, text);
    estimate_document_read(&trial.root, path, &spec, &points, &trial.faults);
    expect_faults(&trial.faults, faults, text);
    trial_done(&trial);
    return spec;
}

static void expect_spec(const struct estimate_spec *got, const struct estimate_spec *want,
                        const char *where)
{
    cr_expect_eq(got->estimator, want->estimator, "%s", where);
    cr_expect_eq(got->prior.kind, want->prior.kind, "%s", where);
    expect_bits(got->prior.mean, want->prior.mean, "%s: mean", where);
    expect_bits(got->prior.sd, want->prior.sd, "%s: sd", where);
    expect_true(grid_equal(&got->grid, &want->grid), "%s: grid", where);
    expect_bits(got->lower, want->lower, "%s: lower", where);
    expect_bits(got->upper, want->upper, "%s: upper", where);
}

Test(estimate_document, says_nothing_and_keeps_the_defaults)
{
    static const char *const texts[] = {
        "{}",
        "{'method': null, 'prior': null, 'grid': null, 'bounds': null}",
        "{'method': 'EAP', 'prior': {}, 'grid': {}, 'bounds': {}, 'other': 5}",
        "{'method': 'EAP', 'prior': {'dist': 'normal', 'mean': 0, 'sd': 1},"
        " 'grid': {'min': -6, 'max': 6, 'nodes': 61, 'rule': 'trapezoid'},"
        " 'bounds': {'min': -4, 'max': 4}}",
    };
    struct estimate_spec want = estimate_spec_default();

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct estimate_spec spec = read_spec(texts[i], "", "");

        expect_spec(&spec, &want, texts[i]);
    }
    cr_expect_eq(want.estimator, &estimator_eap);
    cr_expect_eq(want.prior.kind, &prior_normal);
}

Test(estimate_document, takes_every_field)
{
    struct estimate_spec want = estimate_spec_default(), spec;

    want.estimator = &estimator_map;
    want.prior.mean = -0.385;
    want.prior.sd = 1.25;
    want.grid = (struct grid){.min = -5, .max = 4.5, .n_node = 512, .rule = GRID_SUM};
    want.lower = -3.5;
    want.upper = 20;
    spec = read_spec("{'method': 'MAP', 'prior': {'mean': -0.385, 'sd': 1.25},"
                     " 'grid': {'min': -5, 'max': 4.5, 'nodes': 512, 'rule': 'sum'},"
                     " 'bounds': {'min': -3.5, 'max': 20}}",
                     "", "");
    expect_spec(&spec, &want, "every field");
}

Test(estimate_document, knows_every_method_and_prior)
{
    cr_expect_eq(read_spec("{'method': 'ML'}", "", "").estimator, &estimator_ml);
    cr_expect_eq(read_spec("{'method': 'WLE'}", "", "").estimator, &estimator_wle);
    cr_expect_eq(read_spec("{'prior': {'dist': 'jeffreys'}}", "", "").prior.kind, &prior_jeffreys);
    cr_expect_eq(read_spec("{'prior': {'dist': 'uniform'}}", "", "").prior.kind, &prior_uniform);
}

static void expect_uniform(const char *text, double min, double max)
{
    struct estimate_spec spec = read_spec(text, "", "");

    expect_bits(spec.prior.min, min, "%s", text);
    expect_bits(spec.prior.max, max, "%s", text);
}

Test(estimate_document, takes_a_table_for_a_prior)
{
    struct estimate_spec spec = read_spec(
        "{'prior': {'dist': 'table', 'theta': [-1.1, 0, 2.385], 'weight': [0, 3, 0.7]}}", "", "");

    cr_expect_eq(spec.prior.kind, &prior_table);
    cr_assert(spec.prior.points == &points && points.n == 3);
    expect_bits(points.theta[0], -1.1, "theta 0");
    expect_bits(points.theta[2], 2.385, "theta 2");
    expect_bits(points.weight[1], 3.0, "weight 1");
    expect_bits(points.weight[2], 0.7, "weight 2");
    expect_bits(spec.prior.min, -1.1, "from");
    expect_bits(spec.prior.max, 2.385, "to");
}

/* By default as far as the estimator looks, wherever in the document that is said. */
Test(estimate_document, a_uniform_prior_reaches_as_far_as_the_estimator)
{
    expect_uniform("{'prior': {'dist': 'uniform'}}", -6, 6);
    expect_uniform("{'method': 'MAP', 'prior': {'dist': 'uniform'}}", -4, 4);
    expect_uniform("{'prior': {'dist': 'uniform'}, 'grid': {'min': -3, 'max': 5}}", -3, 5);
    expect_uniform("{'prior': {'dist': 'uniform'}, 'bounds': {'min': -3}, 'method': 'MAP'}", -3, 4);
    expect_uniform("{'prior': {'dist': 'uniform', 'min': -1, 'max': 0.5}}", -1, 0.5);
    expect_uniform("{'prior': {'dist': 'uniform', 'max': 0.5}}", -6, 0.5);
}

Test(estimate_document, tells_every_fault)
{
    static const struct {
        const char *text, *faults;
    } rows[] = {
        {"{'method': 'eap'}", "e.method"},
        {"{'method': 5}", "e.method"},
        {"{'prior': 5, 'grid': [], 'bounds': 'x'}", "e.grid e.bounds e.prior"},
        {"{'prior': {'dist': 'gauss'}}", "e.prior.dist"},
        {"{'prior': {'dist': 5}}", "e.prior.dist"},
        {"{'prior': {'mean': 20.5}}", "e.prior.mean"},
        {"{'prior': {'sd': 0}}", "e.prior.sd"},
        {"{'prior': {'sd': 1001}}", "e.prior.sd"},
        {"{'prior': {'mean': 'x', 'sd': true}}", "e.prior.mean e.prior.sd"},
        {"{'prior': {'dist': 'uniform', 'min': 1, 'max': 1}}", "e.prior.min"},
        {"{'prior': {'dist': 'uniform', 'min': -21, 'max': 21}}", "e.prior.min e.prior.max"},
        {"{'prior': {'dist': 'uniform', 'min': 7, 'max': 8}}", "e.prior"},
        {"{'prior': {'dist': 'uniform', 'min': 6, 'max': 8}}", "e.prior"},
        {"{'method': 'MAP', 'prior': {'dist': 'uniform', 'min': 4.5, 'max': 5}}", "e.prior"},
        {"{'method': 'ML', 'prior': {'dist': 'uniform', 'min': 4.5, 'max': 5}}", ""},
        {"{'prior': {'min': 7, 'max': 8}}", ""},
        {"{'prior': {'sdev': 1, 'Mean': 0}}", "e.prior.sdev e.prior.Mean"},
        {"{'grid': {'min': 3, 'max': -3}}", "e.grid.min"},
        {"{'grid': {'min': 6}}", "e.grid.min"},
        {"{'grid': {'min': -20.1}}", "e.grid.min"},
        {"{'grid': {'nodes': 1}}", "e.grid.nodes"},
        {"{'grid': {'nodes': 513}}", "e.grid.nodes"},
        {"{'grid': {'nodes': 61.5}}", "e.grid.nodes"},
        {"{'grid': {'rule': 'simpson'}}", "e.grid.rule"},
        {"{'grid': {'rule': 5, 'node': 61}}", "e.grid.node e.grid.rule"},
        {"{'bounds': {'min': 4}}", "e.bounds.min"},
        {"{'bounds': {'min': 'x', 'max': 21, 'mid': 0}}", "e.bounds.mid e.bounds.min e.bounds.max"},
        {"{'method': 'X', 'grid': {'nodes': 0}, 'bounds': {'max': -5}, 'prior': {'sd': -1}}",
         "e.method e.grid.nodes e.bounds.min e.prior.sd"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) read_spec(rows[i].text, "e", rows[i].faults);
    read_spec("{'method': 'X', 'prior': {'sd': 0}}", "", "method prior.sd");
}

Test(estimate_document, tells_what_is_wrong_with_a_table)
{
    static const struct {
        const char *text, *faults;
    } rows[] = {
        {"{'prior': {'dist': 'table'}}", "e.prior.theta"},
        {"{'prior': {'theta': [0, 1], 'weight': [1, 1]}}", "e.prior.theta e.prior.weight"},
        {"{'prior': {'dist': 'table', 'theta': [0, 1]}}", "e.prior.weight"},
        {"{'prior': {'dist': 'table', 'weight': [1, 1]}}", "e.prior.theta e.prior.weight"},
        {"{'prior': {'dist': 'table', 'theta': [0], 'weight': [1]}}", "e.prior.theta"},
        {"{'prior': {'dist': 'table', 'theta': 5, 'weight': 'x'}}", "e.prior.theta e.prior.weight"},
        {"{'prior': {'dist': 'table', 'theta': [0, 21], 'weight': [-1, 1]}}",
         "e.prior.theta e.prior.weight"},
        {"{'prior': {'dist': 'table', 'theta': [0, 1, 1, 2], 'weight': [1, 1, 1, 1]}}",
         "e.prior.theta"},
        {"{'prior': {'dist': 'table', 'theta': [1, 0], 'weight': [1, 1]}}", "e.prior.theta"},
        {"{'prior': {'dist': 'table', 'theta': [0, 1, 2], 'weight': [1, 1]}}", "e.prior.weight"},
        {"{'prior': {'dist': 'table', 'theta': [0, 1], 'weight': [0, 0]}}", "e.prior.weight"},
        {"{'prior': {'dist': 'table', 'theta': [0, 1], 'weight': [1, null]}}", "e.prior.weight"},
        {"{'prior': {'dist': 'table', 'theta': [0.02, 0.17], 'weight': [1, 1]}}", "e.prior"},
        {"{'prior': {'dist': 'table', 'theta': [7, 8], 'weight': [1, 1]}}", "e.prior"},
        {"{'method': 'MAP', 'prior': {'dist': 'table', 'theta': [0, 1], 'weight': [1, 1]}}",
         "e.method"},
        {"{'method': 'ML', 'constant': 'MAP',"
         " 'prior': {'dist': 'table', 'theta': [0, 1], 'weight': [1, 1]}}",
         "e.constant"},
        {"{'method': 'WLE', 'constant': 'EAP',"
         " 'prior': {'dist': 'table', 'theta': [0, 1], 'weight': [1, 1]}}",
         ""},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) read_spec(rows[i].text, "e", rows[i].faults);
}

Test(estimate_document, reads_priors_of_several_dimensions)
{
    struct estimate_spec spec;

    spec = read_spec("{'prior': {'mean': [0.385, -1], 'cov': [[1, 0.5], [0.5, 2.25]]}}", "", "");
    cr_assert(spec.prior.dims.n_mean == 2 && spec.prior.dims.n_cov == 2);
    expect_bits(spec.prior.dims.mean[1], -1.0, "mean 2");
    expect_bits(spec.prior.dims.cov[2], 0.5, "covariance");
    expect_bits(spec.prior.dims.cov[3], 2.25, "variance 2");
    cr_expect(!spec.says_method && !spec.says_grid);

    spec = read_spec("{'method': 'MAP', 'grid': {}, 'prior': {'mean': [1.1], 'cov': [[2.25]]}}", "",
                     "");
    expect_bits(spec.prior.mean, 1.1, "one mean");
    expect_bits(spec.prior.sd, 1.5, "one variance");
    cr_expect(spec.says_method && spec.says_grid);
}

Test(estimate_document, refuses_what_is_no_covariance)
{
    read_spec("{'prior': {'mean': []}}", "", "prior.mean");
    read_spec("{'prior': {'mean': [0, 0, 0, 0, 0, 0]}}", "", "prior.mean");
    read_spec("{'prior': {'mean': [0, '1']}}", "", "prior.mean");
    read_spec("{'prior': {'mean': [0, 21]}}", "", "prior.mean");
    read_spec("{'prior': {'cov': 1}}", "", "prior.cov");
    read_spec("{'prior': {'cov': []}}", "", "prior.cov");
    read_spec("{'prior': {'cov': [[1, 0.5], [0.5]]}}", "", "prior.cov");
    read_spec("{'prior': {'cov': [[1, 0.5], [0.6, 1]]}}", "", "prior.cov");
    read_spec("{'prior': {'cov': [[1, 1], [1, 1]]}}", "", "prior.cov");
    read_spec("{'prior': {'cov': [[1, 2], [2, 1]]}}", "", "prior.cov");
    read_spec("{'prior': {'cov': [[1, 0], [0, 0]]}}", "", "prior.cov");
    read_spec("{'prior': {'sd': 1, 'cov': [[1, 0], [0, 1]]}}", "", "prior.cov");
}
