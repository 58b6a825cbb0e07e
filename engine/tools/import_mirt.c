/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mirt's coef(fit, simplify = TRUE)$items, with and without IRTpars = TRUE. One table may mix kinds
 * of items: a row fills the cells of its own kind and has NA in the others. Definitions: mirt
 * writes logits as a1 theta + d, and for partial credit and nominal items ak_k a1 theta + d_k
 * (Chalmers 2012, Journal of Statistical Software 48(6)). */
#include "tools/import_format.h"

#include <math.h>
#include <string.h>

enum { SLOPE, PLACE, G, U };      // columns, of both formats
enum { STEPS, WEIGHTS, SLOPES };  // series

/* How far the weights of partial credit may be from 0, 1, 2, ..: more than a written decimal loses,
 * less than any weight that was estimated freely. */
static const double WEIGHT_TOLERANCE = 1e-6;

static struct import_logistic columns_of(const struct import *in)
{
    return (struct import_logistic){in->column[SLOPE], in->column[PLACE], in->column[G],
                                    in->column[U]};
}

static void plan_logistic(struct import *in)
{
    struct import_logistic columns = columns_of(in);

    import_plan_logistic(in, &columns, NULL);
}

static bool filled(const struct import *in, size_t row, size_t column)
{
    return *import_value(in, row, column) != '\0';
}

static void check_n_cat(struct import *in, size_t row, size_t n)
{
    if (n < LIMIT_CATS) return;
    import_fault(in, row, CSV_TABLE_NONE, "more than %d categories", LIMIT_CATS);
}

/* With IRTpars = TRUE the thresholds of graded items and the steps of partial credit items have the
 * same names, so the caller must say which they are. */
static void plan(struct import *in)
{
    plan_logistic(in);
    if (in->model && strcmp(in->model, "GRM") != 0 && strcmp(in->model, "GPCM") != 0) {
        faults_add(in->faults, NULL, "model", "model %s is none of GRM, GPCM", in->model);
    }
    if (in->model || in->series[STEPS][1] == CSV_TABLE_NONE) return;
    faults_add(in->faults, NULL, "model",
               "columns b1, b2, .. do not tell graded from partial credit items: "
               "say --model GRM or --model GPCM");
    in->model = "GRM";
}

static void convert(struct import *in, size_t row, struct draft *draft)
{
    struct import_logistic columns = columns_of(in);
    double values[LIMIT_CATS + 1];
    double slope;
    size_t n;

    if (filled(in, row, in->column[PLACE]) || in->series[STEPS][1] == CSV_TABLE_NONE) {
        if (import_read_logistic(in, row, &columns, values)) {
            import_put_logistic(in, values, draft);
        }
        return;
    }
    draft->model = in->model;
    n = import_need_numbers(in, row, STEPS, 1, values);
    check_n_cat(in, row, n);
    if (!import_number(in, row, in->column[SLOPE], &slope) || n >= LIMIT_CATS) return;
    draft_number(draft, "a", slope);
    draft_numbers(draft, "b", values, n);
}

/* The slope, which everything else is divided by. */
static bool read_slope(struct import *in, size_t row, double *out)
{
    if (!import_number(in, row, in->column[SLOPE], out)) return false;
    if (fpclassify(*out) != FP_ZERO) return true;
    import_fault(in, row, in->column[SLOPE], "is 0: the item has no difficulty");
    return false;
}

static void convert_dichotomous(struct import *in, size_t row, double slope, struct draft *draft)
{
    struct import_logistic columns = columns_of(in);
    double abcd[4];

    if (!import_read_logistic(in, row, &columns, abcd)) return;
    abcd[1] = -abcd[1] / slope;
    import_put_logistic(in, abcd, draft);
}

/* P(X >= k) = logistic(a1 theta + d_k): b_k = -d_k / a1. */
static void convert_graded(struct import *in, size_t row, double slope, struct draft *draft)
{
    double d[LIMIT_CATS + 1];
    size_t n = import_need_numbers(in, row, STEPS, 1, d);

    check_n_cat(in, row, n);
    if (n >= LIMIT_CATS) return;
    for (size_t k = 0; k < n; k++) d[k] = -d[k] / slope;
    draft->model = "GRM";
    draft_number(draft, "a", slope);
    draft_numbers(draft, "b", d, n);
}

static bool counts_up(const double *weights, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (fabs(weights[k] - (double)k) > WEIGHT_TOLERANCE) return false;
    }
    return true;
}

/* P(k) proportional to exp(ak_k a1 theta + d_k). With ak_k = k this is the GPCM with delta_t =
 * (d_{t-1} - d_t) / a1; with other weights it is the NRM, referred here to category 0. */
static void convert_weighted(struct import *in, size_t row, double slope, struct draft *draft)
{
    double weights[LIMIT_CATS + 1], d[LIMIT_CATS + 1];
    double alpha[LIMIT_CATS], rest[LIMIT_CATS];
    size_t n = import_need_numbers(in, row, WEIGHTS, 0, weights);
    size_t n_d = import_need_numbers(in, row, STEPS, 0, d);
    bool gpcm = counts_up(weights, n);

    if (n != n_d || n < 2 || n > LIMIT_CATS) {
        import_fault(in, row, CSV_TABLE_NONE,
                     "%zu columns ak and %zu columns d are filled: there must be as many of both, "
                     "2 to %d",
                     n, n_d, LIMIT_CATS);
        return;
    }
    for (size_t k = 1; k < n; k++) {
        alpha[k - 1] = slope * (weights[k] - weights[0]);
        rest[k - 1] = gpcm ? (d[k - 1] - d[k]) / slope : d[k] - d[0];
    }
    draft->model = gpcm ? "GPCM" : "NRM";
    if (gpcm)
        draft_number(draft, "a", slope);
    else
        draft_numbers(draft, "a", alpha, n - 1);
    draft_numbers(draft, gpcm ? "b" : "c", rest, n - 1);
}

/* Several slopes: the parameters stay as mirt has them. */
static void put_dims(struct import *in, size_t row, const char *model, struct draft *draft)
{
    double slopes[LIMIT_CATS + 1];
    size_t n = import_need_numbers(in, row, SLOPES, 1, slopes);

    draft->model = model;
    if (n > LIMIT_DIMS)
        import_fault(in, row, CSV_TABLE_NONE, "more than %d dimensions", LIMIT_DIMS);
    else
        draft_numbers(draft, "a", slopes, n);
}

static void convert_dims_dichotomous(struct import *in, size_t row, struct draft *draft)
{
    struct import_logistic columns = columns_of(in);
    double abcd[4];

    if (!import_read_logistic(in, row, &columns, abcd)) return;
    if (abcd[3] < 1.0) {
        import_fault(in, row, in->column[U], "no multidimensional model has an upper asymptote");
    }
    put_dims(in, row, in->logistic[0] >= '3' ? "M3PL" : "M2PL", draft);
    draft_number(draft, "d", abcd[1]);
    if (in->logistic[0] >= '3') draft_number(draft, "c", abcd[2]);
}

/* P(k) proportional to exp(k a.theta + d_k); only differences to category 0 count. */
static void convert_dims_weighted(struct import *in, size_t row, struct draft *draft)
{
    double weights[LIMIT_CATS + 1], d[LIMIT_CATS + 1];
    size_t n = import_need_numbers(in, row, WEIGHTS, 0, weights);
    size_t n_d = import_need_numbers(in, row, STEPS, 0, d);

    if (n != n_d || n < 2 || n > LIMIT_CATS || !counts_up(weights, n)) {
        import_fault(in, row, CSV_TABLE_NONE,
                     "columns ak must be 0, 1, 2, .. with a column d for each, 2 to %d",
                     LIMIT_CATS);
        return;
    }
    for (size_t k = 1; k < n; k++) d[k] -= d[0];
    put_dims(in, row, "MDGPCM", draft);
    draft_numbers(draft, "d", d + 1, n - 1);
}

static void convert_dims_graded(struct import *in, size_t row, struct draft *draft)
{
    double d[LIMIT_CATS + 1];
    size_t n = import_need_numbers(in, row, STEPS, 1, d);

    check_n_cat(in, row, n);
    if (n >= LIMIT_CATS) return;
    put_dims(in, row, "MDGRM", draft);
    draft_numbers(draft, "d", d, n);
}

static void convert_dims(struct import *in, size_t row, struct draft *draft)
{
    if (filled(in, row, in->series[WEIGHTS][0]))
        convert_dims_weighted(in, row, draft);
    else if (filled(in, row, in->series[STEPS][1]))
        convert_dims_graded(in, row, draft);
    else
        convert_dims_dichotomous(in, row, draft);
}

static void convert_slope(struct import *in, size_t row, struct draft *draft)
{
    double slope;

    if (in->series[SLOPES][2] != CSV_TABLE_NONE) {
        convert_dims(in, row, draft);
        return;
    }
    if (!read_slope(in, row, &slope)) return;
    if (filled(in, row, in->series[WEIGHTS][0]))
        convert_weighted(in, row, slope, draft);
    else if (filled(in, row, in->series[STEPS][1]))
        convert_graded(in, row, slope, draft);
    else
        convert_dichotomous(in, row, slope, draft);
}

const struct import_format import_mirt = {
    .name = "mirt",
    .about = "mirt, coef(fit, IRTpars=TRUE, simplify=TRUE)$items: a, b, g, u or a, b1, b2, ..",
    .needs = {"a"},
    .one_of = {"b1", "g"},
    .lacks = {"model"},
    .columns = {"a", "b", "g", "u"},
    .series = {"b"},
    .takes_model = true,
    .plan = plan,
    .convert = convert,
};

const struct import_format import_mirt_slope = {
    .name = "mirt-slope",
    .about = "mirt, coef(fit, simplify=TRUE)$items: a1, d, g, u or a1, d1, d2, .. or a1, ak0, .., "
             "d0, ..; a2, .. where there are several dimensions",
    .needs = {"a1"},
    .one_of = {"d", "d1"},
    .lacks = {"model"},
    .columns = {"a1", "d", "g", "u"},
    .series = {"d", "ak", "a"},
    .plan = plan_logistic,
    .convert = convert_slope,
};
