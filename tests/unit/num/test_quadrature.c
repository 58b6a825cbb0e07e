/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "num/quadrature.h"

#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>

static double power(double x, void *context)
{
    return pow(x, *(const int *)context);
}

static double bell(double x, void *context)
{
    (void)context;
    return exp(-0.5 * x * x);
}

/* n nodes integrate polynomials of degree 2 n - 1 exactly. */
Test(quadrature, is_exact_for_polynomials)
{
    for (size_t n = 1; n <= 24; n++) {
        struct quadrature *quadrature = quadrature_new(n);

        cr_assert(quadrature);
        for (int degree = 0; degree < (int)(2 * n); degree++) {
            struct function f = {.value = power, .context = &degree};
            double lo = -0.385, hi = 1.1;
            double want = (pow(hi, degree + 1) - pow(lo, degree + 1)) / (degree + 1);

            expect_close(quadrature_integral(quadrature, f, lo, hi), want, 1e-14,
                         "%zu nodes, degree %d", n, degree);
        }
        quadrature_free(quadrature);
    }
}

Test(quadrature, is_not_exact_beyond)
{
    struct quadrature *quadrature = quadrature_new(3);
    int degree = 6;
    struct function f = {.value = power, .context = &degree};

    cr_assert(quadrature);
    cr_expect(fabs(quadrature_integral(quadrature, f, -1.0, 1.0) - 2.0 / 7.0) > 1e-3);
    quadrature_free(quadrature);
    quadrature_free(NULL);
}

Test(quadrature, goes_both_ways)
{
    struct quadrature *quadrature = quadrature_new(8);
    struct function f = {.value = bell};
    double want = sqrt(acos(-1.0) / 2.0) * (erf(0.7 / sqrt(2.0)) - erf(0.2 / sqrt(2.0)));

    cr_assert(quadrature);
    expect_close(quadrature_integral(quadrature, f, 0.2, 0.7), want, 1e-15, "forwards");
    expect_close(quadrature_integral(quadrature, f, 0.7, 0.2), -want, 1e-15, "backwards");
    expect_close(quadrature_integral(quadrature, f, 0.3, 0.3), 0.0, 0.0, "nowhere");
    quadrature_free(quadrature);
}
