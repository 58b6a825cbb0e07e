/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "num/root.h"

#include "tests/support/dice.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>

static double cubic(double x, void *context)
{
    const double *root = context;

    return (x - *root) * (1.0 + (x - *root) * (x - *root));
}

/* Flat at its root: bisection is all that helps. */
static double flat(double x, void *context)
{
    const double *root = context;

    return pow(x - *root, 9.0);
}

static double jump(double x, void *context)
{
    const double *root = context;

    return x < *root ? 1e300 : -1e-300;
}

static double line(double x, void *context)
{
    const double *root = context;

    return *root - x;
}

Test(root, is_found_wherever_it_is)
{
    static double (*const value[])(double, void *) = {cubic, flat, jump, line};
    struct dice dice = dice_new("root", 211);
    struct root_finder *finder = root_finder_new();

    cr_assert(finder);
    for (size_t i = 0; i < 4000; i++) {
        double root = dice_between(&dice, -4.0, 4.0);
        struct function f = {.value = value[i % COUNT_OF(value)], .context = &root};
        int iterations = 0;
        double lo = root - dice_between(&dice, 1e-9, 8.0);
        double hi = root + dice_between(&dice, 1e-9, 8.0);
        double got = root_in_bracket(finder, f, lo, hi, &iterations);
        /* (x - root)^9 is exactly 0 within 1e-36 of the root only; doubles are further apart. */
        double tolerance = f.value == flat ? 1e-13 : 3e-14;

        expect_close(got, root, tolerance, "function %zu in [%g, %g]", i % COUNT_OF(value), lo, hi);
        expect_true(got >= lo && got <= hi, "%g is outside [%g, %g]", got, lo, hi);
        expect_true(iterations > 0 && iterations <= 200, "%d iterations", iterations);
    }
    root_finder_free(finder);
}

Test(root, may_stand_at_an_end)
{
    struct root_finder *finder = root_finder_new();
    double root = 2.385;
    struct function f = {.value = line, .context = &root};
    int iterations = 5;

    cr_assert(finder);
    cr_expect(root_in_bracket(finder, f, root, 3.0, &iterations) == root);
    cr_expect(root_in_bracket(finder, f, -3.0, root, &iterations) == root);
    cr_expect(iterations >= 5, "iterations are added to those before");
    root_finder_free(finder);
}

Test(root, iterations_are_added)
{
    struct root_finder *finder = root_finder_new();
    double root = 0.385;
    struct function f = {.value = cubic, .context = &root};
    int once = 0, twice = 0;

    cr_assert(finder);
    root_in_bracket(finder, f, -1.0, 3.0, &once);
    root_in_bracket(finder, f, -1.0, 3.0, &twice);
    root_in_bracket(finder, f, -1.0, 3.0, &twice);
    cr_expect(once > 0 && twice == 2 * once);
    root_finder_free(finder);
    root_finder_free(NULL);
}
