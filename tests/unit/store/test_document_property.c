/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Test documents as a whole: what is written down is what is read, and one wrong field in an
 * otherwise sound document is told by its name. */
#include "estimate/constant.h"
#include "store/test_document.h"
#include "store_test.h"
#include "tests/support/dice.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A document and the test it says. */
struct pair {
    json_t *document;
    struct test test;
};

static double draw(struct dice *dice, double lo, double hi)
{
    return dice_between(dice, lo, hi);
}

static json_t *draw_start(struct dice *dice, struct test *test)
{
    json_t *start = json_pack("{s:f,s:[],s:[]}", "theta",
                              test->start_theta = draw(dice, -19.0, 19.0), "thetas", "items");

    test->n_start_theta = dice_below(dice, LIMIT_START_ITEMS + 1);
    for (size_t i = 0; i < test->n_start_theta; i++) {
        test->start_thetas[i] = draw(dice, -19.0, 19.0);
        json_array_append_new(json_object_get(start, "thetas"), json_real(test->start_thetas[i]));
    }
    test->n_start = dice_below(dice, 4);
    for (size_t i = 0; i < test->n_start; i++) {
        snprintf(test->start_items[i], LIMIT_ID, "item-%zu", i);
        json_array_append_new(json_object_get(start, "items"), json_string(test->start_items[i]));
    }
    if (dice_chance(dice, 0.5)) {
        test->first_pick.criterion = &criterion_mepv;
        json_object_set_new(start, "criterion", json_string("MEPV"));
    }
    return start;
}

static json_t *draw_table(struct dice *dice, struct prior *prior, struct prior_points *points)
{
    json_t *theta = json_array(), *weight = json_array();

    points->n = 2 + dice_below(dice, 9);
    for (size_t i = 0; i < points->n; i++) {
        points->theta[i] = -3.0 + 0.6 * (double)i + draw(dice, 0.0, 0.5);
        points->weight[i] = draw(dice, 0.1, 2.385);
        json_array_append_new(theta, json_real(points->theta[i]));
        json_array_append_new(weight, json_real(points->weight[i]));
    }
    prior->points = points;
    prior->min = points->theta[0];
    prior->max = points->theta[points->n - 1];
    return json_pack("{s:s,s:o,s:o}", "dist", "table", "theta", theta, "weight", weight);
}

static json_t *draw_prior(struct dice *dice, struct prior *prior, struct prior_points *points)
{
    prior->kind = prior_kinds[dice_below(dice, 4)];
    if (prior->kind == &prior_table) return draw_table(dice, prior, points);
    prior->mean = draw(dice, -2.0, 2.0);
    prior->sd = draw(dice, 0.1, 3.0);
    prior->min = draw(dice, -3.0, -1.0);
    prior->max = draw(dice, 1.0, 3.0);
    return json_pack("{s:s,s:f,s:f,s:f,s:f}", "dist", prior->kind->name, "mean", prior->mean, "sd",
                     prior->sd, "min", prior->min, "max", prior->max);
}

/* A rule that the prior suits, NULL for none. */
static const struct constant_rule *draw_constant(struct dice *dice)
{
    static const char *const names[] = {"EAP", "WLE", "fixed4", "fixed7", "var", "none"};

    return constant_rule_find(slice_str(names[dice_below(dice, COUNT_OF(names))]));
}

static json_t *draw_estimate(struct dice *dice, struct estimate_spec *spec,
                             struct prior_points *points)
{
    json_t *prior = draw_prior(dice, &spec->prior, points);
    size_t n = 0;

    while (estimators[n]) n++;
    do spec->estimator = estimators[dice_below(dice, n)];
    while (!estimator_takes(spec->estimator, spec->prior.kind));
    spec->grid = (struct grid){draw(dice, -6.0, -3.5), draw(dice, 3.5, 6.0),
                               9 + dice_below(dice, 400), dice_below(dice, GRID_N_RULE)};
    spec->lower = draw(dice, -5.0, -3.5);
    spec->upper = draw(dice, 3.5, 5.0);
    spec->tuning = draw(dice, 0.5, 5.0);
    spec->fence =
        (struct fence){draw(dice, 1.0, 9.0), draw(dice, -6.0, -4.0), draw(dice, 4.0, 6.0)};
    spec->constant = draw_constant(dice);
    return json_pack("{s:s,s:o,s:{s:f,s:f,s:i,s:s},s:{s:f,s:f},s:s,s:f,s:{s:f,s:f,s:f}}", "method",
                     spec->estimator->name, "prior", prior, "grid", "min", spec->grid.min, "max",
                     spec->grid.max, "nodes", (int)spec->grid.n_node, "rule",
                     grid_rule_names[spec->grid.rule], "bounds", "min", spec->lower, "max",
                     spec->upper, "constant", spec->constant ? spec->constant->name : "none",
                     "tuning", spec->tuning, "fence", "slope", spec->fence.slope, "min",
                     spec->fence.min, "max", spec->fence.max);
}

static json_t *draw_select(struct dice *dice, struct test *test)
{
    size_t n = 0;

    while (criteria[n]) n++;
    test->pick.criterion = criteria[dice_below(dice, n)];
    test->pick.n_best = 1 + dice_below(dice, LIMIT_RANDOMESQUE);
    test->pace.by = (enum pace_by)dice_below(dice, PACE_N);
    test->pace.at = draw(dice, 0.1, 40.0);
    test->pace.acceleration = draw(dice, 0.0, 4.0);
    return json_pack("{s:s,s:i,s:{s:s,s:f,s:f}}", "criterion", test->pick.criterion->name,
                     "randomesque", (int)test->pick.n_best, "pace", "by", pace_names[test->pace.by],
                     "at", test->pace.at, "acceleration", test->pace.acceleration);
}

static json_t *draw_exposure(struct dice *dice, struct test *test)
{
    static const struct exposure_rule *const known[] = {&exposure_none, &exposure_sympson_hetter,
                                                        &exposure_a_stratified};

    test->exposure.rule = known[dice_below(dice, COUNT_OF(known))];
    test->exposure.n_stratum = 1 + dice_below(dice, LIMIT_GROUPS);
    test->exposure.b_blocks = dice_chance(dice, 0.5);
    return json_pack("{s:s,s:i,s:b}", "rule", test->exposure.rule->name, "strata",
                     (int)test->exposure.n_stratum, "b_blocks", (int)test->exposure.b_blocks);
}

static json_t *draw_blueprint(struct dice *dice, struct test *test)
{
    test->enemies_allowed = dice_chance(dice, 0.5);
    test->sets_together = true;
    test->max_per_set = 1 + (unsigned)dice_below(dice, LIMIT_ANSWERS);
    return json_pack("{s:b,s:s,s:i}", "enemies", (int)!test->enemies_allowed, "sets", "together",
                     "max_per_set", (int)test->max_per_set);
}

static void pair_draw(struct pair *pair, struct dice *dice)
{
    struct test *test = &pair->test;
    json_t *start, *estimate, *final, *select, *exposure, *blueprint;

    test_init(test);
    start = draw_start(dice, test);
    estimate = draw_estimate(dice, &test->interim, &test->interim_points);
    final = draw_estimate(dice, &test->final, &test->final_points);
    select = draw_select(dice, test);
    exposure = draw_exposure(dice, test);
    blueprint = draw_blueprint(dice, test);
    pair->document = json_pack(
        "{s:s,s:s,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:{s:i,s:[{s:s,s:i},{s:{s:s,s:f}}]}}", "test", "t",
        "bank", "b", "reveal", 1, "start", start, "estimate", estimate, "final", final, "select",
        select, "exposure", exposure, "blueprint", blueprint, "stop", "min_items", 3, "any", "rule",
        "length", "at", 20, "not", "rule", "se", "at", 0.385);
    cr_assert(pair->document);
}

static void expect_estimate(const struct estimate_spec *got, const struct estimate_spec *want,
                            const char *name)
{
    const struct prior *a = &got->prior, *b = &want->prior;

    cr_expect(got->estimator == want->estimator && got->constant == want->constant, "%s", name);
    cr_expect(a->kind == b->kind, "%s", name);
    if (a->kind == &prior_normal) cr_expect(a->mean == b->mean && a->sd == b->sd, "%s", name);
    if (a->kind->is_bounded) cr_expect(a->min == b->min && a->max == b->max, "%s", name);
    cr_expect(grid_equal(&got->grid, &want->grid), "%s", name);
    cr_expect(got->lower == want->lower && got->upper == want->upper, "%s", name);
    cr_expect(got->tuning == want->tuning, "%s", name);
    cr_expect(got->fence.slope == want->fence.slope && got->fence.min == want->fence.min &&
                  got->fence.max == want->fence.max,
              "%s", name);
    if (b->kind != &prior_table) return;
    cr_assert(a->points && a->points->n == b->points->n, "%s", name);
    for (size_t i = 0; i < b->points->n; i++) {
        cr_expect(a->points->theta[i] == b->points->theta[i], "%s: point %zu", name, i);
        cr_expect(a->points->weight[i] == b->points->weight[i], "%s: point %zu", name, i);
    }
}

static void expect_pick(const struct test *got, const struct test *want)
{
    cr_expect(got->first_pick.criterion == want->first_pick.criterion);
    cr_expect(got->pick.criterion == want->pick.criterion);
    cr_expect(got->pick.n_best == want->pick.n_best);
    cr_expect(got->pace.by == want->pace.by && got->pace.at == want->pace.at);
    cr_expect(got->pace.acceleration == want->pace.acceleration);
    cr_expect(got->exposure.rule == want->exposure.rule);
    cr_expect(got->exposure.n_stratum == want->exposure.n_stratum);
    cr_expect(got->exposure.b_blocks == want->exposure.b_blocks);
    cr_expect(got->enemies_allowed == want->enemies_allowed);
    cr_expect(got->sets_together && got->max_per_set == want->max_per_set);
}

static void expect_pair(const struct test *got, const struct test *want)
{
    static const struct stop_node tree[] = {{.join = STOP_ANY},
                                            {.join = STOP_RULE, .rule = &stop_length, .arg = {20}}};

    cr_expect(got->reveal && got->min_items == 3 && got->start_theta == want->start_theta);
    cr_assert(got->n_start_theta == want->n_start_theta && got->n_start == want->n_start);
    for (size_t i = 0; i < want->n_start_theta; i++)
        cr_expect(got->start_thetas[i] == want->start_thetas[i], "start theta %zu", i);
    for (size_t i = 0; i < want->n_start; i++)
        cr_expect_str_eq(got->start_items[i], want->start_items[i]);
    expect_estimate(&got->interim, &want->interim, "estimate");
    expect_estimate(&got->final, &want->final, "final");
    expect_pick(got, want);
    for (size_t i = 0; i < COUNT_OF(tree); i++) {
        cr_expect(got->stop.node[i].join == tree[i].join && got->stop.node[i].rule == tree[i].rule);
        cr_expect(got->stop.node[i].arg[0] == tree[i].arg[0], "node %zu", i);
    }
    cr_expect(got->stop.node[2].join == STOP_NOT && got->stop.node[3].rule == &stop_se);
    cr_expect(got->stop.node[3].arg[0] == 0.385);
}

/* Read a document; its faults stay with the trial. */
static bool read_document(json_t *document, struct test *test, struct trial *trial)
{
    trial_of_value(trial, document);
    return test_document_read(&trial->root, test, &trial->faults);
}

Test(document_property, what_is_written_is_read)
{
    struct dice dice = dice_new("documents", 907);

    for (int trial_number = 0; trial_number < 300; trial_number++) {
        struct pair pair;
        struct test got;
        struct trial trial;
        bool good;

        pair_draw(&pair, &dice);
        good = read_document(pair.document, &got, &trial);
        cr_assert(good, "document %d: %s: %s", trial_number, trial.faults.list[0].field,
                  trial.faults.list[0].text);
        expect_pair(&got, &pair.test);
        trial_done(&trial);
        json_decref(pair.document);
    }
}

/* Whether a fault stands at this path, or at the part it belongs to. */
static bool is_named(const struct faults *faults, const char *path)
{
    for (size_t i = 0; i < faults->n; i++) {
        const char *field = faults->list[i].field;
        size_t n = strlen(field), m = strlen(path);

        if (n == m && strcmp(field, path) == 0) return true;
        if (n < m && n > 0 && strncmp(path, field, n) == 0 && path[n] == '.' &&
            path[n + 1] >= '0' && path[n + 1] <= '9') {
            return true;  // an element of a list is told by the list's name
        }
    }
    return false;
}

/* Something of another type. */
static json_t *wrong(const json_t *value)
{
    return json_is_string(value) ? json_integer(7) : json_string("wrong");
}

static size_t n_corrupted;

static void expect_corrupted(json_t *document, const char *path)
{
    struct test test;
    struct trial trial;

    cr_expect_not(read_document(document, &test, &trial), "%s", path);
    cr_expect(is_named(&trial.faults, path), "%s: %s: %s", path, trial.faults.list[0].field,
              trial.faults.list[0].text);
    trial_done(&trial);
    n_corrupted++;
}

static void corrupt_below(json_t *document, json_t *value, const char *path);

/* Put something wrong in a member's place, see that it is told, and put the member back. */
static void corrupt_member(json_t *document, json_t *object, const char *key, const char *path)
{
    json_t *kept = json_incref(json_object_get(object, key));

    json_object_set_new(object, key, wrong(kept));
    expect_corrupted(document, path);
    json_object_set(object, key, kept);
    corrupt_below(document, kept, path);
    json_decref(kept);
}

static void corrupt_element(json_t *document, json_t *array, size_t i, const char *path)
{
    json_t *kept = json_incref(json_array_get(array, i));

    json_array_set_new(array, i, wrong(kept));
    expect_corrupted(document, path);
    json_array_set(array, i, kept);
    corrupt_below(document, kept, path);
    json_decref(kept);
}

/* A key of an object that nobody knows. */
static void corrupt_key(json_t *document, json_t *object, const char *path)
{
    char name[FAULT_TEXT];

    snprintf(name, sizeof(name), "%s%sunknown", path, path[0] ? "." : "");
    json_object_set_new(object, "unknown", json_true());
    expect_corrupted(document, name);
    json_object_del(object, "unknown");
}

static void corrupt_below(json_t *document, json_t *value, const char *path)
{
    static const char *const most[] = {"test",  "bank",   "reveal",   "start",     "estimate",
                                       "final", "select", "exposure", "blueprint", "stop"};
    const char *keys[16];
    char name[FAULT_TEXT];
    const char *key;
    json_t *member;
    size_t n = 0;

    if (json_is_object(value)) {
        json_object_foreach(value, key, member) keys[n++] = key;
        cr_assert(n <= COUNT_OF(keys) && (path[0] || n == COUNT_OF(most)));
        for (size_t i = 0; i < n; i++) {
            snprintf(name, sizeof(name), "%s%s%s", path, path[0] ? "." : "", keys[i]);
            corrupt_member(document, value, keys[i], name);
        }
        corrupt_key(document, value, path);
    }
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++) {
        snprintf(name, sizeof(name), "%s.%zu", path, i);
        corrupt_element(document, value, i, name);
    }
}

Test(document_property, one_wrong_field_is_told_by_its_name)
{
    struct dice dice = dice_new("corrupted", 911);

    for (int trial_number = 0; trial_number < 12; trial_number++) {
        struct pair pair;
        struct test test;
        struct trial trial;

        pair_draw(&pair, &dice);
        corrupt_below(pair.document, pair.document, "");
        cr_expect(read_document(pair.document, &test, &trial), "all was put back");
        trial_done(&trial);
        json_decref(pair.document);
    }
    cr_expect(n_corrupted > 500, "%zu corruptions", n_corrupted);
}
