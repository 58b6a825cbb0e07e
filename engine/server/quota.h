/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much a key may use in a span of time. Each limit is a token bucket: `most` in each period,
 * refilled evenly, so that what was not used can be used at once later. */
#ifndef SERVER_QUOTA_H
#define SERVER_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

enum quota_kind {
    QUOTA_REQUESTS,       // of any kind
    QUOTA_SESSIONS_HOUR,  // sessions started
    QUOTA_SESSIONS_DAY,
    QUOTA_ITEMS_DAY,  // questions asked
    N_QUOTA
};

struct quota_limits {
    int64_t most[N_QUOTA];  // 0: no limit
};

/* Starts from {0} with its limits: full buckets. */
struct quota {
    struct quota_limits limits;
    struct quota_bucket {
        double used;
        int64_t us;
    } bucket[N_QUOTA];
};

/* The name of a limit in a certificate and in the configuration, and what it may be. */
const char *quota_name(enum quota_kind kind);
enum { QUOTA_MOST = 1000000000 };

/* How long until `n` more may be used, in milliseconds; 0: now. Nothing is used by asking. */
int64_t quota_wait_ms(const struct quota *quota, enum quota_kind kind, double n, int64_t now_us);

/* Use `n`, whether or not they are there: what is begun is not broken off. */
void quota_use(struct quota *quota, enum quota_kind kind, double n, int64_t now_us);

#endif
