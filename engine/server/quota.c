/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/quota.h"
#include "base/bytes.h"
#include "num/elementary.h"

#include <math.h>

enum { VALUE = 8 };

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
    if (kind >= QUOTA_KEPT) quota->changed = true;
}

void quota_limit(struct quota *quota, const struct quota_limits *limits)
{
    for (int kind = 0; kind < N_QUOTA; kind++) {
        double whole = (double)limits->most[kind] * rows[kind].burst;

        if (limits->most[kind] == quota->limits.most[kind]) continue;
        if (quota->bucket[kind].used <= whole) continue;
        quota->bucket[kind].used = whole;
        if (kind >= QUOTA_KEPT) quota->changed = true;
    }
    quota->limits = *limits;
}

void quota_write(const struct quota *quota, int64_t now_us, int64_t wall_ms, struct buf *out)
{
    uint8_t bytes[VALUE + 2 * VALUE * (N_QUOTA - QUOTA_KEPT)], *at = bytes;

    bytes_put_u64(at, (uint64_t)wall_ms);
    for (int kind = QUOTA_KEPT; kind < N_QUOTA; kind++) {
        bytes_put_u64(at += VALUE, (uint64_t)quota->limits.most[kind]);
        bytes_put_u64(at += VALUE, num_bits(used(quota, (enum quota_kind)kind, now_us)));
    }
    buf_append(out, bytes, sizeof(bytes));
}

/* A kind's part of a record of which so much time has gone by. */
static bool read_kind(const uint8_t *at, double elapsed_us, int64_t now_us, enum quota_kind kind,
                      struct quota *quota)
{
    uint64_t most = bytes_get_u64(at);
    double was = num_of_bits(bytes_get_u64(at + VALUE)), left;

    if (most > QUOTA_MOST || !isfinite(was) || was < 0) return false;
    quota->limits.most[kind] = (int64_t)most;
    left = most > 0 ? was - elapsed_us * refill(quota, kind) : 0;
    quota->bucket[kind] = (struct quota_bucket){left > 0 ? left : 0, now_us};
    return true;
}

/* A newer program's record may have more kinds, an older one's fewer. */
enum status quota_read(struct slice record, int64_t now_us, int64_t wall_ms, struct quota *out)
{
    struct quota quota = {0};
    size_t n = record.n / (2 * (size_t)VALUE);
    double elapsed_ms;

    if (record.n % (2 * (size_t)VALUE) != VALUE) return CORRUPT;
    elapsed_ms = (double)wall_ms - (double)(int64_t)bytes_get_u64(record.data);
    quota.changed = elapsed_ms < 0;
    if (elapsed_ms < 0) elapsed_ms = 0;
    for (size_t i = 0; i < n && QUOTA_KEPT + i < N_QUOTA; i++) {
        const uint8_t *at = record.data + VALUE + i * 2 * VALUE;

        if (!read_kind(at, elapsed_ms * 1000, now_us, (enum quota_kind)(QUOTA_KEPT + i), &quota)) {
            return CORRUPT;
        }
    }
    *out = quota;
    return OK;
}

bool quota_is_used(const struct quota *quota, int64_t now_us)
{
    for (int kind = QUOTA_KEPT; kind < N_QUOTA; kind++) {
        if (used(quota, (enum quota_kind)kind, now_us) > 0) return true;
    }
    return false;
}
