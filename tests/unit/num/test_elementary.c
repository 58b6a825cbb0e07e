/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors in units of the last place of the exact value, which is the C library's in long double:
 * its own error is below 0.001 of that unit. */
#include "num/elementary.h"

#include "loops.h"
#include "tests/support/dice.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { N_RANDOM = 400000 };

/* The worst of many. */
struct worst {
    double ulp, x;
};

static double ulp_error(double got, long double want)
{
    int exponent;

    if (want == 0.0L) return got == 0.0 ? 0.0 : (double)INFINITY;
    frexpl(want, &exponent);
    if (exponent < -1021) exponent = -1021;  // of the smallest normal number
    return (double)(fabsl((long double)got - want) / ldexpl(1.0L, exponent - 53));
}

static void note(struct worst *worst, double x, double got, long double want)
{
    double ulp = ulp_error(got, want);

    if (isnan(ulp) || ulp > worst->ulp) *worst = (struct worst){.ulp = ulp, .x = x};
}

static void expect_within(const struct worst *worst, double ulp, const char *what)
{
    fprintf(stderr, "%s: at most %.4f ulp, at %.17g\n", what, worst->ulp, worst->x);
    cr_expect(worst->ulp <= ulp, "%s: %.4f ulp at %a", what, worst->ulp, worst->x);
}

/* A number of random sign whose exponent is uniform in [lo, hi). */
static double scattered(struct dice *dice, int lo, int hi)
{
    double m = dice_between(dice, 1.0, 2.0);
    int exponent = lo + (int)dice_below(dice, (size_t)(hi - lo));

    return ldexp(dice_chance(dice, 0.5) ? m : -m, exponent);
}

Test(elementary, exp_is_within_1_ulp)
{
    struct dice dice = dice_new("exp", 101);
    struct worst worst = {0};

    for (int i = 0; i < N_RANDOM; i++) {
        double wide = dice_between(&dice, -708.0, 709.0);
        double near = dice_between(&dice, -2.0, 2.0);
        double small = scattered(&dice, -1074, 9);
        double edge = ((int)dice_below(&dice, 2000) - 1000 + 0.5) * 0.69314718055994531;

        note(&worst, wide, num_exp(wide), expl(wide));
        note(&worst, near, num_exp(near), expl(near));
        note(&worst, small, num_exp(small), expl(small));
        edge = nextafter(edge, dice_between(&dice, -1e9, 1e9));
        note(&worst, edge, num_exp(edge), expl(edge));
    }
    expect_within(&worst, 1.0, "exp");
}

Test(elementary, exp_has_its_ends)
{
    static const double exact[] = {-708.0,    -707.999,   709.0, 708.9999,
                                   0x1p-1074, -0x1p-1074, 1e-300};

    cr_expect(num_exp(0.0) == 1.0 && num_exp(-0.0) == 1.0);
    for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
        cr_expect(ulp_error(num_exp(exact[i]), expl(exact[i])) <= 1.0, "exp(%g)", exact[i]);
    }
    cr_expect(num_exp(nextafter(-708.0, -INFINITY)) == 0.0);
    cr_expect(num_exp(-1e308) == 0.0 && num_exp(-(double)INFINITY) == 0.0);
    cr_expect(isinf(num_exp(nextafter(709.0, INFINITY))));
    cr_expect(isinf(num_exp(1e308)) && isinf(num_exp((double)INFINITY)));
}

Test(elementary, log_is_within_1_ulp)
{
    struct dice dice = dice_new("log", 103);
    struct worst worst = {0};

    for (int i = 0; i < N_RANDOM; i++) {
        double wide = fabs(scattered(&dice, -1022, 1024));
        double subnormal = fabs(scattered(&dice, -1074, -1022));
        double near = dice_between(&dice, 0.5, 2.0);
        double close = 1.0 + scattered(&dice, -52, -1);
        double edge = nextafter(0.70710678118654752, dice_between(&dice, 0.0, 2.0));

        note(&worst, wide, num_log(wide), logl(wide));
        note(&worst, subnormal, num_log(subnormal), logl(subnormal));
        note(&worst, near, num_log(near), logl(near));
        note(&worst, close, num_log(close), logl(close));
        note(&worst, edge, num_log(edge), logl(edge));
        edge = ldexp(edge, (int)dice_below(&dice, 2000) - 1000);
        note(&worst, edge, num_log(edge), logl(edge));
    }
    expect_within(&worst, 1.0, "log");
}

Test(elementary, log_has_its_ends)
{
    static const double ends[] = {0x1p-1074,     0x1.8p-1074,  DBL_MIN, 0x1.fffffffffffffp-1023,
                                  DBL_MAX,       0x1p-1000,    0.5,     2.0,
                                  1.0 + 0x1p-52, 1.0 - 0x1p-53};

    cr_expect(num_log(1.0) == 0.0);
    cr_expect(num_log(0.0) == -(double)INFINITY);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        cr_expect(ulp_error(num_log(ends[i]), logl(ends[i])) <= 1.0, "log(%a)", ends[i]);
    }
}

/* That of log, and half of the last addition. */
Test(elementary, log1p_is_within_1_4_ulp)
{
    struct dice dice = dice_new("log1p", 107);
    struct worst worst = {0};

    for (int i = 0; i < N_RANDOM; i++) {
        double t = dice_between(&dice, 0.0, 1.0);
        double small = fabs(scattered(&dice, -1074, 0));
        double tail = fabs(scattered(&dice, -60, -40));

        note(&worst, t, num_log1p(t), log1pl(t));
        note(&worst, small, num_log1p(small), log1pl(small));
        note(&worst, tail, num_log1p(tail), log1pl(tail));
    }
    note(&worst, 1.0, num_log1p(1.0), log1pl(1.0L));
    cr_expect(num_log1p(0.0) == 0.0);
    expect_within(&worst, 1.4, "log1p");
}

/* Above 0.25 the subtraction costs two bits; just below it the series ends 5 ulp short. */
Test(elementary, one_minus_exp_is_within_6_ulp)
{
    struct dice dice = dice_new("one_minus_exp", 109);
    struct worst worst = {0};

    for (int i = 0; i < N_RANDOM; i++) {
        double x = dice_between(&dice, 0.0, 1.0);
        double small = fabs(scattered(&dice, -1074, 0));
        double large = dice_between(&dice, 0.25, 800.0);
        double edge = nextafter(0.25, dice_between(&dice, 0.0, 0.5));

        note(&worst, x, num_one_minus_exp(x), -expm1l(-(long double)x));
        note(&worst, small, num_one_minus_exp(small), -expm1l(-(long double)small));
        note(&worst, large, num_one_minus_exp(large), -expm1l(-(long double)large));
        note(&worst, edge, num_one_minus_exp(edge), -expm1l(-(long double)edge));
    }
    expect_within(&worst, 6.0, "one_minus_exp");
}

Test(elementary, logistic_is_right_on_both_sides)
{
    struct dice dice = dice_new("logistic", 113);
    struct worst worst_u = {0}, worst_v = {0}, worst_log = {0};

    for (int i = 0; i < N_RANDOM; i++) {
        double z = i % 2 ? dice_between(&dice, -700.0, 700.0) : scattered(&dice, -60, 6);
        struct logistic l = num_logistic(z), mirrored = num_logistic(-z);

        note(&worst_u, z, l.u, 1.0L / (1.0L + expl(-(long double)z)));
        note(&worst_v, z, l.v, 1.0L / (1.0L + expl(z)));
        note(&worst_log, z, num_log_logistic(z),
             z < 0.0 ? z - log1pl(expl(z)) : -log1pl(expl(-(long double)z)));
        cr_assert(l.u == mirrored.v && l.v == mirrored.u, "z = %a", z);
    }
    expect_within(&worst_u, 3.0, "logistic");
    expect_within(&worst_v, 3.0, "logistic of -z");
    expect_within(&worst_log, 3.0, "log of the logistic");
}

Test(elementary, logistic_has_its_ends)
{
    struct logistic l = num_logistic(12000.0);

    cr_expect(l.u == 1.0 && l.v == 0.0);
    l = num_logistic(-12000.0);
    cr_expect(l.u == 0.0 && l.v == 1.0);
    l = num_logistic(0.0);
    cr_expect(l.u == 0.5 && l.v == 0.5);
    cr_expect(num_log_logistic(-12000.0) == -12000.0);
    cr_expect(num_log_logistic(12000.0) == 0.0);
}

/* Arguments of all sizes, the ends among them. */
static void fill(struct dice *dice, double *x, size_t n)
{
    static const double ends[] = {0.0,   -0.0,   -708.0,    709.0,  -709.0,    710.0,
                                  1e308, -1e308, 0x1p-1074, -745.2, 0x1p-1030, 1.0};

    for (size_t i = 0; i < n; i++) {
        size_t kind = dice_below(dice, 4);

        if (kind == 0)
            x[i] = scattered(dice, -1074, 1024);
        else if (kind == 1)
            x[i] = dice_of(dice, ends, sizeof(ends) / sizeof(ends[0]));
        else
            x[i] = dice_between(dice, -30.0, 30.0);
    }
}

typedef void (*loop)(const double *restrict x, size_t n, double *restrict out);

static void compare_loops(const char *what, loop one, loop other)
{
    enum { N = 100003 };
    struct dice dice = dice_new(what, 127);
    double *x = calloc(3 * N, sizeof(*x)), *a = x + N, *b = a + N;

    cr_assert(x);
    fill(&dice, x, N);
    if (strcmp(what, "log") == 0) {
        for (size_t i = 0; i < N; i++) x[i] = fabs(x[i]);
    }
    one(x, N, a);
    other(x, N, b);
    for (size_t i = 0; i < N; i++) {
        if (num_bits(a[i]) != num_bits(b[i]))
            cr_assert_fail("%s(%a): %a, %a", what, x[i], a[i], b[i]);
    }
    free(x);
}

static void compare_all(const struct loops *one, const struct loops *other)
{
    compare_loops("exp", one->exp, other->exp);
    compare_loops("log", one->log, other->log);
    compare_loops("logistic", one->logistic, other->logistic);
    compare_loops("log_logistic", one->log_logistic, other->log_logistic);
}

Test(elementary, a_lane_of_a_vector_has_the_bits_of_the_scalar)
{
    compare_all(&loops_scalar, &loops_vector);
}

Test(elementary, a_lane_of_a_wide_vector_has_the_bits_of_the_scalar)
{
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        compare_all(&loops_scalar, &loops_wide);
    else
        fprintf(stderr, "skipped: this processor has no AVX2\n");
}
