/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Estimates of several dimensions (irt/dims.h), with a normal prior. Matrices are
 * [n_dim][n_dim]. */
#ifndef ESTIMATE_DIMS_H
#define ESTIMATE_DIMS_H

#include "base/fault.h"
#include "estimate/estimator.h"

_Static_assert((int)MATRIX_MOST == (int)LIMIT_DIMS, "a matrix has a row for each dimension");

struct estimate_dims {
    double theta[LIMIT_DIMS];
    double cov[LIMIT_DIMS * LIMIT_DIMS];
    int iterations;  // of the climb to the mode; 0 where there is none
};

/* Make `spec` ready for a bank of n_dim dimensions: fill in what its document does not say, and add
 * a fault, with the fields below `path`, for everything in it that has no form there. */
void estimate_spec_settle(struct estimate_spec *spec, size_t n_dim, const char *path,
                          struct faults *faults);

/* The two that there are (rows of estimator.h). Pre: the spec is settled without fault.
 *   EAP  mean and covariance of the posterior on the product of the grid with itself
 *   MAP  the posterior's highest mode, and the inverse of its negative second derivatives */
void dims_eap_solve(const struct estimate_spec *spec, const struct evidence *evidence,
                    struct estimate_workspace *workspace, struct estimate_dims *out);
void dims_map_solve(const struct estimate_spec *spec, const struct evidence *evidence,
                    struct estimate_workspace *workspace, struct estimate_dims *out);

/* Square roots of the diagonal of cov, into se [n_dim]. */
void dims_se(const double *cov, size_t n_dim, double *se);

/* Test information of the answered items at theta [n_dim], added to info. */
void dims_add_info(const struct evidence *evidence, const double *theta, double *info);

#endif
