/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/plan_dims.h"
#include "estimate/dims.h"

/* `name` is the row's, NULL where there is none. */
static void check_row(const char *field, const char *name, enum dims dims, size_t n_dim,
                      struct faults *faults)
{
    if (!name || dims_fit(dims, n_dim)) return;
    faults_add(faults, NULL, field, "%s is not for a bank of %zu dimension(s)", name, n_dim);
}

static void check_criteria(const struct test *test, size_t n_dim, struct faults *faults)
{
    const struct criterion *first = test->first_pick.criterion, *later = test->pick.criterion;

    check_row("select.criterion", later->name, later->dims, n_dim, faults);
    if (first != later) check_row("start.criterion", first->name, first->dims, n_dim, faults);
}

static void check_stop(const struct stop_tree *stop, size_t n_dim, struct faults *faults)
{
    for (size_t i = 0; i < stop->n_node; i++) {
        const struct stop_node *node = &stop->node[i];

        if (node->join != STOP_RULE) continue;
        check_row("stop", node->rule->name, node->rule->dims, n_dim, faults);
    }
}

/* What is on the one scale of theta. */
static void check_scalars(const struct test *test, size_t n_dim, struct faults *faults)
{
    const struct exposure_rule *rule = test->exposure.rule;

    check_row("exposure.rule", rule->name, rule->dims, n_dim, faults);
    check_row("exposure", rule->by_counts && test->exposure.eligibility.n_cut > 0 ? "a cut" : NULL,
              DIMS_ONE, n_dim, faults);
    check_row("scale", test->has_scale ? "a scale" : NULL, DIMS_ONE, n_dim, faults);
    check_row("cuts", test->n_cut > 0 ? "a cut" : NULL, DIMS_ONE, n_dim, faults);
    check_row("start.thetas", test->n_start_theta > 0 ? "such a list" : NULL, DIMS_ONE, n_dim,
              faults);
}

/* One number stands for every dimension. */
static void spread(double each, const struct test_vector *vector, const char *field, size_t n_dim,
                   double *out, struct faults *faults)
{
    if (vector->n > 0 && vector->n != n_dim) {
        faults_add(faults, NULL, field, "has %zu numbers, but the bank has %zu dimension(s)",
                   vector->n, n_dim);
        return;
    }
    for (size_t m = 0; m < n_dim; m++) out[m] = vector->n > 0 ? vector->value[m] : each;
}

void plan_settle_dims(struct plan *plan, struct faults *faults)
{
    struct test *test = &plan->test;
    size_t n_dim = bank_n_dim(plan->bank);

    if (!test->pick.criterion) {
        test->pick.criterion = n_dim == 1 ? &criterion_mfi : &criterion_DPrule;
    }
    if (!test->first_pick.criterion) test->first_pick = test->pick;
    estimate_spec_settle(&test->interim, n_dim, "estimate", faults);
    estimate_spec_settle(&test->final, n_dim, "final", faults);
    check_criteria(test, n_dim, faults);
    check_stop(&test->stop, n_dim, faults);
    check_scalars(test, n_dim, faults);
    spread(test->start_theta, &test->start_vector, "start.theta", n_dim, plan->start_theta, faults);
    spread(1.0, &test->weights, "select.weights", n_dim, plan->weights, faults);
}
