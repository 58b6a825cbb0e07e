/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much a key may use in a span of time. Each limit is a token bucket: `most` in each period,
 * refilled evenly, so that what was not used can be used at once later. */
#ifndef SERVER_QUOTA_H
#define SERVER_QUOTA_H

#include "base/slice.h"
#include "base/status.h"

/* In the order of a record: never change it, new ones go behind. */
enum quota_kind {
    QUOTA_REQUESTS,       // of any kind
    QUOTA_SESSIONS_HOUR,  // sessions started
    QUOTA_SESSIONS_DAY,
    QUOTA_ITEMS_DAY,  // questions asked
    N_QUOTA,
    QUOTA_KEPT = QUOTA_SESSIONS_HOUR  // the first that outlives a restart
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
    bool changed;  // since it was written, in what outlives a restart
};

/* The name of a limit in a certificate and in the configuration, and what it may be. */
const char *quota_name(enum quota_kind kind);
enum { QUOTA_MOST = 1000000000 };

/* How long until `n` more may be used, in milliseconds; 0: now. Nothing is used by asking. */
int64_t quota_wait_ms(const struct quota *quota, enum quota_kind kind, double n, int64_t now_us);

/* Use `n`, whether or not they are there: what is begun is not broken off. */
void quota_use(struct quota *quota, enum quota_kind kind, double n, int64_t now_us);

/* Other limits from now on. What was used stays, but no more of it than a limit that is another
 * now: then the wait is one period at most. */
void quota_limit(struct quota *quota, const struct quota_limits *limits);

/* What outlives a restart: the hours' and the days' limits and what is used of them; requests by
 * the second are back before anybody comes. A record, big-endian, doubles by their bits:
 *
 *   | wall_ms 8 | for each kind but QUOTA_REQUESTS: most 8 | used 8 |
 *
 * What comes back meanwhile is reckoned by the wall's clock, `wall_ms` in milliseconds since 1970.
 * Where that has gone back nothing came back, and what was used stands as it was written: nobody
 * waits longer than then. Where it has gone forward all may have come back, once. */
void quota_write(const struct quota *quota, int64_t now_us, int64_t wall_ms, struct buf *out);
/* Limits too are those of the record; those that hold are for quota_limit(). A record of a time to
 * come makes a quota that has `changed`: so it is of the present before the next start. CORRUPT:
 * no record; *out is as it was. */
MUST_CHECK enum status quota_read(struct slice record, int64_t now_us, int64_t wall_ms,
                                  struct quota *out);
/* Whether something of that is used. */
bool quota_is_used(const struct quota *quota, int64_t now_us);

#endif
