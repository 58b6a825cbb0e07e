/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/estimate_document.h"
#include "estimate/constant.h"

#include <stdio.h>

/* "path.key", or the key alone at the top. */
static const char *join(const char *path, const char *key, char out[LIMIT_ID + 1])
{
    snprintf(out, LIMIT_ID + 1, "%s%s%s", path, path[0] ? "." : "", key);
    return out;
}

static void read_interval(struct document *document, double *min, double *max)
{
    document_f64(document, "min", -LIMIT_THETA, LIMIT_THETA, min);
    document_f64(document, "max", -LIMIT_THETA, LIMIT_THETA, max);
    if (*min >= *max) document_refuse(document, "min", "must be below max");
}

static void read_bounds(const msgpack_object *object, const char *path, struct estimate_spec *spec,
                        struct faults *faults)
{
    static const char *const keys[] = {"min", "max"};
    struct document document;

    document_begin(&document, object, path, NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    read_interval(&document, &spec->lower, &spec->upper);
}

static void read_grid(const msgpack_object *object, const char *path, struct grid *grid,
                      struct faults *faults)
{
    static const char *const keys[] = {"min", "max", "nodes", "rule"};
    struct document document;
    struct slice rule = slice_str(grid_rule_names[grid->rule]);
    int64_t n_node = (int64_t)grid->n_node;
    int r = 0;

    document_begin(&document, object, path, NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    read_interval(&document, &grid->min, &grid->max);
    document_int(&document, "nodes", 2, LIMIT_NODES, &n_node);
    grid->n_node = (size_t)n_node;
    document_text(&document, "rule", LIMIT_ID, &rule);
    while (r < GRID_N_RULE && !slice_equal_str(rule, grid_rule_names[r])) r++;
    if (r < GRID_N_RULE)
        grid->rule = (enum grid_rule)r;
    else
        document_refuse(&document, "rule", "must be trapezoid or sum");
}

/* A uniform prior that does not say where reaches as far as the estimator looks. */
static void read_prior(const msgpack_object *object, const char *path, struct estimate_spec *spec,
                       struct faults *faults)
{
    static const char *const keys[] = {"dist", "mean", "sd", "min", "max"};
    struct prior *prior = &spec->prior;
    struct document document;
    struct slice dist = slice_str(prior->kind->name);
    bool on_grid = spec->estimator->uses_grid;

    document_begin(&document, object, path, NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    document_text(&document, "dist", LIMIT_ID, &dist);
    if (prior_find(dist))
        prior->kind = prior_find(dist);
    else
        document_refuse(&document, "dist", "there is no prior \"%.*s\"", (int)dist.n,
                        (const char *)dist.data);
    document_f64(&document, "mean", -LIMIT_THETA, LIMIT_THETA, &prior->mean);
    document_f64(&document, "sd", LIMIT_SD_MIN, LIMIT_SD_MAX, &prior->sd);
    prior->min = on_grid ? spec->grid.min : spec->lower;
    prior->max = on_grid ? spec->grid.max : spec->upper;
    read_interval(&document, &prior->min, &prior->max);
}

static void read_fence(const msgpack_object *object, const char *path, struct fence *fence,
                       struct faults *faults)
{
    static const char *const keys[] = {"slope", "min", "max"};
    struct document document;

    document_begin(&document, object, path, NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    document_f64(&document, "slope", 1e-3, LIMIT_SLOPE, &fence->slope);
    read_interval(&document, &fence->min, &fence->max);
}

static void read_constant(struct document *document, struct estimate_spec *spec)
{
    struct slice name;

    if (!document_text(document, "constant", LIMIT_ID, &name)) return;
    spec->constant = constant_rule_find(name);
    if (spec->constant || slice_equal_str(name, "none")) return;
    document_refuse(document, "constant", "there is no rule \"%.*s\"", (int)name.n,
                    (const char *)name.data);
}

/* A prior that leaves nothing of the range that is looked at would leave no theta. */
static void check_overlap(struct document *document, const struct estimate_spec *spec)
{
    const struct prior *prior = &spec->prior;
    double low = spec->estimator->uses_grid ? spec->grid.min : spec->lower;
    double high = spec->estimator->uses_grid ? spec->grid.max : spec->upper;

    if (!spec->estimator->uses_prior || !prior->kind->is_bounded) return;
    if (prior->min < high && prior->max > low) return;
    document_refuse(document, "prior", "the uniform prior lies outside the range of theta");
}

void estimate_document_read(const msgpack_object *object, const char *path,
                            struct estimate_spec *spec, struct faults *faults)
{
    struct document document;
    struct slice method = slice_str(spec->estimator->name);
    const msgpack_object *part;
    char name[LIMIT_ID + 1];

    document_begin(&document, object, path, NULL, faults);
    document_text(&document, "method", LIMIT_ID, &method);
    if (estimator_find(method))
        spec->estimator = estimator_find(method);
    else
        document_refuse(&document, "method", "there is no estimator \"%.*s\"", (int)method.n,
                        (const char *)method.data);
    if (document_map(&document, "grid", &part)) {
        read_grid(part, join(path, "grid", name), &spec->grid, faults);
    }
    if (document_map(&document, "bounds", &part)) {
        read_bounds(part, join(path, "bounds", name), spec, faults);
    }
    if (document_map(&document, "prior", &part)) {
        read_prior(part, join(path, "prior", name), spec, faults);
    }
    document_f64(&document, "tuning", 1e-6, 1e6, &spec->tuning);
    if (document_map(&document, "fence", &part)) {
        read_fence(part, join(path, "fence", name), &spec->fence, faults);
    }
    read_constant(&document, spec);
    check_overlap(&document, spec);
}
