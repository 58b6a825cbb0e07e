/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The live sessions: found by id, moved by events, rebuilt from the journal. */
#ifndef SERVER_SESSIONS_H
#define SERVER_SESSIONS_H

#include "server/district.h"
#include "server/exposure.h"
#include "server/registry.h"
#include "session/session.h"
#include "store/journal.h"

struct sessions;

/* One session in memory. */
struct live {
    struct session *session;
    const struct test_version *test;
    const struct bank_version *bank;
    struct slice tenant, id, examinee, group;  // point into the block; group empty: none
    struct exposed exposed;
    int64_t started_ms;  // of the server's clock
};

/* Where events are kept, by the name of its row; NULL where there is no such row. */
struct keeping;
const struct keeping *keeping_find(struct slice name);

struct sessions_config {
    struct env *env;
    struct journal *journal;
    struct registry *registry;
    struct exposure *exposure;
    const struct keeping *keeping;
    struct district *district;  // NULL unless the events are in a shared store
    struct batch *batch;        // for what is counted when they are there
    size_t max_live;
    int64_t idle_us;   // a session untouched for so long leaves memory
    uint64_t n_awake;  // events that a start steps before it is over; 0: 20,000
};

MUST_CHECK enum status sessions_new(const struct sessions_config *config, struct sessions **out);
void sessions_free(struct sessions *sessions);

/* Around each request: it came at `arrived_us`, and what its reply rests on. On a fetch, it has had
 * no effect and is to be served again when *out_group is ready, which is NULL where there was no
 * memory for one; on a commit, the reply is to go out when that is. */
enum rests { RESTS_ON_NOTHING, RESTS_ON_FETCH, RESTS_ON_COMMIT };
void sessions_begin(struct sessions *sessions, int64_t arrived_us);
enum rests sessions_rests(struct sessions *sessions, struct group **out_group);

/* The request that is being served waits for that group; NULL: there was no memory for it. */
MUST_CHECK enum status sessions_wait(struct sessions *sessions, struct group *group);

/* The id that the request was given when it had to wait before; it is to be served as that again,
 * for what it waited for is that session's. Empty where it has none. */
struct slice sessions_waited_as(const struct sessions *sessions, struct slice tenant);

/* What is to be done with what comes from the shared store. */
struct district_hooks sessions_hooks(struct sessions *sessions);

/* Replay the journal: all of it where a damaged record is met or a test counts its items' uses,
 * else as many sessions as have `n_awake` events; the others are asleep. A session that a damaged
 * record belongs to is refused from now on, and named in the log; the others are there. CORRUPT
 * with the record named in `fault` where it cannot be told whose it is, or where a sound one does
 * not replay. *out_n_event gets their number. */
MUST_CHECK enum status sessions_rebuild(struct sessions *sessions, int64_t now_us,
                                        uint64_t *out_n_event, struct fault *fault);

/* Bring sessions that are asleep into memory, until that took `n_event` events: for when there is
 * time. One that does not replay is refused from then on, and named in the log. */
void sessions_wake(struct sessions *sessions, int64_t now_us, uint64_t n_event);
/* Whether none is asleep. */
bool sessions_are_awake(const struct sessions *sessions);

/* The session of that name, from memory or the store. UNKNOWN_SESSION; CORRUPT where what is stored
 * of it is damaged; RETRY where the request rests on a fetch. */
MUST_CHECK enum status sessions_get(struct sessions *sessions, struct slice tenant, struct slice id,
                                    int64_t now_us, struct live **out);

/* Whether a session that was looked for and is unknown was there, and was erased: its id stays
 * taken. */
bool sessions_is_erased(struct sessions *sessions, struct slice tenant, struct slice id);

/* What is stored of a session is damaged: it is refused from now on, and named in the log once.
 * NO_MEMORY. */
MUST_CHECK enum status sessions_note_damaged(struct sessions *sessions, struct slice tenant,
                                             struct slice id);

/* What a start needs. */
struct start {
    struct slice tenant, id, examinee, group;
    struct test_version *test;
    struct bank_version *bank;
    const struct plan *plan;
};

/* Start a session; its records go to the batch. BUSY beyond max_live, EXHAUSTED, NO_MEMORY; RETRY
 * where the request rests on a fetch. Pre: none is asleep where the test asks what its examinee has
 * seen. */
MUST_CHECK enum status sessions_start(struct sessions *sessions, const struct start *start,
                                      struct event *event, struct batch *batch, int64_t now_us,
                                      struct live **out);

/* Move a session; its record goes to the batch. *out_changed says whether there was anything to
 * record. Errors as of session_step. */
MUST_CHECK enum status sessions_step(struct sessions *sessions, struct live *live,
                                     struct event *event, struct slice reason, struct batch *batch,
                                     bool *out_changed);

/* Once between two commits: write sessions that have ended or sat idle to the archive, at most
 * `n_most` of them, and let those leave memory that are there. */
MUST_CHECK enum status sessions_tidy(struct sessions *sessions, struct batch *batch, int64_t now_us,
                                     size_t n_most);

/* Trim the journal behind the oldest event that only it has, when all sessions have been looked at
 * for it; that takes several calls where there are thousands, of sessions or of events. Where that
 * event is far behind, its session is archived too, though it stays. Pre: the batch holds no
 * event. */
MUST_CHECK enum status sessions_trim(struct sessions *sessions, struct batch *batch);
/* Whether that has begun and not come to its end. */
bool sessions_trim_goes_on(const struct sessions *sessions);

/* Where a session's events stand, as a value for a helper: server/history.h reads it. A failure
 * sticks to `out`. */
void sessions_history(const struct live *live, struct buf *out);

/* The events of a session in memory: how many it has, and the numbers of those that the archive
 * does not have. They live until the next step. All 0 where the session is not in memory. Pre: it
 * is not asleep. */
struct session_events {
    uint32_t n_event, n_lsn;
    const uint64_t *lsn;
};
struct session_events sessions_events(const struct sessions *sessions, struct slice tenant,
                                      struct slice id);
/* Forget a session that is in memory: it is being erased. */
void sessions_forget(struct sessions *sessions, struct slice tenant, struct slice id);
/* Visit the sessions in memory, in no order; it matters only while some are asleep that those are
 * not. `is_ahead` says that the archive has an older state of
 * the session. */
void sessions_each(const struct sessions *sessions,
                   void (*visit)(void *context, const struct live *live, bool is_ahead),
                   void *context);

/* How many are in memory or asleep, and how many of those have ended. */
size_t sessions_n_ended(const struct sessions *sessions);
size_t sessions_n_live(const struct sessions *sessions);

#endif
