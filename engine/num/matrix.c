/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The triangle of Cholesky is our own: GSL's tells only a pivot of 0 or less from a good one, but
 * rounding leaves a singular information matrix with one of either sign, and what it is taken for
 * decides a pick. Eigenvalues are GSL's (symmetric QR). */
#include "num/matrix.h"

#include <assert.h>
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdlib.h>

bool matrix_root(const double *m, size_t n, double *root)
{
    for (size_t i = 0; i < n; i++) {
        double left = m[i * n + i], least = left * MATRIX_RANK_FLOOR;

        for (size_t j = 0; j < i; j++) {
            double sum = m[i * n + j];

            for (size_t k = 0; k < j; k++) sum -= root[i * n + k] * root[j * n + k];
            root[i * n + j] = sum / root[j * n + j];
            left -= root[i * n + j] * root[i * n + j];
        }
        if (!(left > least)) return false;
        root[i * n + i] = sqrt(left);
        for (size_t j = i + 1; j < n; j++) root[i * n + j] = 0.0;
    }
    return true;
}

void matrix_solve(const double *root, size_t n, const double *b, double *x)
{
    for (size_t i = 0; i < n; i++) {
        double sum = b[i];

        for (size_t k = 0; k < i; k++) sum -= root[i * n + k] * x[k];
        x[i] = sum / root[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++) x[i] -= root[k * n + i] * x[k];
        x[i] /= root[i * n + i];
    }
}

bool matrix_invert(const double *m, size_t n, double *out)
{
    double root[MATRIX_MOST * MATRIX_MOST];

    assert(n <= MATRIX_MOST);
    if (!matrix_root(m, n, root)) return false;
    for (size_t j = 0; j < n; j++) {
        double column[MATRIX_MOST] = {0};

        column[j] = 1.0;
        matrix_solve(root, n, column, column);
        for (size_t i = j; i < n; i++) out[i * n + j] = out[j * n + i] = column[i];
    }
    return true;
}

double matrix_determinant(const double *m, size_t n)
{
    double root[MATRIX_MOST * MATRIX_MOST], product = 1.0;

    assert(n <= MATRIX_MOST);
    if (!matrix_root(m, n, root)) return 0.0;
    for (size_t i = 0; i < n; i++) product *= root[i * n + i] * root[i * n + i];
    return product;
}

struct eigen {
    gsl_eigen_symm_workspace *of_size[MATRIX_MOST + 1];
};

struct eigen *eigen_new(void)
{
    struct eigen *eigen = calloc(1, sizeof(*eigen));

    if (!eigen) return NULL;
    gsl_set_error_handler_off();  // GSL's own handler would end the process
    for (size_t n = 1; n <= MATRIX_MOST; n++) {
        eigen->of_size[n] = gsl_eigen_symm_alloc(n);
        if (eigen->of_size[n]) continue;
        eigen_free(eigen);
        return NULL;
    }
    return eigen;
}

void eigen_free(struct eigen *eigen)
{
    if (!eigen) return;
    for (size_t n = 1; n <= MATRIX_MOST; n++) gsl_eigen_symm_free(eigen->of_size[n]);
    free(eigen);
}

double eigen_least(struct eigen *eigen, const double *m, size_t n)
{
    double copy[MATRIX_MOST * MATRIX_MOST], value[MATRIX_MOST], least, most;
    gsl_matrix_view matrix = gsl_matrix_view_array(copy, n, n);
    gsl_vector_view values = gsl_vector_view_array(value, n);
    int status;

    assert(n <= MATRIX_MOST);
    for (size_t i = 0; i < n * n; i++) copy[i] = m[i];
    status = gsl_eigen_symm(&matrix.matrix, &values.vector, eigen->of_size[n]);
    assert(status == GSL_SUCCESS);
    least = most = value[0];
    for (size_t i = 1; i < n; i++) {
        least = fmin(least, value[i]);
        most = fmax(most, value[i]);
    }
    return least > most * MATRIX_RANK_FLOOR ? least : 0.0;
}
