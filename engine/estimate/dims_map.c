/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maximum a posteriori in several dimensions (Segall 1996): Newton's climb, halving each step until
 * it climbs, from every peak of a coarse scan where the posterior may have several modes (3PL). The
 * covariance is the inverse of the observed information and the prior's precision. */
#include "estimate/dims.h"
#include "num/elementary.h"

#include <math.h>

enum { CLIMB_STEPS = 100, CLIMB_HALVINGS = 60 };

/* The square of a step in standard errors: below the first a step is too small to matter, below the
 * second the height can no longer tell whether it climbs, but Newton's step is right by then. */
#define CLIMB_DONE  1e-22
#define CLIMB_CLOSE 1e-8

/* The scan reaches so many of the prior's standard deviations, in steps of so many logits as far as
 * its arrays allow: two modes are further apart than items are steep. */
#define SCAN_REACH 3.0
#define SCAN_STEP  0.5
static const size_t scan_most[LIMIT_DIMS + 1] = {0, 121, 31, 10, 5, 4};

_Static_assert(LIMIT_SCAN >= 31 * 31 && LIMIT_SCAN >= 10 * 10 * 10 &&
                   LIMIT_SCAN >= 4 * 4 * 4 * 4 * 4,
               "the scan fits its arrays");

struct posterior {
    const struct evidence *evidence;
    size_t n_dim;
    double mean[LIMIT_DIMS], cov[LIMIT_DIMS * LIMIT_DIMS], precision[LIMIT_DIMS * LIMIT_DIMS];
};

static void posterior_init(struct posterior *posterior, const struct estimate_spec *spec,
                           const struct evidence *evidence)
{
    posterior->evidence = evidence;
    posterior->n_dim = bank_n_dim(evidence->bank);
    prior_shape(&spec->prior, posterior->n_dim, posterior->mean, posterior->cov);
    (void)matrix_invert(posterior->cov, posterior->n_dim, posterior->precision);
}

/* The log prior at theta, up to a constant, and its gradient [n_dim]. */
static double log_prior(const struct posterior *posterior, const double *theta, double *gradient)
{
    size_t n = posterior->n_dim;
    double sum = 0.0;

    for (size_t i = 0; i < n; i++) {
        gradient[i] = 0.0;
        for (size_t j = 0; j < n; j++) {
            gradient[i] -= posterior->precision[i * n + j] * (theta[j] - posterior->mean[j]);
        }
        sum += 0.5 * gradient[i] * (theta[i] - posterior->mean[i]);
    }
    return sum;
}

static double height(const struct posterior *posterior, const double *theta)
{
    const struct evidence *evidence = posterior->evidence;
    double gradient[LIMIT_DIMS], sum = log_prior(posterior, theta, gradient);

    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *item = bank_item(evidence->bank, evidence->item[j]);

        sum += item->model->log_prob(item, evidence->score[j], item_predictor(item, theta));
    }
    return sum;
}

/* Gradient of the log posterior, and its negative second derivatives as they are (`observed`) and
 * as they are to be expected. */
struct slopes {
    double gradient[LIMIT_DIMS];
    double observed[LIMIT_DIMS * LIMIT_DIMS], expected[LIMIT_DIMS * LIMIT_DIMS];
};

static void slopes_at(const struct posterior *posterior, const double *theta, struct slopes *out)
{
    const struct evidence *evidence = posterior->evidence;
    size_t n = posterior->n_dim;

    log_prior(posterior, theta, out->gradient);
    for (size_t i = 0; i < n * n; i++)
        out->observed[i] = out->expected[i] = posterior->precision[i];
    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *item = bank_item(evidence->bank, evidence->item[j]);
        unsigned k = evidence->score[j];
        struct curve curve;

        item->model->curve(item, item_predictor(item, theta), &curve);
        item_add_direction(item, curve.r1[k], out->gradient);
        item_add_outer(item, curve_observed(&curve, k), out->observed);
        item_add_outer(item, curve_info(&curve), out->expected);
    }
}

/* theta + share x step, into out. */
static void step_by(const double *theta, const double *step, double share, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) out[i] = theta[i] + share * step[i];
}

/* Take the largest share of the step, by halves, that climbs. False where none does. */
static bool take_climbing(const struct posterior *posterior, const double *step, double *theta)
{
    double now = height(posterior, theta), share = 1.0, next[LIMIT_DIMS];

    for (int i = 0; i < CLIMB_HALVINGS; i++, share *= 0.5) {
        step_by(theta, step, share, posterior->n_dim, next);
        if (!(height(posterior, next) > now)) continue;
        step_by(theta, step, share, posterior->n_dim, theta);
        return true;
    }
    return false;
}

/* Climb from theta to the mode above it. The expected information points uphill where the observed
 * one does not bend down. Returns the steps taken. */
static int climb(const struct posterior *posterior, double *theta)
{
    size_t n = posterior->n_dim;
    struct slopes slopes;

    for (int i = 0; i < CLIMB_STEPS; i++) {
        double root[LIMIT_DIMS * LIMIT_DIMS], step[LIMIT_DIMS], square = 0.0;

        slopes_at(posterior, theta, &slopes);
        if (!matrix_root(slopes.observed, n, root) && !matrix_root(slopes.expected, n, root)) {
            return i;
        }
        matrix_solve(root, n, slopes.gradient, step);
        for (size_t m = 0; m < n; m++) square += slopes.gradient[m] * step[m];
        if (!(square > CLIMB_DONE)) return i;
        if (square < CLIMB_CLOSE)
            step_by(theta, step, 1.0, n, theta);
        else if (!take_climbing(posterior, step, theta))
            return i;
    }
    return CLIMB_STEPS;
}

/* The scan: nodes along the axes of the prior, mean + root z, z from -SCAN_REACH to SCAN_REACH, the
 * last dimension's next to each other. */
struct scan {
    size_t n, n_node;  // a dimension; in all
    double root[LIMIT_DIMS * LIMIT_DIMS];
    double *t, *height;  // [n_node]; the workspace's
};

static double scan_z(const struct scan *scan, size_t i)
{
    return SCAN_REACH * (2.0 * (double)i / (double)(scan->n - 1) - 1.0);
}

static void scan_theta(const struct scan *scan, const struct posterior *posterior, size_t node,
                       double *theta)
{
    size_t n_dim = posterior->n_dim;
    double z[LIMIT_DIMS];

    for (size_t m = n_dim; m-- > 0; node /= scan->n) z[m] = scan_z(scan, node % scan->n);
    for (size_t i = 0; i < n_dim; i++) {
        theta[i] = posterior->mean[i];
        for (size_t j = 0; j <= i; j++) theta[i] += scan->root[i * n_dim + j] * z[j];
    }
}

static size_t scan_size(const struct posterior *posterior)
{
    double most = 0.0, n;

    for (size_t m = 0; m < posterior->n_dim; m++) {
        most = fmax(most, posterior->cov[m * (posterior->n_dim + 1)]);
    }
    n = ceil(2.0 * SCAN_REACH * sqrt(most) / SCAN_STEP) + 1.0;
    return (size_t)fmax(3.0, fmin(n, (double)scan_most[posterior->n_dim]));
}

static void scan_make(struct scan *scan, const struct posterior *posterior,
                      struct estimate_workspace *workspace)
{
    const struct evidence *evidence = posterior->evidence;
    double theta[LIMIT_DIMS], gradient[LIMIT_DIMS];

    scan->n = scan_size(posterior);
    scan->n_node = 1;
    for (size_t m = 0; m < posterior->n_dim; m++) scan->n_node *= scan->n;
    scan->t = workspace->node;
    scan->height = workspace->slope;
    (void)matrix_root(posterior->cov, posterior->n_dim, scan->root);
    for (size_t q = 0; q < scan->n_node; q++) {
        scan_theta(scan, posterior, q, theta);
        scan->height[q] = log_prior(posterior, theta, gradient);
    }
    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *item = bank_item(evidence->bank, evidence->item[j]);

        for (size_t q = 0; q < scan->n_node; q++) {
            scan_theta(scan, posterior, q, theta);
            scan->t[q] = item_predictor(item, theta);
        }
        item->model->add_loglik(item, evidence->score[j], scan->t, scan->n_node, scan->height);
    }
}

/* Whether no neighbour along an axis is higher. */
static bool is_peak(const struct scan *scan, size_t n_dim, size_t node)
{
    size_t stride = 1;

    for (size_t m = 0; m < n_dim; m++, stride *= scan->n) {
        size_t i = node / stride % scan->n;

        if (i > 0 && scan->height[node - stride] > scan->height[node]) return false;
        if (i + 1 < scan->n && scan->height[node + stride] > scan->height[node]) return false;
    }
    return true;
}

/* The highest of the modes above the scan's peaks; of equal ones the first. */
static void climb_all(const struct posterior *posterior, struct estimate_workspace *workspace,
                      struct estimate_dims *out)
{
    double best = -(double)INFINITY;
    struct scan scan;

    scan_make(&scan, posterior, workspace);
    for (size_t q = 0; q < scan.n_node; q++) {
        double theta[LIMIT_DIMS], top;

        if (!is_peak(&scan, posterior->n_dim, q)) continue;
        scan_theta(&scan, posterior, q, theta);
        out->iterations += climb(posterior, theta);
        top = height(posterior, theta);
        if (!(top > best)) continue;
        best = top;
        for (size_t m = 0; m < posterior->n_dim; m++) out->theta[m] = theta[m];
    }
}

void dims_map_solve(const struct estimate_spec *spec, const struct evidence *evidence,
                    struct estimate_workspace *workspace, struct estimate_dims *out)
{
    struct posterior posterior;
    struct slopes slopes;
    size_t n = bank_n_dim(evidence->bank);

    *out = (struct estimate_dims){.iterations = 0};
    posterior_init(&posterior, spec, evidence);
    if (evidence_is_concave(evidence)) {
        for (size_t m = 0; m < n; m++) out->theta[m] = posterior.mean[m];
        out->iterations = climb(&posterior, out->theta);
    } else {
        climb_all(&posterior, workspace, out);
    }
    slopes_at(&posterior, out->theta, &slopes);
    if (matrix_invert(slopes.observed, n, out->cov)) return;
    if (matrix_invert(slopes.expected, n, out->cov)) return;
    for (size_t i = 0; i < n * n; i++) out->cov[i] = posterior.cov[i];
}
