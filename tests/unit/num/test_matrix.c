/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "num/matrix.h"

#include "tests/support/dice.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>

enum { N_TRIAL = 400, SIZE = MATRIX_MOST * MATRIX_MOST };

/* The sum of `rank` outer products: positive semidefinite, singular where rank < n. */
static void draw(struct dice *dice, size_t n, size_t rank, double *m)
{
    for (size_t i = 0; i < n * n; i++) m[i] = 0.0;
    for (size_t r = 0; r < rank; r++) {
        double a[MATRIX_MOST], weight = dice_between(dice, 0.1, 2.0);

        for (size_t i = 0; i < n; i++) a[i] = dice_between(dice, -1.1, 2.385);
        for (size_t i = 0; i < n * n; i++) m[i] += weight * a[i / n] * a[i % n];
    }
}

/* Along the first row. */
static double laplace(const double *m, size_t n)
{
    double sum = 0.0;

    if (n == 1) return m[0];
    for (size_t column = 0; column < n; column++) {
        double minor[SIZE];
        size_t k = 0;

        for (size_t i = n; i < n * n; i++) {
            if (i % n != column) minor[k++] = m[i];
        }
        sum += (column % 2 ? -1.0 : 1.0) * m[column] * laplace(minor, n - 1);
    }
    return sum;
}

/* L L' = m and m m^-1 = 1, in one place. */
static void check_element(const double *m, const double *root, const double *inverse, size_t n,
                          size_t place)
{
    size_t i = place / n, j = place % n;
    double product = 0.0, one = 0.0;

    for (size_t k = 0; k < n; k++) {
        product += root[i * n + k] * root[j * n + k];
        one += m[i * n + k] * inverse[k * n + j];
    }
    expect_close(product, m[place], 1e-13, "L L' [%zu][%zu]", i, j);
    expect_close(one, i == j ? 1.0 : 0.0, 1e-7, "m m^-1 [%zu][%zu]", i, j);
    expect_bits(inverse[place], inverse[j * n + i], "symmetry");
}

Test(matrix, root_inverse_and_determinant_are_what_they_say)
{
    struct dice dice = dice_new("matrix", 701);

    for (int trial = 0; trial < N_TRIAL; trial++) {
        size_t n = 1 + dice_below(&dice, MATRIX_MOST);
        double m[SIZE], root[SIZE], inverse[SIZE], x[MATRIX_MOST], b[MATRIX_MOST], size = 1.0;

        draw(&dice, n, 2 * n, m);
        cr_assert(matrix_root(m, n, root) && matrix_invert(m, n, inverse));
        for (size_t i = 0; i < n; i++) b[i] = dice_between(&dice, -2.0, 2.0);
        matrix_solve(root, n, b, x);
        for (size_t i = 0; i < n; i++) {
            double back = 0.0;

            size *= m[i * n + i];
            for (size_t j = 0; j < n; j++) {
                back += m[i * n + j] * x[j];
                check_element(m, root, inverse, n, i * n + j);
            }
            expect_close(back, b[i], 1e-7, "m x [%zu]", i);
        }
        expect_close(matrix_determinant(m, n) / size, laplace(m, n) / size, 1e-12, "det");
    }
}

/* In two dimensions the eigenvalues have a formula; in all they are at most any x' m x / x' x, and
 * m less its smallest is singular. */
Test(matrix, least_eigenvalue_is_the_least)
{
    struct dice dice = dice_new("eigen", 709);
    struct eigen *eigen = eigen_new();

    cr_assert(eigen);
    for (int trial = 0; trial < N_TRIAL; trial++) {
        size_t n = 1 + dice_below(&dice, MATRIX_MOST);
        double m[SIZE], least, size = 0.0;

        draw(&dice, n, 2 * n, m);
        least = eigen_least(eigen, m, n);
        for (size_t i = 0; i < n; i++) size += m[i * n + i];
        if (n == 2) {
            double half = 0.5 * (m[0] - m[3]);

            expect_close(least, 0.5 * size - sqrt(half * half + m[1] * m[1]), 1e-12, "two");
        }
        for (size_t i = 0; i < n; i++) {
            expect_true(least <= m[i * n + i] + 1e-12, "above a diagonal element");
            m[i * n + i] -= least;
        }
        expect_true(fabs(laplace(m, n)) <= 1e-11 * pow(size, (double)n), "m - least is regular");
    }
    eigen_free(eigen);
}

/* Whatever rounding leaves: a sum of fewer outer products than dimensions is singular. */
Test(matrix, singular_ones_are_told)
{
    struct dice dice = dice_new("singular", 719);
    struct eigen *eigen = eigen_new();

    cr_assert(eigen);
    for (int trial = 0; trial < N_TRIAL; trial++) {
        size_t n = 2 + dice_below(&dice, MATRIX_MOST - 1);
        double m[SIZE], out[SIZE];

        draw(&dice, n, dice_below(&dice, n), m);
        cr_expect(!matrix_root(m, n, out));
        cr_expect(!matrix_invert(m, n, out));
        expect_bits(matrix_determinant(m, n), 0.0, "determinant");
        expect_bits(eigen_least(eigen, m, n), 0.0, "eigenvalue");
    }
    eigen_free(eigen);
}

Test(matrix, indefinite_ones_have_no_root)
{
    const double m[] = {1.0, 2.385, 2.385, 1.0};
    double out[4];

    cr_expect(!matrix_root(m, 2, out));
}
