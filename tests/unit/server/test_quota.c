/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/quota.h"

#include <criterion/criterion.h>

enum { SECOND = 1000000 };

static const int64_t start_us = 123456789;

/* How many can be used one after the other at a time. */
static int use_all(struct quota *quota, enum quota_kind kind, int64_t now_us)
{
    int n = 0;

    for (; n < 100000 && quota_wait_ms(quota, kind, 1, now_us) == 0; n++)
        quota_use(quota, kind, 1, now_us);
    return n;
}

Test(quota, no_limit_is_never_used_up)
{
    struct quota quota = {0};

    for (int kind = 0; kind < N_QUOTA; kind++)
        cr_expect_eq(use_all(&quota, (enum quota_kind)kind, start_us), 100000);
}

/* A burst of five seconds' worth, then as many as come back. */
Test(quota, requests_come_back_by_the_second)
{
    struct quota quota = {.limits.most[QUOTA_REQUESTS] = 20};

    cr_expect_eq(use_all(&quota, QUOTA_REQUESTS, start_us), 100);
    cr_expect_eq(quota_wait_ms(&quota, QUOTA_REQUESTS, 1, start_us), 50);
    cr_expect_eq(use_all(&quota, QUOTA_REQUESTS, start_us + SECOND / 2), 10);
    cr_expect_eq(use_all(&quota, QUOTA_REQUESTS, start_us + 3 * SECOND / 2), 20);
    cr_expect_eq(use_all(&quota, QUOTA_REQUESTS, start_us + (int64_t)86400 * SECOND), 100);
}

Test(quota, sessions_come_back_over_the_hour)
{
    struct quota quota = {.limits.most[QUOTA_SESSIONS_HOUR] = 60};

    cr_expect_eq(use_all(&quota, QUOTA_SESSIONS_HOUR, start_us), 60);
    cr_expect_eq(quota_wait_ms(&quota, QUOTA_SESSIONS_HOUR, 1, start_us), 60000);
    cr_expect_eq(use_all(&quota, QUOTA_SESSIONS_HOUR, start_us + 59 * (int64_t)SECOND), 0);
    cr_expect_eq(use_all(&quota, QUOTA_SESSIONS_HOUR, start_us + 60 * (int64_t)SECOND), 1);
}

/* The wait that is told is enough, and not a second too long. */
Test(quota, waits_are_right)
{
    struct quota quota = {.limits.most[QUOTA_ITEMS_DAY] = 7};
    int64_t wait_ms;

    use_all(&quota, QUOTA_ITEMS_DAY, start_us);
    wait_ms = quota_wait_ms(&quota, QUOTA_ITEMS_DAY, 1, start_us);
    cr_expect_eq(wait_ms, 12342858);
    cr_expect_eq(quota_wait_ms(&quota, QUOTA_ITEMS_DAY, 1, start_us + wait_ms * 1000), 0);
    cr_expect_gt(quota_wait_ms(&quota, QUOTA_ITEMS_DAY, 1, start_us + wait_ms * 1000 - SECOND), 0);
}

/* What is begun may go over the limit, and has to come back first. */
Test(quota, can_be_overdrawn)
{
    struct quota quota = {.limits.most[QUOTA_ITEMS_DAY] = 10};

    quota_use(&quota, QUOTA_ITEMS_DAY, 30, start_us);
    cr_expect_eq(quota_wait_ms(&quota, QUOTA_ITEMS_DAY, 1, start_us), 181440000);
}

/* One kind's use is not another's. */
Test(quota, kinds_are_apart)
{
    struct quota quota = {.limits.most = {1, 2, 3, 4}};
    static const int want[N_QUOTA] = {5, 2, 3, 4};

    for (int kind = 0; kind < N_QUOTA; kind++)
        cr_expect_eq(use_all(&quota, (enum quota_kind)kind, start_us), want[kind]);
}
