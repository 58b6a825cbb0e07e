/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions in the order of their ids: those in memory as a value from the loop, those of the
 * archive read by a helper, in one page. */
#ifndef SERVER_LISTING_H
#define SERVER_LISTING_H

#include "proto/reader.h"
#include "server/sessions.h"

enum { LISTING_MOST = 500, LISTING_DAMAGED = 64 };  // sessions in one page

/* Which sessions. */
struct listing_query {
    struct slice test, examinee;  // empty: any
    enum session_state state;     // SESSION_NEW: any
    struct slice after;           // ids behind this one, empty: all
    size_t limit;
};

/* Read the fields test, examinee, state, after and limit. What is wrong sticks to `in`. */
void listing_read_query(struct reader *in, struct listing_query *out);

struct listed {
    char session[LIMIT_ID + 1], test[LIMIT_ID + 1];
    char examinee[LIMIT_ID + 1], group[LIMIT_ID + 1];  // group "": none
    int64_t started_ms;
    uint32_t n_asked, n_pending;
    enum session_state state;
    bool is_hidden;  // not asked for, but the archive may have it in a state that was
};

/* In the loop: what memory has of the page, as bytes that never leave the process. A failure sticks
 * to `out`. It looks at every session in memory once; NULL: at none. */
void listing_gather(const struct sessions *sessions, struct slice tenant,
                    const struct listing_query *query, struct buf *out);

struct page {
    struct listed rows[LISTING_MOST];
    size_t n;
    char damaged[LISTING_DAMAGED][LIMIT_ID + 1];  // sessions that cannot be read
    size_t n_damaged;
    char next[LIMIT_ID + 1];  // there may be more behind this id, "" where there is not
};

/* In a helper: the page. At most so many archived sessions are looked at that others who wait for
 * the helper do not wait long; the page then ends early. CORRUPT, NO_MEMORY. */
MUST_CHECK enum status listing_page(struct env *env, const struct listing_query *query,
                                    struct slice gathered, struct page *out);

/* The same of the shared store, which has all sessions. RETRY where it does not answer. */
struct shared;
MUST_CHECK enum status listing_shared(struct shared *shared, const struct listing_query *query,
                                      struct slice gathered, struct page *out);

#endif
