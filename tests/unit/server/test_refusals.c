/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/refusals.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { MINUTE_US = 60 * 1000 * 1000 };

Test(refusals, tells_of_a_name_once_a_minute)
{
    static struct refusals refusals;
    uint64_t n = 99;

    cr_expect(refusals_add(&refusals, "a", 5, &n));
    cr_expect_eq(n, 0);
    for (int i = 0; i < 7; i++) cr_expect_not(refusals_add(&refusals, "a", 6 + i, &n));
    cr_expect(refusals_add(&refusals, "b", 20, &n));
    cr_expect_eq(n, 0);
    cr_expect_not(refusals_add(&refusals, "a", 4 + MINUTE_US, &n));
    cr_expect(refusals_add(&refusals, "a", 5 + MINUTE_US, &n));
    cr_expect_eq(n, 8);
    cr_expect_not(refusals_add(&refusals, "a", 6 + MINUTE_US, &n));
    cr_expect(refusals_add(&refusals, "a", 5 + 2 * (int64_t)MINUTE_US, &n));
    cr_expect_eq(n, 1);
}

/* A flood of names takes no more room, and the newest are the ones that are known. */
Test(refusals, forgets_the_oldest)
{
    enum { N = 10 * REFUSALS_MOST, A_MINUTE = REFUSALS_LINES };
    static struct refusals refusals;
    char name[32];
    uint64_t n;

    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof(name), "n-%d", i);
        cr_expect(refusals_add(&refusals, name, i / A_MINUTE * (int64_t)MINUTE_US, &n));
    }
    for (int i = N - N % A_MINUTE; i < N; i++) {
        snprintf(name, sizeof(name), "n-%d", i);
        cr_expect_not(refusals_add(&refusals, name, N / A_MINUTE * (int64_t)MINUTE_US, &n), "%s",
                      name);
    }
    cr_expect(refusals_add(&refusals, "n-0", N / A_MINUTE * (int64_t)MINUTE_US, &n));
}

/* Who makes a new key for each connection has a new name each time. */
Test(refusals, tells_of_a_few_names_a_minute)
{
    static struct refusals refusals;
    char name[32];
    uint64_t n = 99;
    int n_told = 0;

    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "key-%d", i);
        n_told += refusals_add(&refusals, name, 1000 + i, &n);
    }
    cr_expect_eq(n_told, REFUSALS_LINES);
    cr_expect_not(refusals_add(&refusals, "another", 999 + MINUTE_US, &n));
    cr_expect(refusals_add(&refusals, "another", 1000 + MINUTE_US, &n));
    cr_expect_eq(n, 1001 - REFUSALS_LINES);
    cr_expect(refusals_add(&refusals, "one more", 1001 + MINUTE_US, &n));
    cr_expect_eq(n, 0);
}
