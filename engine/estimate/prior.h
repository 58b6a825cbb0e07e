/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prior distributions of theta. One row each, in one table. */
#ifndef ESTIMATE_PRIOR_H
#define ESTIMATE_PRIOR_H

#include "base/limits.h"
#include "base/slice.h"
#include "irt/dims.h"

struct prior_kind;

/* A density by points: linear between them, 0 outside. */
struct prior_points {
    size_t n;  // 2 to LIMIT_NODES
    /* Ascending by at least PRIOR_GAP; weights from 0, up to a common factor, not all 0. */
    double theta[LIMIT_NODES], weight[LIMIT_NODES];
};

/* The least distance between two points of a table. */
#define PRIOR_GAP 1e-6

/* The last node of a grid may miss the prior's end by rounding; it still counts as inside. */
#define PRIOR_EDGE 1e-9

/* A normal prior of several dimensions, as far as it is written down: n_mean is 0 (the prior's mean
 * in each) or the number of dimensions, and so is n_cov (the prior's sd in each, independent). */
struct prior_dims {
    size_t n_mean, n_cov;
    double mean[LIMIT_DIMS], cov[LIMIT_DIMS * LIMIT_DIMS];  // [n_cov][n_cov]
};

/* Only the parameters that the kind has count. */
struct prior {
    const struct prior_kind *kind;
    double mean, sd;                    // normal
    double min, max;                    // uniform; the first and the last point of a table
    struct prior_dims dims;             // normal
    const struct prior_points *points;  // table; somebody else's, so that a prior is cheap to copy
};

/* The test information at a theta and its derivatives: what the Jeffreys prior is made of. */
struct info_terms {
    double i, d1, d2;
};

struct prior_kind {
    const char *name;
    enum dims dims;   // of the banks it is for
    bool needs_info;  // whether `info` is read; it may be zeros otherwise
    bool concave;     // log density is concave
    bool is_bounded;  // theta is kept between min and max; there are `moments`
    /* Log density, up to a constant, and its first two derivatives by theta. */
    double (*log_density)(const struct prior *prior, double theta, const struct info_terms *info);
    /* Its constant: the logarithm of the integral of exp(log_density); 0 where there is none. */
    double (*log_total)(const struct prior *prior);
    /* NULL where the density has corners: then there is no posterior mode to solve for. */
    double (*d1)(const struct prior *prior, double theta, const struct info_terms *info);
    double (*d2)(const struct prior *prior, double theta, const struct info_terms *info);
    /* Its own mean and standard deviation. */
    void (*moments)(const struct prior *prior, double *out_mean, double *out_sd);
};

/* All kinds, NULL at the end. */
extern const struct prior_kind *const prior_kinds[];
extern const struct prior_kind prior_normal, prior_uniform, prior_jeffreys, prior_table;

const struct prior_kind *prior_find(struct slice name);

/* The mean [n_dim] and covariance [n_dim][n_dim] of a normal prior. */
void prior_shape(const struct prior *prior, size_t n_dim, double *mean, double *cov);

/* Whether a prior leaves any of the nodes theta [n]. */
bool prior_reaches(const struct prior *prior, const double *theta, size_t n);

#endif
