/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/grid_prior.h"
#include "session/plan_dims.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_LENGTH = 30 };

void test_init(struct test *test)
{
    memset(test, 0, sizeof(*test));
    test->interim = test->final = estimate_spec_default();
    test->pick = test->first_pick = (struct pick_rule){.n_best = 1};
    test->exposure = (struct exposure_spec){
        .rule = &exposure_none,
        .n_stratum = 4,
        .eligibility = {.max_rate = 0.25, .fading = 0.999, .acceleration = 4.0}};
    test->pace = (struct pace){.by = PACE_LENGTH, .acceleration = 1.0};
    test->stop.n_node = 2;
    test->stop.node[0] = (struct stop_node){.join = STOP_ANY, .n_node = 2};
    test->stop.node[1] = (struct stop_node){
        .join = STOP_RULE, .rule = &stop_length, .arg = {DEFAULT_LENGTH}, .n_node = 1};
}

/* Where a prior of the copy points to, which may be to either table of the test. */
static const struct prior_points *own_points(struct test *out, const struct test *test,
                                             const struct prior_points *points)
{
    if (points == &test->interim_points) return &out->interim_points;
    return points == &test->final_points ? &out->final_points : points;
}

void test_copy(struct test *out, const struct test *test)
{
    *out = *test;
    out->interim.prior.points = own_points(out, test, test->interim.prior.points);
    out->final.prior.points = own_points(out, test, test->final.prior.points);
}

static void find_start_items(struct plan *plan, struct faults *faults)
{
    const struct test *test = &plan->test;

    for (size_t i = 0; i < test->n_start; i++) {
        long item = bank_find(plan->bank, slice_str(test->start_items[i]));

        if (item < 0) {
            faults_add(faults, NULL, "start.items", "the bank has no item \"%s\"",
                       test->start_items[i]);
        } else {
            plan->start_items[i] = (uint32_t)item;
        }
    }
}

/* Start items are asked as they are named, so they must not break what the blueprint promises. */
static void check_start_enemies(const struct plan *plan, struct faults *faults)
{
    for (size_t i = 0; plan->enemies && i < plan->test.n_start; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!enemies_are(plan->enemies, plan->start_items[i], plan->start_items[j])) continue;
            faults_add(faults, NULL, "start.items", "\"%s\" and \"%s\" are enemies",
                       plan->test.start_items[j], plan->test.start_items[i]);
        }
    }
}

static void check_start_sets(const struct plan *plan, struct faults *faults)
{
    const uint32_t *item = plan->start_items;

    for (size_t i = 2; plan->sets && i < plan->test.n_start; i++) {
        size_t set = sets_of(plan->sets, item[i]);

        if (set == sets_n(plan->sets) || set == sets_of(plan->sets, item[i - 1])) continue;
        for (size_t j = 0; j + 1 < i; j++) {
            if (sets_of(plan->sets, item[j]) != set) continue;
            faults_add(faults, NULL, "start.items",
                       "\"%s\" is of the set of \"%s\" but does not follow it",
                       plan->test.start_items[i], plan->test.start_items[j]);
            break;
        }
    }
}

static void check_groups(const struct plan *plan, struct faults *faults)
{
    const struct test *test = &plan->test;

    for (size_t g = 0; g < test->n_target; g++) {
        char field[LIMIT_ID];
        size_t n;

        proportions_items(plan->proportions, g, &n);
        if (n > 0) continue;
        snprintf(field, sizeof(field), "blueprint.proportions.targets.%zu.value", g);
        faults_add(faults, NULL, field, "no item of the bank has %s \"%s\"", test->content_tag,
                   test->targets[g].value);
    }
}

/* The bank has its own for picks among all of it. False without memory. */
static bool make_shortlists(struct plan *plan)
{
    const struct partition *groups = plan->strata;

    if (!groups && plan->proportions) groups = proportions_groups(plan->proportions);
    if (!groups || !plan->test.pick.criterion->is_info) return true;
    return shortlists_new(plan->bank, groups, &plan->shortlists);
}

/* What the pick's criterion integrates over; the stop rules' where it needs nothing. */
static bool make_table(struct plan *plan)
{
    const struct grid *grid = &plan->test.interim.grid;
    enum item_table_kind kind = plan->test.pick.criterion->table;
    double node[LIMIT_NODES];

    if (kind == ITEM_TABLE_NONE && (plan->stop_needs & STOP_NEEDS_VARIANCE)) {
        kind = criterion_mepv.table;
    }
    grid_nodes(grid, node);
    return item_table_new(plan->bank, kind, node, grid->n_node, &plan->table);
}

/* False without memory. */
static bool make_answers(struct plan *plan)
{
    const struct estimate_spec *interim = &plan->test.interim;

    if (!interim->estimator->uses_grid) return true;
    return answer_table_new(plan->bank, &interim->grid, &plan->answers);
}

/* The first pick is one of many, and may do without. False without memory. */
static bool make_centres(struct plan *plan)
{
    if (bank_n_dim(plan->bank) > 1) return true;
    return centres_new(plan->bank, plan->test.pick.criterion, &plan->centres);
}

/* False without memory. */
static bool make_grid_priors(struct plan *plan)
{
    struct test *test = &plan->test;

    if (bank_n_dim(plan->bank) > 1) return true;
    if (!grid_prior_new(&test->interim, &plan->interim_prior)) return false;
    if (!grid_prior_new(&test->final, &plan->final_prior)) return false;
    test->interim.grid_prior = plan->interim_prior;
    test->final.grid_prior = plan->final_prior;
    return true;
}

/* By length a pace goes by the test's own; by standard error there is none to guess. */
static void settle_pace(struct plan *plan, struct faults *faults)
{
    struct pace *pace = &plan->test.pace;

    pace->max_items = plan->max_items;
    if (pace->at > 0.0) return;
    if (pace->by == PACE_LENGTH)
        pace->at = plan->max_items;
    else
        faults_add(faults, NULL, "select.pace.at", "missing: the standard error to aim at");
}

static bool make_blueprint(struct plan *plan)
{
    const struct test *test = &plan->test;

    if (!test->enemies_allowed) plan->enemies = enemies_new(plan->bank);
    if (test->sets_together) plan->sets = sets_new(plan->bank);
    return (test->enemies_allowed || plan->enemies) && (!test->sets_together || plan->sets);
}

enum status plan_new(const struct test *test, const struct bank *bank, struct plan **out_plan,
                     struct faults *faults)
{
    enum status st = NO_MEMORY;
    struct plan *plan = calloc(1, sizeof(*plan));

    if (!plan) return NO_MEMORY;
    plan->bank = bank;
    test_copy(&plan->test, test);
    plan->length_cap = stop_tree_cap(&test->stop, LIMIT_ANSWERS);
    plan->stop_needs = stop_tree_needs(&test->stop);
    plan->max_items = plan->length_cap;
    if (bank_n_item(bank) < plan->max_items) plan->max_items = (unsigned)bank_n_item(bank);
    plan->test.first_pick.n_best = test->pick.n_best;
    plan_settle_dims(plan, faults);
    settle_pace(plan, faults);
    if (test->n_target > 0) {
        plan->proportions =
            proportions_new(bank, slice_str(test->content_tag), test->targets, test->n_target);
        if (!plan->proportions) goto done;
        check_groups(plan, faults);
    }
    if (test->exposure.rule->strata) {
        plan->strata = test->exposure.rule->strata(bank, &test->exposure);
        if (!plan->strata) goto done;
    }
    if (!make_shortlists(plan) || !make_grid_priors(plan) || !make_table(plan)) goto done;
    if (!make_answers(plan)) goto done;
    if (!make_centres(plan) || !make_blueprint(plan)) goto done;
    find_start_items(plan, faults);
    if (faults->total == 0) check_start_enemies(plan, faults);
    if (faults->total == 0) check_start_sets(plan, faults);
    st = faults->total > 0 ? INVALID_TEST : OK;
    if (st) goto done;

    *out_plan = plan;
    plan = NULL;  // the caller owns it now
done:
    plan_free(plan);
    return st;
}

void plan_free(struct plan *plan)
{
    if (!plan) return;
    proportions_free(plan->proportions);
    partition_free(plan->strata);
    shortlists_free(plan->shortlists);
    answer_table_free(plan->answers);
    centres_free(plan->centres);
    item_table_free(plan->table);
    grid_prior_free(plan->interim_prior);
    grid_prior_free(plan->final_prior);
    enemies_free(plan->enemies);
    sets_free(plan->sets);
    free(plan);
}

double test_scale(const struct test *test, double theta)
{
    double score = test->scale_slope * theta + test->scale_intercept;

    assert(test->has_scale);
    return fmax(test->scale_min, fmin(test->scale_max, score));
}

const char *test_classify(const struct test *test, double theta)
{
    const char *name = NULL;

    for (size_t i = 0; i < test->n_cut && test->cuts[i].theta <= theta; i++) {
        name = test->cuts[i].name;
    }
    return name;
}
