/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/macros.h"
#include "server/quota.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

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

enum { MINUTE_MS = 60000, DAY_MS = 86400000 };

static const int64_t wall_ms = 1795339807000;

/* What a daemon finds that starts when its wall's clock says `at_ms`, of what one wrote when that
 * said wall_ms. The other clock began anew. */
static struct quota restart(const struct quota *quota, int64_t now_us, int64_t at_ms)
{
    struct buf record = {0};
    struct quota out = {0};

    quota_write(quota, now_us, wall_ms, &record);
    cr_assert_eq(quota_read(buf_slice(&record), start_us, at_ms, &out), OK);
    buf_done(&record);
    return out;
}

/* The hours' and the days' limits go on as if nothing had been; a burst of requests is there
 * again. */
Test(quota, outlives_a_restart)
{
    struct quota before = {.limits.most = {20, 60, 100, 7}}, after;

    for (int kind = 0; kind < N_QUOTA; kind++) use_all(&before, (enum quota_kind)kind, start_us);
    cr_expect(before.changed);
    after = restart(&before, start_us + 90 * (int64_t)SECOND, wall_ms + 3 * MINUTE_MS);
    cr_expect_not(after.changed);
    cr_expect(quota_is_used(&after, start_us));
    after.limits.most[QUOTA_REQUESTS] = 20;
    for (int kind = 0; kind < N_QUOTA; kind++) {
        int64_t want =
            quota_wait_ms(&before, (enum quota_kind)kind, 5, start_us + 270 * (int64_t)SECOND);

        if (kind != QUOTA_REQUESTS) cr_expect_gt(want, 0);
        cr_expect_eq(after.limits.most[kind], before.limits.most[kind]);
        cr_expect_leq(llabs(quota_wait_ms(&after, (enum quota_kind)kind, 5, start_us) - want), 1);
    }
}

/* Of a day's quota that is used up, by how far the wall's clock went on meanwhile. */
Test(quota, no_jump_of_the_wall_clock_locks_out_or_gives_more_than_once)
{
    static const struct {
        int64_t jump_ms;
        int left, changed;
    } row[] = {
        {-40LL * 365 * DAY_MS, 0, 1},
        {-DAY_MS, 0, 1},
        {-1, 0, 1},
        {0, 0, 0},
        {DAY_MS / 4, 25, 0},
        {DAY_MS, 100, 0},
        {40LL * 365 * DAY_MS, 100, 0},
        {INT64_MAX - 1795339807000, 100, 0},
    };
    struct quota before = {.limits.most[QUOTA_ITEMS_DAY] = 100};

    use_all(&before, QUOTA_ITEMS_DAY, start_us);
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct quota after = restart(&before, start_us, wall_ms + row[i].jump_ms);

        cr_expect_leq(quota_wait_ms(&after, QUOTA_ITEMS_DAY, 100, start_us), DAY_MS, "row %zu", i);
        cr_expect_eq(after.changed, row[i].changed, "row %zu", i);
        cr_expect_eq(quota_is_used(&after, start_us), row[i].left < 100, "row %zu", i);
        cr_expect_eq(use_all(&after, QUOTA_ITEMS_DAY, start_us), row[i].left, "row %zu", i);
        cr_expect_eq(use_all(&after, QUOTA_ITEMS_DAY, start_us + 86400 * (int64_t)SECOND), 100);
    }
}

/* A lower limit is not waited for longer than its period, whatever was used of the higher one. */
Test(quota, other_limits_hold_at_once)
{
    static const struct quota_limits low = {{20, 60, 10, 0}}, high = {{20, 60, 1000, 1000}};
    struct quota quota = {.limits = high};

    quota_use(&quota, QUOTA_SESSIONS_DAY, 900, start_us);
    quota_use(&quota, QUOTA_ITEMS_DAY, 1300, start_us);
    quota.changed = false;
    quota_limit(&quota, &high);
    cr_expect_not(quota.changed);
    cr_expect_gt(quota_wait_ms(&quota, QUOTA_ITEMS_DAY, 1, start_us), DAY_MS / 4);
    cr_expect_eq(quota_wait_ms(&quota, QUOTA_SESSIONS_DAY, 101, start_us), DAY_MS / 1000);
    quota_limit(&quota, &low);
    cr_expect(quota.changed, "a limit that is lifted and set again begins anew");
    cr_expect_eq(quota_wait_ms(&quota, QUOTA_SESSIONS_DAY, 1, start_us), DAY_MS / 10);
    quota_limit(&quota, &high);
    cr_expect_eq(use_all(&quota, QUOTA_SESSIONS_DAY, start_us), 990);
    cr_expect_eq(use_all(&quota, QUOTA_ITEMS_DAY, start_us), 1000);
}

static enum status read_bytes(const struct buf *record, size_t n, struct quota *out)
{
    return quota_read(slice_of(record->data, n), start_us, wall_ms, out);
}

/* A part of a kind that is not there is none; one of a kind that is not known is left. */
Test(quota, records_may_be_of_other_versions)
{
    struct quota before = {.limits.most = {0, 60, 100, 7}}, after = {0};
    struct buf record = {0};

    use_all(&before, QUOTA_SESSIONS_HOUR, start_us);
    use_all(&before, QUOTA_SESSIONS_DAY, start_us);
    quota_write(&before, start_us, wall_ms, &record);
    cr_expect_eq(record.n, 56);
    cr_expect_eq(read_bytes(&record, 24, &after), OK);
    cr_expect_eq(use_all(&after, QUOTA_SESSIONS_HOUR, start_us), 0);
    cr_expect_eq(after.limits.most[QUOTA_SESSIONS_DAY], 0);
    buf_append(&record, "a kind more than now", 16);
    cr_expect_eq(read_bytes(&record, record.n, &after), OK);
    cr_expect_eq(use_all(&after, QUOTA_SESSIONS_DAY, start_us), 0);
    buf_done(&record);
}

Test(quota, what_is_no_record_is_refused)
{
    static const struct {
        size_t at;
        uint8_t bytes[8];
    } bad[] = {
        {8, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},  // most
        {8, {0, 0, 0, 0, 0x3b, 0x9a, 0xca, 0x01}},
        {16, {0x7f, 0xf8}},  // used: NaN,
        {16, {0x7f, 0xf0}},  // infinite,
        {48, {0xbf, 0xf0}},  // -1
    };
    struct quota before = {.limits.most = {0, 60, 100, 7}}, after = {.limits.most = {1}};
    struct buf record = {0};

    quota_write(&before, start_us, wall_ms, &record);
    for (size_t n = 0; n < record.n; n++) {
        if (n % 16 != 8) cr_expect_eq(read_bytes(&record, n, &after), CORRUPT, "%zu bytes", n);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        buf_clear(&record);
        quota_write(&before, start_us, wall_ms, &record);
        memcpy(record.data + bad[i].at, bad[i].bytes, 8);
        cr_expect_eq(read_bytes(&record, record.n, &after), CORRUPT, "row %zu", i);
    }
    cr_expect_eq(after.limits.most[QUOTA_REQUESTS], 1);
    buf_done(&record);
}
