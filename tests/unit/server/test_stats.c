/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/macros.h"
#include "server/stats.h"
#include "tests/support/dice.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static int by_value(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

    return a < b ? -1 : a > b;
}

/* The smallest value that a share q of the sorted values does not exceed. */
static uint64_t exact_quantile(const uint64_t *sorted, size_t n, double q)
{
    size_t rank = (size_t)ceil(q * (double)n);

    return sorted[rank > 0 ? rank - 1 : 0];
}

static void expect_quantiles(uint64_t *values, size_t n)
{
    static const double shares[] = {0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0};
    struct latency latency = {0};

    for (size_t i = 0; i < n; i++) latency_add(&latency, (int64_t)values[i]);
    qsort(values, n, sizeof(*values), by_value);
    for (size_t s = 0; s < sizeof(shares) / sizeof(shares[0]); s++) {
        uint64_t want = exact_quantile(values, n, shares[s]);
        uint64_t got = latency_quantile(&latency, shares[s]);

        cr_expect(got >= want && got <= want + want / 8, "%zu values, %g: %llu, exactly %llu", n,
                  shares[s], (unsigned long long)got, (unsigned long long)want);
    }
    cr_expect_eq(latency.max_us, values[n - 1]);
    cr_expect_eq(latency_quantile(&latency, 1.0), values[n - 1]);
}

Test(stats, quantiles_are_right_within_an_eighth)
{
    static uint64_t values[20000];
    static const size_t sizes[] = {1, 2, 7, 100, 20000};
    struct dice dice = dice_new("stats", 20240917);

    for (size_t round = 0; round < 40; round++) {
        size_t n = sizes[round % 5];

        for (size_t i = 0; i < n; i++)
            values[i] = (uint64_t)exp2(dice_between(&dice, 0.0, round < 20 ? 40.0 : 12.0));
        expect_quantiles(values, n);
    }
}

Test(stats, small_values_are_exact)
{
    for (int64_t us = 0; us < 16; us++) {
        struct latency latency = {0};

        latency_add(&latency, us);
        latency_add(&latency, 1000);
        cr_expect_eq(latency_quantile(&latency, 0.5), (uint64_t)us);
    }
}

Test(stats, takes_any_value)
{
    struct latency latency = {0};

    cr_expect_eq(latency_quantile(&latency, 0.5), 0);
    latency_add(&latency, -5);
    cr_expect_eq(latency_quantile(&latency, 1.0), 0);
    latency_add(&latency, INT64_MAX);
    cr_expect_eq(latency_quantile(&latency, 0.5), 0);
    cr_expect_eq(latency_quantile(&latency, 1.0), (uint64_t)INT64_MAX);
}

Test(stats, counts_below_a_power_of_two)
{
    static const int64_t values[] = {0, 7, 8, 9, 15, 16, 63, 64, 65, 1000, 1023, 1024, 1 << 22};
    struct latency latency = {0};
    uint64_t sum = 0;

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        latency_add(&latency, values[i]);
        sum += (uint64_t)values[i];
    }
    for (unsigned log2 = 3; log2 < 40; log2++) {
        uint64_t below = 0;

        for (size_t i = 0; i < COUNT_OF(values); i++) below += values[i] < (int64_t)1 << log2;
        cr_expect_eq(latency_below(&latency, log2), below, "2^%u", log2);
    }
    cr_expect_eq(latency_n(&latency), COUNT_OF(values));
    cr_expect_eq(latency.sum_us, sum);
}

Test(stats, counts_replies_by_op_and_code)
{
    static struct stats stats;

    stats_reply(&stats, 2, OK);
    stats_reply(&stats, 2, BUSY);
    stats_reply(&stats, STATS_NO_OP, UNKNOWN_OP);
    stats_reply(&stats, 3, IO_ERROR);
    cr_expect_eq(stats.replies[2][OK], 1);
    cr_expect_eq(stats.replies[2][BUSY], 1);
    cr_expect_eq(stats.replies[STATS_NO_OP][UNKNOWN_OP], 1);
    cr_expect_eq(stats.replies[3][INTERNAL], 1);
    cr_expect_eq(stats.errors, 3);
    cr_expect_eq(stats.busy, 1);
}
