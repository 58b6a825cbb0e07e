/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the loop has under way at the shared store, and the requests that wait for it.
 *
 * A request that cannot go on is parked by its session and served again from its start when what it
 * waits for has come: its session's events, which are not in memory or may be newer than the copy
 * there; the end of a commit of that session; or, where the commit was refused because another node
 * was first, the events that it put there. It had no effect before, so serving it again is safe. A
 * request that has appended an event is parked with its reply, which goes out when the event is
 * durable. While a commit is under way the next events gather, so commits grow with load. */
#ifndef SERVER_DISTRICT_H
#define SERVER_DISTRICT_H

#include "server/config.h"
#include "server/hash.h"
#include "server/held.h"
#include "server/inbox.h"
#include "server/line.h"
#include "server/past.h"
#include "store/journal.h"

struct district;

enum group_state {
    GROUP_WANTED,
    GROUP_FETCHING,
    GROUP_BEHIND,  // wanted again, once the news that its session takes are here
    GROUP_GATHERED,
    GROUP_COMMITTING,
    GROUP_PUBLISHING,
    GROUP_READY,
};

/* One session that something is under way for; the authors of a tenant, who publish one after the
 * other, are a session without a name. */
struct group {
    struct session_key key;
    enum group_state state;
    uint32_t from;         // WANTED, FETCHING: the first event that is asked for
    bool confirms;         // WANTED, FETCHING: what is found is to be confirmed
    int64_t checked_us;    // when the last fetch that has come was handed over
    int64_t confirmed_us;  // and the last one that was confirmed
    enum status found;     // of that fetch: what is to be told of the session where it is not OK
    struct inbox parked;
    struct buf document;  // PUBLISHING: as line_put_document has it; empty: only news are awaited
    struct past *past;    // of the examinee of a session that is to be started, NULL: not asked for
    bool has_reply;       // of the first parked request: its reply stands in `reply`
    bool has_paid;        // and its key's limits were charged for it
    struct buf reply;
    struct held held;  // COMMITTING: what is to be counted when the event is there
    size_t end;        // GATHERED: behind its event in the batch
    bool lost;         // no room in the table
    struct group *prev, *next;
    UT_hash_handle hh;
};

/* Check the server at `url`; at most `n_most` requests may be parked. Errors as of shared_connect,
 * and NO_MEMORY. */
MUST_CHECK enum status district_open(const char *url, size_t n_most, struct district **out,
                                     struct fault *fault);
void district_close(struct district *district);  // NULL is fine

/* Start the lines; end them. NO_MEMORY where a line's thread or sockets cannot be had. */
MUST_CHECK enum status district_start(struct district *district, void *zmq_context);
void district_stop(struct district *district);
struct line *district_line(struct district *district, enum line_kind kind);

/* Whether the store did what it was asked last; it is asked for news all the time. */
bool district_is_up(const struct district *district);

/* What is under way for a session, NULL where nothing is. */
struct group *district_find(const struct district *district, struct slice tenant,
                            struct slice session);
/* The one whose requests are being served again, NULL where none are. */
struct group *district_serving(const struct district *district);

/* Ask for a session's events from number `from` on. `confirms`: a reply may rest on them alone, as
 * shared_confirm says; else only what is appended behind them. NULL without memory. */
struct group *district_want(struct district *district, struct slice tenant, struct slice session,
                            uint32_t from, bool confirms);

/* The same, all of them and confirmed, for the group whose requests are being served. */
void district_confirm(struct district *district, struct group *group);

/* The same for a session that is to be started, with the past of its examinee from that time on:
 * it is in group->past when the request is served again. */
struct group *district_want_past(struct district *district, const struct shared_want *want);

/* Have an event appended; its seal is made and goes to out_seal [SEAL_BYTES]. `event->seal` is not
 * read. NULL without memory. */
struct group *district_append(struct district *district, const struct shared_event *event,
                              uint8_t out_seal[SEAL_BYTES]);

/* Have a document published, for the authors of its tenant: when they are served again it has been,
 * or other news have come before it. NULL without memory. */
struct group *district_publish(struct district *district, const struct shared_document *document);

/* The news that this node has taken in. */
void district_set_known(struct district *district, const struct shared_news *known);
struct shared_news district_known(const struct district *district);
/* Whether there are newer ones. */
bool district_is_behind(const struct district *district);
/* Whether this node has taken in all that there was at that time. */
bool district_has_news_of(const struct district *district, int64_t time_us);
/* Ask for the next news, for requests of that tenant. NULL without memory. */
struct group *district_await_news(struct district *district, struct slice tenant);
/* Ask for news. */
void district_poll(struct district *district);
/* Counts of exposure to be shared: where to write them, NULL while the last are on their way; and
 * that there are `n` of them. */
struct buf *district_counts(struct district *district);
void district_share(struct district *district, size_t n);
/* The connection that is waited for: only while the daemon starts, and serves nobody. */
struct shared *district_shared(struct district *district);

/* Park a request with that group: the last, or where it was the first and is served again, as it
 * is. False without memory. */
MUST_CHECK bool district_park(struct district *district, struct group *group,
                              const struct message *message);
/* The same for one that has appended an event, with its reply for when that is durable. */
MUST_CHECK bool district_hold(struct district *district, struct group *group,
                              const struct message *message, struct slice reply,
                              const struct held *held);
/* Whether one more may be parked, by number and by bytes. */
bool district_has_room(const struct district *district);
bool district_is_idle(const struct district *district);  // nothing is under way, none are parked

/* Hand over what has gathered, where the lines are free. Whether anything was. */
bool district_send(struct district *district);

/* What the owner of the sessions does with what comes. */
struct district_hooks {
    /* An item is used up by the limit of the session's test. */
    void (*used)(void *context, const struct group *group, struct slice item);
    /* The end of a commit: the event is there, or else the copy is to be dropped. */
    void (*committed)(void *context, const struct group *group, bool taken);
    /* The events that were asked for, of those a session is; `rest` is theirs, for line_take_row
     * while the number is `i`. What is to be told of the session: OK, or NOT_FOUND where it has
     * none, or RETRY where it takes news that this node has not taken in. */
    enum status (*fetched)(void *context, const struct group *group, struct slice *rest, size_t i);
    void *context;
    /* The event of a request that was held is there: what it has done counts. */
    void (*done)(void *server, const struct group *group);
    /* The shared store has committed, so long after the events were handed over. */
    void (*timed)(void *server, int64_t took_us);
    /* News, with the bank that they are where they are one, which is taken over. False where this
     * node cannot go on. */
    bool (*news)(void *server, const struct shared_document *document, struct bank *made,
                 enum status made_status);
    /* Counts that were shared, or where it is not OK were not. */
    void (*counts)(void *server, enum status status, struct slice rest);
    void *server;
};
/* Take an answer of a line. False where there is none. */
bool district_take(struct district *district, enum line_kind kind,
                   const struct district_hooks *hooks);

/* The next group whose parked requests can go on, NULL where there is none. Its first request is to
 * be answered or served between the two calls that follow. */
struct group *district_next_ready(const struct district *district);
void district_begin(struct district *district, struct group *group);
/* `is_done`: the first request was answered, or is somebody else's now; else it is parked again. */
void district_end(struct district *district, bool is_done);

/* Every request that has waited since before `before_us`, of groups that are not ready: `refuse`
 * answers it, and it is dropped, its reply too. */
void district_drop_late(struct district *district, int64_t before_us,
                        void (*refuse)(void *context, const struct message *message),
                        void *context);

#endif
