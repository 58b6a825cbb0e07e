/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the events of sessions are kept: rows, and the inside of the live sessions that they work
 * on. For sessions.c and the rows only. */
#ifndef SERVER_KEEPING_H
#define SERVER_KEEPING_H

#include "server/asleep.h"
#include "server/damage.h"
#include "server/hash.h"
#include "server/oldest.h"
#include "server/sessions.h"

#include <utlist.h>

/* One block: the entry, then its names. */
struct entry {
    struct live live;
    int64_t used_us;
    int64_t checked_us;        // postgres: when it was last confirmed to be as in the store
    uint8_t seal[SEAL_BYTES];  // of the last event
    uint32_t n_archived;       // events that the archive has
    uint32_t n_lsn, cap_lsn;
    uint64_t *lsn;  // of the events behind those
    bool lost;
    bool in_archive;  // in some state, which may be an older one
    bool ended;       // which of the two lists it stands in
    struct entry *prev, *next;
    UT_hash_handle hh;
    size_t n_key;
    char key[];  // tenant 0 id | examinee | group
};

/* What the request that is being served rests on, where a row asks that. */
struct rest {
    int64_t arrived_us;
    struct entry *touched;  // the copy that it found
    struct group *missed;   // whose session is not there, which is not confirmed
    struct group *group;    // what it waits for
    uint32_t sitting;       // that a start has to be, 0: whichever is next
    bool has_appended;
};

struct sessions {
    struct sessions_config config;
    const struct keeping *keeping;
    struct entry *table;
    struct asleep asleep;           // sessions that are not in `table` yet
    struct damage *damage;          // sessions that are refused
    uint64_t damaged_lsn;           // the first event of those that are still to be had, 0: none
    struct entry *running, *ended;  // least recently used first
    struct oldest oldest;           // what the journal may be trimmed to
    size_t n_ended;
    struct workspace *workspace;
    size_t workspace_items;
    struct buf archive, bytes;  // scratch
    struct rest rest;
};

struct keeping {
    const char *name;  // [store] kind
    /* Around a request that came at `arrived_us`: see sessions_rests. NULL: it rests on nothing. */
    void (*begin)(struct sessions *sessions, int64_t arrived_us);
    enum rests (*rests)(struct sessions *sessions, struct group **out);
    /* Whether a session can be looked at now: RETRY where the request has to wait, BUSY where there
     * is no room for that. NULL: always. */
    enum status (*admit)(struct sessions *sessions, struct slice tenant, struct slice id);
    /* A session that is not in memory, into it. NOT_FOUND; EXISTS where it was erased. RETRY: the
     * request has to wait. */
    enum status (*fetch)(struct sessions *sessions, struct slice tenant, struct slice id,
                         int64_t now_us, struct entry **out);
    /* Of one that is not there, as far as is known: whether it was, and was erased. */
    bool (*is_erased)(struct sessions *sessions, struct slice tenant, struct slice id);
    /* What the examinee of a session that is to be started was asked since that time, for
     * exposure_begin. RETRY: the request has to wait; CORRUPT. NULL: memory and LMDB have it. */
    enum status (*look_back)(struct sessions *sessions, const struct start *start, int64_t since_ms,
                             const struct past **out);
    /* Room to note one more event, before it happens. NO_MEMORY. */
    enum status (*reserve)(struct entry *entry);
    /* Note the event, its seal in the entry. Returns its number for what counts by it; 0 where it
     * may still be refused, and is counted when it is known not to be. */
    uint64_t (*append)(struct sessions *sessions, struct entry *entry,
                       const struct event_record *record, struct batch *batch);
    /* At the start: what is there into memory. */
    enum status (*rebuild)(struct sessions *sessions, int64_t now_us, uint64_t *out_n_event,
                           struct fault *fault);
    /* Bring sessions that are asleep into memory, until that took `n_event` events. NULL: none is
     * ever asleep. */
    void (*wake)(struct sessions *sessions, int64_t now_us, uint64_t n_event);
    /* An entry that nobody has used for long: on its way out of memory. It may be dropped. */
    enum status (*release)(struct sessions *sessions, struct entry *entry, struct batch *batch);
    /* Now and then: let go of what is no longer needed. */
    enum status (*trim)(struct sessions *sessions, struct batch *batch);
};

extern const struct keeping keeping_lmdb, keeping_postgres;

struct entry *entry_find(const struct sessions *sessions, struct slice tenant, struct slice id);
/* Out of memory with it. */
void entry_drop(struct sessions *sessions, struct entry *entry);
/* The entry was just used: to the end of its list. */
void entry_touch(struct sessions *sessions, struct entry *entry, int64_t now_us);
/* A session as its first record tells of it, into the table; its events are to come. Errors as of
 * replay_origin, and NO_MEMORY. */
MUST_CHECK enum status entry_revive(struct sessions *sessions, const struct event_record *record,
                                    struct entry **out);
/* Its next event. CORRUPT where that does not come to what is recorded. */
MUST_CHECK enum status entry_replay(struct sessions *sessions, struct entry *entry,
                                    const struct stored_event *stored);

#endif
