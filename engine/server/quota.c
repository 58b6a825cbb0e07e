/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/quota.h"

#include <math.h>

/* A limit by the second may be used for a burst of some seconds at once: clients come in waves, as
 * when a class starts. */
static const struct {
    const char *name;
    double period_s;
    double burst;  // how many periods' worth the bucket holds
} rows[N_QUOTA] = {
    [QUOTA_REQUESTS] = {"requests_per_second", 1, 5},
    [QUOTA_SESSIONS_HOUR] = {"sessions_per_hour", 3600, 1},
    [QUOTA_SESSIONS_DAY] = {"sessions_per_day", 86400, 1},
    [QUOTA_ITEMS_DAY] = {"items_per_day", 86400, 1},
};

const char *quota_name(enum quota_kind kind)
{
    return rows[kind].name;
}

/* Units that come back each microsecond. */
static double refill(const struct quota *quota, enum quota_kind kind)
{
    return (double)quota->limits.most[kind] / (rows[kind].period_s * 1e6);
}

static double used(const struct quota *quota, enum quota_kind kind, int64_t now_us)
{
    const struct quota_bucket *bucket = &quota->bucket[kind];
    double left = bucket->used - (double)(now_us - bucket->us) * refill(quota, kind);

    return left > 0 ? left : 0;
}

int64_t quota_wait_ms(const struct quota *quota, enum quota_kind kind, double n, int64_t now_us)
{
    double over;

    if (quota->limits.most[kind] == 0) return 0;
    over = used(quota, kind, now_us) + n - (double)quota->limits.most[kind] * rows[kind].burst;
    return over > 0 ? (int64_t)ceil(over / refill(quota, kind) / 1000) : 0;
}

void quota_use(struct quota *quota, enum quota_kind kind, double n, int64_t now_us)
{
    if (quota->limits.most[kind] == 0) return;
    quota->bucket[kind] = (struct quota_bucket){used(quota, kind, now_us) + n, now_us};
}
