/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/estimate_document.h"
#include "estimate/constant.h"

#include <math.h>
#include <stdio.h>

/* Weights of a table, whatever they sum to: far from where a double ends, above and below. */
#define WEIGHT_MAX       1e9
#define WEIGHT_LEAST_TOP 1e-9

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

/* A list of numbers from `least` to `most`, at most LIMIT_NODES; returns how many. */
static size_t read_numbers(struct document *document, const char *key, double least, double most,
                           double *out)
{
    const msgpack_object *array = NULL;

    if (!document_array(document, key, LIMIT_NODES, &array)) return 0;
    for (uint32_t i = 0; i < array->via.array.size; i++) {
        if (object_f64(&array->via.array.ptr[i], least, most, &out[i])) continue;
        document_refuse(document, key, "element %u must be a number from %g to %g", i, least, most);
        out[i] = least;
    }
    return array->via.array.size;
}

static void check_points(struct document *document, const struct prior_points *points,
                         size_t n_weight)
{
    double top = 0.0;

    if (points->n < 2) document_refuse(document, "theta", "a table has at least 2 points");
    if (n_weight != points->n) {
        document_refuse(document, "weight", "there are %zu, but theta has %zu", n_weight,
                        points->n);
    }
    for (size_t i = 1; i < points->n; i++) {
        if (points->theta[i] - points->theta[i - 1] >= PRIOR_GAP) continue;
        document_refuse(document, "theta", "element %zu must be at least %g above the one before",
                        i, PRIOR_GAP);
    }
    for (size_t i = 0; i < n_weight; i++) top = fmax(top, points->weight[i]);
    if (n_weight > 0 && !(top >= WEIGHT_LEAST_TOP)) {
        document_refuse(document, "weight", "the largest must be at least %g", WEIGHT_LEAST_TOP);
    }
}

static bool is_given(const struct document *document, const char *key)
{
    const msgpack_object *value = map_find(document->in.map, key);

    return value && value->type != MSGPACK_OBJECT_NIL;
}

/* The points of a prior that is a table; where none are given, those that it has already. */
static void read_points(struct document *document, struct prior *prior, struct prior_points *points)
{
    static const char *const keys[] = {"theta", "weight"};
    size_t n_weight;

    for (size_t i = 0; prior->kind != &prior_table && i < COUNT_OF(keys); i++) {
        if (!is_given(document, keys[i])) continue;
        document_refuse(document, keys[i], "only the prior \"table\" has points");
    }
    if (prior->kind != &prior_table) return;
    if (!prior->points || is_given(document, "theta") || is_given(document, "weight")) {
        size_t n_before = document->faults->total;

        *points = (struct prior_points){0};
        points->n = read_numbers(document, "theta", -LIMIT_THETA, LIMIT_THETA, points->theta);
        n_weight = read_numbers(document, "weight", 0.0, WEIGHT_MAX, points->weight);
        if (document->faults->total == n_before) check_points(document, points, n_weight);
        if (document->faults->total > n_before) {
            prior->kind = &prior_normal;  // there is no table, and what follows looks at none
            return;
        }
        prior->points = points;
    }
    prior->min = prior->points->theta[0];
    prior->max = prior->points->theta[prior->points->n - 1];
}

/* A mean of its own for each dimension, where `mean` is a list. */
static void read_means(struct document *document, const msgpack_object *list, struct prior *prior)
{
    struct prior_dims *dims = &prior->dims;
    size_t n = list->via.array.size;

    if (n == 0 || n > LIMIT_DIMS) {
        document_refuse(document, "mean", "must have 1 to %d elements", LIMIT_DIMS);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (object_f64(&list->via.array.ptr[i], -LIMIT_THETA, LIMIT_THETA, &dims->mean[i]))
            continue;
        document_refuse(document, "mean", "element %zu must be a number within %g of 0", i,
                        LIMIT_THETA);
        return;
    }
    dims->n_mean = n;
    prior->mean = dims->mean[0];
}

/* Row i of a covariance matrix of n rows. */
static bool read_cov_row(const msgpack_object *row, size_t i, size_t n, double *cov)
{
    const double most = LIMIT_SD_MAX * LIMIT_SD_MAX;

    if (row->type != MSGPACK_OBJECT_ARRAY || row->via.array.size != n) return false;
    for (size_t j = 0; j < n; j++) {
        if (!object_f64(&row->via.array.ptr[j], -most, most, &cov[i * n + j])) return false;
    }
    return cov[i * n + i] >= LIMIT_SD_MIN * LIMIT_SD_MIN;
}

/* How far the two halves of a covariance matrix may differ, of its variances: decimals that were
 * cut. */
#define COV_SYMMETRY 1e-9

static bool is_symmetric(const double *cov, size_t n)
{
    for (size_t i = 0; i < n * n; i++) {
        double scale = sqrt(cov[i / n * (n + 1)] * cov[i % n * (n + 1)]);

        if (fabs(cov[i] - cov[i % n * n + i / n]) > COV_SYMMETRY * scale) return false;
    }
    return true;
}

static void read_cov(struct document *document, struct prior *prior)
{
    struct prior_dims *dims = &prior->dims;
    const msgpack_object *rows;
    double root[LIMIT_DIMS * LIMIT_DIMS];
    size_t n;

    if (!document_array(document, "cov", LIMIT_DIMS, &rows)) return;
    n = rows->via.array.size;
    if (is_given(document, "sd")) document_refuse(document, "cov", "stands beside sd");
    for (size_t i = 0; i < n; i++) {
        if (read_cov_row(&rows->via.array.ptr[i], i, n, dims->cov)) continue;
        document_refuse(document, "cov",
                        "row %zu must be %zu numbers within %g of 0, its variance at least %g", i,
                        n, LIMIT_SD_MAX * LIMIT_SD_MAX, LIMIT_SD_MIN * LIMIT_SD_MIN);
        return;
    }
    if (n == 0 || !is_symmetric(dims->cov, n) || !matrix_root(dims->cov, n, root)) {
        document_refuse(document, "cov", "must be symmetric and positive definite");
        return;
    }
    for (size_t i = 0; i < n * n; i++)
        dims->cov[i] = dims->cov[i / n > i % n ? i % n * n + i / n : i];
    dims->n_cov = n;
    prior->sd = sqrt(dims->cov[0]);
}

void normal_document_read(struct document *document, struct prior *prior)
{
    const msgpack_object *mean = map_find(document->in.map, "mean");

    if (mean && mean->type == MSGPACK_OBJECT_ARRAY)
        read_means(document, mean, prior);
    else if (document_f64(document, "mean", -LIMIT_THETA, LIMIT_THETA, &prior->mean))
        prior->dims.n_mean = 0;
    if (document_f64(document, "sd", LIMIT_SD_MIN, LIMIT_SD_MAX, &prior->sd)) prior->dims.n_cov = 0;
    read_cov(document, prior);
}

/* A uniform prior that does not say where reaches as far as the estimator looks. */
static void read_prior(const msgpack_object *object, const char *path, struct estimate_spec *spec,
                       struct prior_points *points, struct faults *faults)
{
    static const char *const keys[] = {"dist", "mean", "sd",    "cov",
                                       "min",  "max",  "theta", "weight"};
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
    normal_document_read(&document, prior);
    prior->min = on_grid ? spec->grid.min : spec->lower;
    prior->max = on_grid ? spec->grid.max : spec->upper;
    read_interval(&document, &prior->min, &prior->max);
    read_points(&document, prior, points);
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

    if (!spec->estimator->uses_prior || prior->kind != &prior_uniform) return;
    if (prior->min < high && prior->max > low) return;
    document_refuse(document, "prior", "the prior lies outside the range of theta");
}

/* What a table cannot do: it has corners, where no mode can be solved for, and it may be 0 wherever
 * the grid looks. */
static void check_table(struct document *document, const struct estimate_spec *spec)
{
    const struct prior_kind *kind = spec->prior.kind;
    const struct constant_rule *constant = spec->constant;
    double node[LIMIT_NODES];

    if (kind != &prior_table) return;
    if (!estimator_takes(spec->estimator, kind)) {
        document_refuse(document, "method", "%s cannot take a table for its prior; EAP can",
                        spec->estimator->name);
    }
    if (constant && constant->estimator && !estimator_takes(constant->estimator, kind)) {
        document_refuse(document, "constant", "%s cannot take a table for its prior; EAP can",
                        constant->name);
    }
    grid_nodes(&spec->grid, node);
    if (!prior_reaches(&spec->prior, node, spec->grid.n_node)) {
        document_refuse(document, "prior", "the table is 0 at every node of the grid");
    }
}

void estimate_document_read(const msgpack_object *object, const char *path,
                            struct estimate_spec *spec, struct prior_points *points,
                            struct faults *faults)
{
    struct document document;
    struct slice method = slice_str(spec->estimator->name);
    const msgpack_object *part;
    char name[LIMIT_ID + 1];
    size_t n_before = faults->total;

    document_begin(&document, object, path, NULL, faults);
    if (document_text(&document, "method", LIMIT_ID, &method)) spec->says_method = true;
    if (estimator_find(method))
        spec->estimator = estimator_find(method);
    else
        document_refuse(&document, "method", "there is no estimator \"%.*s\"", (int)method.n,
                        (const char *)method.data);
    if (document_map(&document, "grid", &part)) {
        read_grid(part, join(path, "grid", name), &spec->grid, faults);
        spec->says_grid = true;
    }
    if (document_map(&document, "bounds", &part)) {
        read_bounds(part, join(path, "bounds", name), spec, faults);
    }
    if (document_map(&document, "prior", &part)) {
        read_prior(part, join(path, "prior", name), spec, points, faults);
    }
    document_f64(&document, "tuning", 1e-6, 1e6, &spec->tuning);
    if (document_map(&document, "fence", &part)) {
        read_fence(part, join(path, "fence", name), &spec->fence, faults);
    }
    read_constant(&document, spec);
    if (faults->total > n_before) return;
    check_overlap(&document, spec);
    check_table(&document, spec);
}
