/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/rng.h"
#include "bench/load/histogram.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

enum { N = 20011, SMALL = 100 };

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The definition: the smallest value that a share q of all does not exceed. */
static int64_t quantile_by_sorting(int64_t *values, size_t n, double q)
{
    size_t rank = (size_t)ceil(q * (double)n);

    qsort(values, n, sizeof(*values), compare);
    return values[rank > 0 ? rank - 1 : 0];
}

Test(histogram, small_times_are_exact)
{
    static struct histogram histogram;

    for (int64_t ns = 1; ns <= SMALL; ns++) histogram_add(&histogram, ns);
    cr_assert_eq(histogram_quantile(&histogram, 0.5), 50);
    cr_assert_eq(histogram_quantile(&histogram, 0.9), 90);
    cr_assert_eq(histogram_quantile(&histogram, 0.99), 99);
    cr_assert_eq(histogram_quantile(&histogram, 1.0), SMALL);
    cr_assert_eq(histogram_quantile(&histogram, 0.0), 1);
}

/* Times over eight orders of magnitude: never below the true quantile, and within 1 / 128 of it. */
Test(histogram, quantiles_are_those_of_the_sorted_times)
{
    static const double shares[] = {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0};
    static struct histogram histogram;
    static int64_t values[N];

    for (size_t i = 0; i < N; i++) {
        values[i] = (int64_t)pow(10.0, 2.0 + 8.0 * rng_uniform(5, i));
        histogram_add(&histogram, values[i]);
    }
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        int64_t exact = quantile_by_sorting(values, N, shares[i]);
        int64_t found = histogram_quantile(&histogram, shares[i]);

        cr_assert_geq(found, exact, "%g", shares[i]);
        cr_assert_leq((double)found, (double)exact * (1.0 + 1.0 / 128), "%g", shares[i]);
    }
    cr_assert_eq(histogram.max_ns, values[N - 1]);
    cr_assert_eq(histogram.n, N);
}

Test(histogram, every_bucket_holds_its_own_times)
{
    for (unsigned bit = 0; bit < 42; bit++) {
        static struct histogram histogram;
        int64_t ns = (int64_t)1 << bit;

        histogram = (struct histogram){0};
        histogram_add(&histogram, ns);
        histogram_add(&histogram, 2 * ns);  // so that the greatest of all does not hide the bucket
        cr_assert_geq(histogram_quantile(&histogram, 0.5), ns, "2^%u", bit);
        cr_assert_lt(histogram_quantile(&histogram, 0.5), ns + ns / 128 + 1, "2^%u", bit);
    }
}

Test(histogram, times_out_of_range_count)
{
    static struct histogram histogram;

    histogram_add(&histogram, -385);
    histogram_add(&histogram, INT64_MAX);
    cr_assert_eq(histogram.n, 2);
    cr_assert_eq(histogram_quantile(&histogram, 0.5), 0);
    cr_assert_eq(histogram_quantile(&histogram, 1.0), INT64_MAX);
}

Test(histogram, of_nothing)
{
    static struct histogram histogram;

    cr_assert_eq(histogram_quantile(&histogram, 0.99), 0);
}
