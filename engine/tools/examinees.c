/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/examinees.h"
#include "base/rng.h"
#include "estimate/dims.h"
#include "num/elementary.h"
#include "tools/csv_table.h"
#include "tools/simulate.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A point is on the grid where it passes max by no more than this share of a step: rounding. */
#define GRID_SLACK 1e-9

/* Thetas have random numbers of their own: what draws them is far from what the tests draw. */
#define THETA_STREAM 0x9E3779B97F4A7C15u

enum { COLUMN_NAME = 32 };

static bool examinees_init(struct examinees *out, size_t n, size_t n_dim)
{
    *out = (struct examinees){.n = n, .theta = calloc(n * n_dim, sizeof(*out->theta))};
    return out->theta != NULL;
}

void examinees_done(struct examinees *examinees)
{
    free(examinees->theta);
    free(examinees->responses);
    *examinees = (struct examinees){0};
}

/* A standard normal number: the polar method (Marsaglia and Bray 1964). */
static double draw_normal(uint64_t key)
{
    for (uint64_t draw = 0;; draw += 2) {
        double x = 2.0 * rng_uniform(key, draw) - 1.0, y = 2.0 * rng_uniform(key, draw + 1) - 1.0;
        double s = x * x + y * y;

        if (s > 0.0 && s < 1.0) return x * sqrt(-2.0 * num_log(s) / s);
    }
}

enum status examinees_normal(size_t n, uint64_t seed, double mean, double sd, struct examinees *out)
{
    if (!examinees_init(out, n, 1)) return NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        out->theta[i] = mean + sd * draw_normal(simulate_key(seed ^ THETA_STREAM, i));
    }
    snprintf(out->about, sizeof(out->about), "normal, mean %g, SD %g", mean, sd);
    return OK;
}

/* mean + root z, of standard normal z with keys of their own. */
static void draw_vector(uint64_t key, size_t n_dim, const double *mean, const double *root,
                        double *theta)
{
    double z[LIMIT_DIMS];

    for (size_t m = 0; m < n_dim; m++) {
        z[m] = draw_normal(rng_bits(key, m));
        theta[m] = mean[m];
        for (size_t k = 0; k <= m; k++) theta[m] += root[m * n_dim + k] * z[k];
    }
}

enum status examinees_prior(size_t n, uint64_t seed, const struct plan *plan, struct examinees *out)
{
    size_t n_dim = bank_n_dim(plan->bank);
    double mean[LIMIT_DIMS], root[LIMIT_DIMS * LIMIT_DIMS];
    bool is_definite;

    prior_shape(&plan->test.final.prior, n_dim, mean, root);
    is_definite = matrix_root(root, n_dim, root);
    assert(is_definite);  // a document with another prior is refused
    if (!examinees_init(out, n, n_dim)) return NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        draw_vector(simulate_key(seed ^ THETA_STREAM, i), n_dim, mean, root,
                    out->theta + i * n_dim);
    }
    snprintf(out->about, sizeof(out->about), "normal, the test's prior in %zu dimensions", n_dim);
    return OK;
}

enum status examinees_grid(size_t n, double min, double max, double step, struct examinees *out)
{
    size_t n_point = (size_t)floor((max - min) / step + GRID_SLACK) + 1;

    if (!examinees_init(out, n, 1)) return NO_MEMORY;
    for (size_t i = 0; i < n; i++) out->theta[i] = min + step * (double)(i % n_point);
    snprintf(out->about, sizeof(out->about), "grid of %zu points from %g in steps of %g", n_point,
             min, step);
    return OK;
}

/* The theta in a cell, NaN where there is none. */
static double cell_theta(const char *cell)
{
    char *end;
    double theta = strtod(cell, &end);

    return *cell && !*end && fabs(theta) <= LIMIT_THETA ? theta : (double)NAN;
}

/* Look at every cell of dimension m. Returns the place of its column, CSV_TABLE_NONE with a fault
 * where there is none. */
static size_t check_thetas(const struct csv_table *table, size_t m, size_t n_dim,
                           struct faults *faults)
{
    char name[COLUMN_NAME] = "theta";
    size_t column;

    if (n_dim > 1) snprintf(name, sizeof(name), "theta%zu", m + 1);
    column = csv_table_column(table, name);
    if (column == CSV_TABLE_NONE || table->n_row == 0) {
        if (table->n_row > 0)
            faults_add(faults, NULL, name, "there is no column \"%s\"", name);
        else if (m == 0)
            faults_add(faults, NULL, name, "there is no row");
        return CSV_TABLE_NONE;
    }
    for (size_t row = 0; row < table->n_row; row++) {
        const char *cell = csv_table_cell(table, row, column);

        if (isnan(cell_theta(cell))) {
            faults_add(faults, NULL, name, "row %zu: \"%s\" is no number from -%g to %g",
                       csv_table_row_number(table, row), cell, LIMIT_THETA, LIMIT_THETA);
        }
    }
    return column;
}

static enum status read_thetas(const struct csv_table *table, size_t n, size_t n_dim,
                               struct examinees *out, struct faults *faults)
{
    size_t column[LIMIT_DIMS], before = faults->total;

    for (size_t m = 0; m < n_dim; m++) column[m] = check_thetas(table, m, n_dim, faults);
    if (faults->total > before) return BAD_REQUEST;
    if (!examinees_init(out, n > 0 ? n : table->n_row, n_dim)) return NO_MEMORY;
    for (size_t j = 0; j < out->n * n_dim; j++) {
        size_t row = j / n_dim % table->n_row;

        out->theta[j] = cell_theta(csv_table_cell(table, row, column[j % n_dim]));
    }
    snprintf(out->about, sizeof(out->about), "%zu thetas from a file", table->n_row);
    return OK;
}

enum status examinees_read(struct slice csv, size_t n, size_t n_dim, struct examinees *out,
                           struct faults *faults)
{
    struct csv_table table = {0};
    enum status st = csv_table_read(csv, "", &table, faults);

    if (!st) st = read_thetas(&table, n, n_dim, out, faults);
    if (st) examinees_done(out);
    csv_table_done(&table);
    return st;
}

/* The item of each column into item [n_column]; NO_ITEM for the examinees' names. */
static enum status match_columns(const struct csv_table *table, const struct bank *bank,
                                 uint32_t *item, struct faults *faults)
{
    size_t before = faults->total;

    for (size_t k = 0; k < table->n_column; k++) {
        const char *name = csv_table_name(table, k);
        long found = bank_find(bank, slice_str(name));
        bool is_name =
            k == 0 && (!*name || strcasecmp(name, "id") == 0 || strcasecmp(name, "examinee") == 0);

        item[k] = found >= 0 ? (uint32_t)found : PICK_NONE;
        if (found < 0 && !is_name) {
            faults_add(faults, NULL, name, "column %zu: the bank has no item \"%s\"", k + 1, name);
        }
    }
    if (table->n_row == 0) faults_add(faults, NULL, NULL, "there is no row");
    return faults->total == before ? OK : BAD_REQUEST;
}

/* The score in a cell; SIMULATE_MISSING, and a fault unless it is missing, where there is none. */
static uint8_t read_score(const char *cell, unsigned n_cat, size_t row, const char *id,
                          struct faults *faults)
{
    char *end;
    unsigned long score;

    if (!*cell || strcmp(cell, "NA") == 0) return SIMULATE_MISSING;
    score = strtoul(cell, &end, 10);
    if (cell[0] >= '0' && cell[0] <= '9' && !*end && score < n_cat) return (uint8_t)score;
    faults_add(faults, id, id, "row %zu: \"%s\" is no score from 0 to %u", row, cell, n_cat - 1);
    return SIMULATE_MISSING;
}

static void read_row(const struct csv_table *table, size_t row, const uint32_t *item,
                     const struct bank *bank, uint8_t *out, struct faults *faults)
{
    memset(out, SIMULATE_MISSING, bank_n_item(bank));
    for (size_t k = 0; k < table->n_column; k++) {
        if (item[k] == PICK_NONE) continue;
        out[item[k]] = read_score(csv_table_cell(table, row, k), bank_item(bank, item[k])->n_cat,
                                  csv_table_row_number(table, row), bank_id(bank, item[k]), faults);
    }
}

/* The plan's final estimate, into theta [n_dim]. */
static void estimate_one(const struct estimate_spec *spec, const struct evidence *evidence,
                         struct estimate_workspace *workspace, double *theta)
{
    size_t n_dim = bank_n_dim(evidence->bank);
    struct estimate_dims dims;
    struct estimate one;

    if (n_dim == 1) {
        spec->estimator->solve(spec, evidence, workspace, &one);
        theta[0] = one.theta;
        return;
    }
    spec->estimator->solve_dims(spec, evidence, workspace, &dims);
    memcpy(theta, dims.theta, n_dim * sizeof(*theta));
}

/* The same from every answer of every examinee. */
static enum status estimate_all(struct examinees *examinees, const struct plan *plan)
{
    size_t n_item = bank_n_item(plan->bank);
    struct estimate_workspace *workspace = estimate_workspace_new();
    struct evidence evidence = {.bank = plan->bank,
                                .item = calloc(n_item, sizeof(uint32_t)),
                                .score = calloc(n_item, sizeof(uint8_t))};
    enum status st = workspace && evidence.item && evidence.score ? OK : NO_MEMORY;

    for (size_t i = 0; i < examinees->n && !st; i++) {
        evidence_clear(&evidence);
        for (uint32_t j = 0; j < n_item; j++) {
            uint8_t score = examinees->responses[i * n_item + j];

            if (score != SIMULATE_MISSING) evidence_add(&evidence, j, score, NULL);
        }
        estimate_one(&plan->test.final, &evidence, workspace,
                     examinees->theta + i * bank_n_dim(plan->bank));
    }
    estimate_workspace_free(workspace);
    free(evidence.item);
    free(evidence.score);
    return st;
}

static enum status read_matrix(const struct csv_table *table, const struct plan *plan,
                               struct examinees *out, struct faults *faults)
{
    size_t n_item = bank_n_item(plan->bank), before = faults->total;
    uint32_t *item = calloc(table->n_column + 1, sizeof(*item));
    enum status st = item ? match_columns(table, plan->bank, item, faults) : NO_MEMORY;

    if (st) goto done;
    st = NO_MEMORY;
    if (!examinees_init(out, table->n_row, bank_n_dim(plan->bank))) goto done;
    out->responses = calloc(table->n_row, n_item);
    if (!out->responses) goto done;
    for (size_t row = 0; row < table->n_row; row++) {
        read_row(table, row, item, plan->bank, out->responses + row * n_item, faults);
    }
    st = faults->total == before ? estimate_all(out, plan) : BAD_REQUEST;
    snprintf(out->about, sizeof(out->about), "post-hoc: estimated from all answers of the matrix");
done:
    free(item);
    return st;
}

enum status examinees_matrix(struct slice csv, const struct plan *plan, struct examinees *out,
                             struct faults *faults)
{
    struct csv_table table = {0};
    enum status st = csv_table_read(csv, "", &table, faults);

    if (!st) st = read_matrix(&table, plan, out, faults);
    if (st) examinees_done(out);
    csv_table_done(&table);
    return st;
}
