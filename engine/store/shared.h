/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shared store of a district: PostgreSQL, with the events of all sessions, for any number of
 * nodes. store/shared_schema.c has its tables. A session's next event is taken by whoever puts it
 * there first: the key (tenant, session, n) decides.
 *
 * Each thread has a connection of its own. Calls wait, for seconds at the most; where the server
 * cannot be reached or falls silent they say IO_ERROR, and the next one connects again. */
#ifndef STORE_SHARED_H
#define STORE_SHARED_H

#include "base/limits.h"
#include "store/env.h"
#include "store/pg.h"

/* The version of its tables. An older one is brought up to date by `theta district upgrade`, a
 * newer one is refused. */
enum { SHARED_FORMAT = 4, SHARED_KEY = 32 };

struct shared {
    struct pg pg;
    char url[512];
    uint8_t key[SHARED_KEY];  // of the seals, once it has been connected to
    bool listens;             // it is to be told by the server when a document is published
    bool has_read;            // something that was not confirmed since
    struct buf param[PG_PARAMS];
    PGresult *kept;      // what the last document points into
    struct fault fault;  // of the last call that failed and has no `fault` of its own
};

/* No connection yet. `quit` (NULL: never) ends every wait when it is set. */
void shared_init(struct shared *shared, const char *url, const atomic_bool *quit);
void shared_done(struct shared *shared);

/* Connect where there is no connection; what can be read then is on the standby's disk too.
 * IO_ERROR where there is no server, or not the standby that it has to have. BAD_REQUEST, with its
 * name in `fault`, where a setting of the server would let it lose what it has said to have kept;
 * CORRUPT where its tables are not there, or not of this version. */
MUST_CHECK enum status shared_connect(struct shared *shared, struct fault *fault);

/* Find out whether what was read on this connection still stood when that was done: every answer
 * that somebody was told of until then was to be seen. IO_ERROR: nobody knows, and nothing may be
 * told that rests on those reads alone; there is no connection any more, and another would not tell
 * of these. */
MUST_CHECK enum status shared_confirm(struct shared *shared, struct fault *fault);

/* Make the tables in an empty database: EXISTS where they are there, BAD_REQUEST as of
 * shared_connect. Bring older ones up to date: *out_from gets the version that was there, CORRUPT
 * where it is none that this program knows. IO_ERROR; all with a text in `fault`. Either is done as
 * a whole or not at all. */
MUST_CHECK enum status shared_create(const char *url, struct fault *fault);
MUST_CHECK enum status shared_upgrade(const char *url, int64_t *out_from, struct fault *fault);

/* What is told with everything that is read or written: the number of the newest document, and of
 * the newest one that withdraws an item. */
struct shared_news {
    uint64_t newest, retired;
};

/* One event as it stands there. The slices are the caller's. */
struct shared_event {
    struct slice tenant, session;
    uint32_t n;           // of its session, from 0
    const uint8_t *seal;  // [SEAL_BYTES]
    struct slice record;
    /* To append a start: whose it is, and which of the examinee's sessions it has to be, from 1 on;
     * 0: whichever is next. */
    struct slice examinee;
    uint32_t sitting;
    /* To append one that asks an item which may be asked so often in all sessions of the test:
     * store/shared_uses.h; 0: as often as one likes. */
    struct slice test, bank, item;
    uint32_t most;
};

/* What became of an event that was to be put there. */
enum shared_fate {
    SHARED_REFUSED,
    SHARED_TAKEN,     // it is there now, durably
    SHARED_LAST_USE,  // it is too, and its item has been asked as often as it may be
};

/* The seal of an event, with the district's key. */
void shared_seal(const uint8_t key[SHARED_KEY], const struct shared_event *event,
                 uint8_t out_seal[SEAL_BYTES]);

/* Put events there, all that can be: one whose place is taken is left out, or whose item has been
 * asked as often as it may be, and all are where `retired` is not the newest number any more.
 * out_fate [n] says what became of each. IO_ERROR: some may be there, now or in a moment. */
MUST_CHECK enum status shared_append(struct shared *shared, const struct shared_event *events,
                                     size_t n, uint64_t retired, enum shared_fate *out_fate,
                                     struct shared_news *out);

/* A session whose events from number `from` on are asked for. For one that is to be started the
 * earlier sessions of its examinee may be asked for too (server/past.h): those with that bank that
 * had an event since. */
struct shared_want {
    struct slice tenant, session;
    uint32_t from;
    struct slice examinee, bank;  // examinee empty: they are not
    int64_t since_ms;
};

/* Read the events of sessions. `visit` gets them in order, with the number i of the want. CORRUPT
 * where a seal does not hold: `visit` gets it as that event's status. */
struct shared_visitor {
    void (*visit)(void *context, size_t i, const struct shared_event *event, enum status status);
    void *context;
};
MUST_CHECK enum status shared_fetch(struct shared *shared, const struct shared_want *wants,
                                    size_t n, struct shared_visitor visitor,
                                    struct shared_news *out);

/* Sessions of a tenant, those behind `after` in the order of their ids' bytes, at most n_session of
 * them. `visit` gets their events as shared_fetch says, i being the session's number here. */
struct shared_range {
    struct slice tenant, after;
    size_t n_session;
};
MUST_CHECK enum status shared_scan(struct shared *shared, const struct shared_range *range,
                                   struct shared_visitor visitor);

/* Banks, tests and withdrawn items, in the order they were published: their numbers go up by one.
 * What is in head and body is server/news.h's. */
#define SHARED_BANK "bank"
#define SHARED_TEST "test"
#define SHARED_ITEM "item"  // withdrawn from the bank of that name

struct shared_document {
    uint64_t number;  // 0: there is none
    struct slice kind, tenant, name;
    uint32_t version;  // of the name, of that kind
    struct slice head, body;
};

/* What is known once that document has been taken in as well. */
void shared_news_add(struct shared_news *known, const struct shared_document *document);

/* Publish a document as number `newest` + 1. Where that is not the next number it is not published,
 * and *out_done is false. IO_ERROR: it may be. */
MUST_CHECK enum status shared_publish(struct shared *shared, const struct shared_document *document,
                                      uint64_t newest, bool *out_done);

/* The document behind number `known`; its slices live until the next call. */
MUST_CHECK enum status shared_next(struct shared *shared, uint64_t known,
                                   struct shared_document *out, struct shared_news *out_news);

#endif
