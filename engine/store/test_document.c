/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/test_document.h"
#include "store/estimate_document.h"
#include "store/exposure_document.h"
#include "store/stop_document.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* How far the proportions of a blueprint may miss 1. */
#define PROPORTION_SUM_SLACK 1e-6

static void read_start_item(struct document *document, const msgpack_object *item, uint32_t i,
                            struct test *out)
{
    struct slice id;

    if (object_id(item, &id) && slice_to_text(id, out->start_items[out->n_start], LIMIT_ID + 1)) {
        out->n_start++;
    } else {
        document_refuse(document, "items", "element %u is no item id", i);
    }
}

/* A list of 1 to LIMIT_DIMS numbers from `least` to LIMIT_THETA. */
static void read_vector(struct document *document, const char *key, double least,
                        struct test_vector *out)
{
    const msgpack_object *list = NULL;

    if (!document_array(document, key, LIMIT_DIMS, &list)) return;
    if (list->via.array.size == 0) document_refuse(document, key, "must not be empty");
    out->n = list->via.array.size;
    for (uint32_t m = 0; m < list->via.array.size; m++) {
        if (object_f64(&list->via.array.ptr[m], least, LIMIT_THETA, &out->value[m])) continue;
        document_refuse(document, key, "element %u must be a number from %g to %g", m, least,
                        LIMIT_THETA);
    }
}

/* A number, or one for each dimension. */
static void read_start_theta(struct document *document, struct test *out)
{
    const msgpack_object *theta = map_find(document->in.map, "theta");

    if (theta && theta->type == MSGPACK_OBJECT_ARRAY)
        read_vector(document, "theta", -LIMIT_THETA, &out->start_vector);
    else
        document_f64(document, "theta", -LIMIT_THETA, LIMIT_THETA, &out->start_theta);
}

static void read_start_thetas(struct document *document, struct test *out)
{
    const msgpack_object *thetas = NULL;

    if (!document_array(document, "thetas", LIMIT_START_ITEMS, &thetas)) return;
    out->n_start_theta = thetas->via.array.size;
    for (uint32_t i = 0; i < thetas->via.array.size; i++) {
        if (object_f64(&thetas->via.array.ptr[i], -LIMIT_THETA, LIMIT_THETA,
                       &out->start_thetas[i])) {
            continue;
        }
        document_refuse(document, "thetas", "element %u must be a number within %g of 0", i,
                        LIMIT_THETA);
    }
}

static void read_start(const msgpack_object *object, struct test *out, struct faults *faults)
{
    static const char *const keys[] = {"theta", "thetas", "items", "criterion"};
    struct document document;
    const msgpack_object *items = NULL;
    struct slice criterion;

    document_begin(&document, object, "start", NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    read_start_theta(&document, out);
    if (document_text(&document, "criterion", LIMIT_ID, &criterion)) {
        out->first_pick.criterion = criterion_find(criterion);
        if (!out->first_pick.criterion) {
            document_refuse(&document, "criterion", "there is no criterion \"%.*s\"",
                            (int)criterion.n, (const char *)criterion.data);
        }
    }
    read_start_thetas(&document, out);
    if (!document_array(&document, "items", LIMIT_START_ITEMS, &items)) return;
    for (uint32_t i = 0; i < items->via.array.size; i++) {
        read_start_item(&document, &items->via.array.ptr[i], i, out);
    }
}

static void read_estimate(const msgpack_object *object, const char *path,
                          struct estimate_spec *spec, struct prior_points *points,
                          struct faults *faults)
{
    static const char *const keys[] = {"method", "prior", "grid",    "bounds",
                                       "tuning", "fence", "constant"};
    struct document document;

    document_begin(&document, object, path, NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    estimate_document_read(object, path, spec, points, faults);
}

void pace_document_read(const msgpack_object *object, const char *path, struct pace *out,
                        struct faults *faults)
{
    static const char *const keys[] = {"by", "at", "acceleration"};
    struct document document;
    struct slice by = slice_str(pace_names[out->by]);
    int i = 0;

    document_begin(&document, object, path, NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    document_text(&document, "by", LIMIT_ID, &by);
    while (i < PACE_N && !slice_equal_str(by, pace_names[i])) i++;
    if (i < PACE_N)
        out->by = (enum pace_by)i;
    else
        document_refuse(&document, "by", "must be length or se");
    document_f64(&document, "at", 1e-6, LIMIT_ANSWERS, &out->at);
    document_f64(&document, "acceleration", 0.0, 100.0, &out->acceleration);
    if (out->by == PACE_SE && !(out->at > 0.0)) document_refuse(&document, "at", "missing");
}

static void read_select(const msgpack_object *object, struct test *out, struct faults *faults)
{
    static const char *const keys[] = {"criterion", "randomesque", "pace", "weights"};
    struct document document;
    struct slice name;
    const msgpack_object *pace = NULL;
    int64_t n_best = 1;

    document_begin(&document, object, "select", NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    if (document_text(&document, "criterion", LIMIT_ID, &name)) {
        out->pick.criterion = criterion_find(name);
        if (!out->pick.criterion) {
            document_refuse(&document, "criterion", "there is no criterion \"%.*s\"", (int)name.n,
                            (const char *)name.data);
        }
    }
    read_vector(&document, "weights", 0.0, &out->weights);
    document_int(&document, "randomesque", 1, LIMIT_RANDOMESQUE, &n_best);
    out->pick.n_best = (size_t)n_best;
    if (document_map(&document, "pace", &pace)) {
        pace_document_read(pace, "select.pace", &out->pace, faults);
    }
}

/* One target of the proportions; returns its proportion. */
static double read_target(const msgpack_object *object, uint32_t i, struct test *out,
                          struct faults *faults)
{
    static const char *const keys[] = {"value", "proportion"};
    struct target *target = &out->targets[i];
    struct document document;
    struct slice value = {0};
    char path[LIMIT_ID + 1];

    snprintf(path, sizeof(path), "blueprint.proportions.targets.%u", i);
    document_begin(&document, object, path, NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    (void)read_str(&document.in, "value", REQUIRED, LIMIT_ID, &value);
    document_settle(&document);
    (void)read_f64(&document.in, "proportion", REQUIRED, 1e-6, 1.0, &target->proportion);
    document_settle(&document);
    if (!slice_to_text(value, target->value, sizeof(target->value))) {
        document_refuse(&document, "value", "must not hold a NUL");
    }
    for (uint32_t j = 0; j < i; j++) {
        if (strcmp(out->targets[j].value, target->value) != 0) continue;
        document_refuse(&document, "value", "stands twice, in targets %u and %u", j, i);
    }
    return target->proportion;
}

static void read_proportions(const msgpack_object *object, struct test *out, struct faults *faults)
{
    static const char *const keys[] = {"tag", "targets"};
    struct document document;
    const msgpack_object *targets = NULL;
    struct slice tag = {0};
    double sum = 0.0;

    document_begin(&document, object, "blueprint.proportions", NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    (void)read_str(&document.in, "tag", REQUIRED, LIMIT_ID, &tag);
    document_settle(&document);
    if (!slice_to_text(tag, out->content_tag, sizeof(out->content_tag))) {
        document_refuse(&document, "tag", "must not hold a NUL");
    }
    (void)read_array(&document.in, "targets", REQUIRED, LIMIT_GROUPS, &targets);
    document_settle(&document);
    if (!targets) return;
    for (uint32_t i = 0; i < targets->via.array.size; i++) {
        sum += read_target(&targets->via.array.ptr[i], i, out, faults);
    }
    out->n_target = targets->via.array.size;
    if (fabs(sum - 1.0) > PROPORTION_SUM_SLACK) {
        document_refuse(&document, "targets", "the proportions sum to %.10g, not to 1", sum);
    }
}

/* Whether sets stay together, and how many items of each. */
static void read_sets(struct document *document, struct test *out)
{
    struct slice sets = slice_str("any");
    int64_t max_per_set = 0;
    bool has_max;

    document_text(document, "sets", LIMIT_ID, &sets);
    out->sets_together = slice_equal_str(sets, "together");
    if (!out->sets_together && !slice_equal_str(sets, "any")) {
        document_refuse(document, "sets", "must be together or any");
    }
    has_max = document_int(document, "max_per_set", 1, LIMIT_ANSWERS, &max_per_set);
    out->max_per_set = (unsigned)max_per_set;
    if (has_max && !out->sets_together) {
        document_refuse(document, "max_per_set", "only counts where sets stay together");
    }
}

static void read_blueprint(const msgpack_object *object, struct test *out, struct faults *faults)
{
    static const char *const keys[] = {"proportions", "enemies", "sets", "max_per_set"};
    struct document document;
    const msgpack_object *part = NULL;
    bool apart = true;

    document_begin(&document, object, "blueprint", NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    if (document_map(&document, "proportions", &part)) read_proportions(part, out, faults);
    document_bool(&document, "enemies", &apart);
    out->enemies_allowed = !apart;
    read_sets(&document, out);
}

static void read_scale(const msgpack_object *object, struct test *out, struct faults *faults)
{
    static const char *const keys[] = {"slope", "intercept", "min", "max"};
    struct document document;

    document_begin(&document, object, "scale", NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    out->has_scale = true;
    out->scale_slope = 1.0;
    out->scale_min = -1e9;
    out->scale_max = 1e9;
    document_f64(&document, "slope", -1e6, 1e6, &out->scale_slope);
    document_f64(&document, "intercept", -1e9, 1e9, &out->scale_intercept);
    document_f64(&document, "min", -1e9, 1e9, &out->scale_min);
    document_f64(&document, "max", -1e9, 1e9, &out->scale_max);
    if (out->scale_min >= out->scale_max) document_refuse(&document, "min", "must be below max");
}

static void read_cut(const msgpack_object *object, size_t i, struct test *out,
                     struct faults *faults)
{
    static const char *const keys[] = {"name", "theta"};
    struct cut *cut = &out->cuts[i];
    struct document document;
    struct slice name = {0};
    char path[LIMIT_ID + 1];

    snprintf(path, sizeof(path), "cuts.%zu", i);
    document_begin(&document, object, path, NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    (void)read_str(&document.in, "name", REQUIRED, LIMIT_ID, &name);
    document_settle(&document);
    (void)read_f64(&document.in, "theta", REQUIRED, -LIMIT_THETA, LIMIT_THETA, &cut->theta);
    document_settle(&document);
    if (!slice_to_text(name, cut->name, sizeof(cut->name))) {
        document_refuse(&document, "name", "must not hold a NUL");
    }
    if (i > 0 && cut->theta <= out->cuts[i - 1].theta) {
        document_refuse(&document, "theta", "cuts must ascend");
    }
}

static void read_names(struct document *document, struct test *out)
{
    struct slice name = {0};

    if (read_id(&document->in, "test", REQUIRED, &name)) {
        (void)!slice_to_text(name, out->name, sizeof(out->name));
    }
    document_settle(document);
    if (read_id(&document->in, "bank", REQUIRED, &name)) {
        (void)!slice_to_text(name, out->bank, sizeof(out->bank));
    }
    document_settle(document);
}

/* Choices of one word or number. */
static void read_words(struct document *document, struct test *out)
{
    struct slice omit = slice_str("wrong");
    int64_t n_revise = 0;

    document_bool(document, "reveal", &out->reveal);
    document_text(document, "omit", LIMIT_ID, &omit);
    out->omit_ignored = slice_equal_str(omit, "ignored");
    if (!out->omit_ignored && !slice_equal_str(omit, "wrong")) {
        document_refuse(document, "omit", "must be wrong or ignored");
    }
    document_int(document, "revise", 0, LIMIT_ANSWERS, &n_revise);
    out->n_revise = (unsigned)n_revise;
}

static void read_parts(struct document *document, struct test *out)
{
    struct faults *faults = document->faults;
    const msgpack_object *part = NULL;

    if (document_map(document, "start", &part)) read_start(part, out, faults);
    if (document_map(document, "estimate", &part)) {
        read_estimate(part, "estimate", &out->interim, &out->interim_points, faults);
    }
    out->final = out->interim;
    if (document_map(document, "final", &part)) {
        read_estimate(part, "final", &out->final, &out->final_points, faults);
    }
    if (document_map(document, "select", &part)) read_select(part, out, faults);
    if (document_map(document, "exposure", &part))
        exposure_document_read(part, &out->exposure, faults);
    if (document_map(document, "blueprint", &part)) read_blueprint(part, out, faults);
    if (document_map(document, "stop", &part)) stop_document_read(part, out, faults);
    if (document_map(document, "scale", &part)) read_scale(part, out, faults);
    if (!document_array(document, "cuts", LIMIT_CUTS, &part)) return;
    out->n_cut = part->via.array.size;
    for (size_t i = 0; i < out->n_cut; i++) read_cut(&part->via.array.ptr[i], i, out, faults);
}

/* What one part of a test asks of another. */
static void check_parts(struct document *document, const struct test *test)
{
    if ((stop_tree_needs(&test->stop) & STOP_NEEDS_CUTS) && test->n_cut == 0) {
        document_refuse(document, "cuts", "missing: a stop rule classifies by them");
    }
    if (test->exposure.rule->strata && test->n_target > 0) {
        document_refuse(document, "exposure", "strata cannot stand beside blueprint.proportions");
    }
}

bool test_document_read(const msgpack_object *object, struct test *out, struct faults *faults)
{
    static const char *const keys[] = {"test",  "bank",      "reveal",   "start", "estimate",
                                       "final", "select",    "omit",     "stop",  "scale",
                                       "cuts",  "blueprint", "exposure", "revise"};
    size_t n_before = faults->total;
    struct document document;

    test_init(out);
    document_begin(&document, object, "", NULL, faults);
    if (faults->total > n_before) return false;
    document_allow(&document, keys, COUNT_OF(keys));
    read_names(&document, out);
    read_words(&document, out);
    read_parts(&document, out);
    check_parts(&document, out);
    return faults->total == n_before;
}
