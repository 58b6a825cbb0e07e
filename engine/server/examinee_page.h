/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sessions of one examinee, a page of them at a time: those that are in memory and the next part of
 * the archive, or those that a shared store has. */
#ifndef SERVER_EXAMINEE_PAGE_H
#define SERVER_EXAMINEE_PAGE_H

#include "proto/writer.h"
#include "server/sessions.h"

enum { PAGE_SESSIONS = 25, PAGE_BYTES = 1 << 18 };

struct tools;

/* A name in what goes from the loop to a helper or back: | length 1 | name |. */
void examinee_put_name(struct buf *out, struct slice name);
struct slice examinee_take_name(struct slice *rest);

/* For the helper: | tenant length 1 | tenant | length 1 | who asks | now_ms 8 | of each session in
 * memory: | name length 1 | name | number of events 4 | their numbers in the journal, 8 each |. The
 * second says how many sessions of the examinee are in memory; beyond EXAMINEE_MEMORY they are left
 * out. A failure sticks to `out`. */
enum { EXAMINEE_MEMORY = 64 };
void examinee_tell(struct slice tenant, struct slice who, int64_t now_ms, struct buf *out);
size_t examinee_tell_memory(const struct sessions *sessions, struct slice tenant,
                            struct slice examinee, struct buf *out);

/* A page in the making: in a helper. */
struct examinee_page {
    struct env *env;
    struct shared *shared;  // NULL: the events are in `env`
    struct slice tenant, examinee, who, memory;
    int64_t now_ms;
    struct decoder items;
    struct session_key after;  // the last session that was looked at
    struct buf events, bytes, out;
    struct writer writer;  // to `out`
    size_t n_session, n_looked;
    struct buf damaged;  // names of sessions that cannot be read, as MessagePack
    size_t n_damaged;
    /* Takes a session with its events, in the archive's form. CORRUPT: it is one of the damaged.
     * What else is not OK ends the page. */
    enum status (*take)(struct examinee_page *page, struct slice session, struct slice events);
    bool takes_damaged;   // those that are known to be the examinee's all the same
    const void *context;  // of `take`
    bool more;            // there may be sessions behind `after`
};

/* `told` is what the loop has told. NO_MEMORY. */
MUST_CHECK enum status examinee_page_init(struct examinee_page *page, struct tools *tools,
                                          struct slice told);
void examinee_page_done(struct examinee_page *page);

/* Take the sessions behind `after`; from the first one on where that is empty. RETRY where the
 * shared store does not answer; IO_ERROR, NO_MEMORY. */
MUST_CHECK enum status examinee_page_fill(struct examinee_page *page, struct slice examinee,
                                          struct slice after);

/* The event record in a value of a session's events. */
struct slice examinee_page_record(const struct examinee_page *page, uint64_t lsn,
                                  struct slice value);

#endif
