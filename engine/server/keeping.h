/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the events of sessions are kept: rows, and the inside of the live sessions that they work
 * on. For sessions.c and the rows only. */
#ifndef SERVER_KEEPING_H
#define SERVER_KEEPING_H

#include "server/sessions.h"

/* A failed growth of the table loses the new entry, and the caller says NO_MEMORY. */
#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((entry)->lost = true)
#include <uthash.h>
#include <utlist.h>

/* One block: the entry, then its names. */
struct entry {
    struct live live;
    int64_t used_us;
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

struct sessions {
    struct sessions_config config;
    const struct keeping *keeping;
    struct entry *table;
    struct entry *running, *ended;  // least recently used first
    size_t n_ended;
    struct workspace *workspace;
    size_t workspace_items;
    struct buf archive, bytes;  // scratch
};

struct keeping {
    /* A session that is not in memory, into it. NOT_FOUND. */
    enum status (*fetch)(struct sessions *sessions, struct slice tenant, struct slice id,
                         int64_t now_us, struct entry **out);
    /* Room to note one more event, before it happens. NO_MEMORY. */
    enum status (*reserve)(struct entry *entry);
    /* Note the event, its seal in the entry. Returns its number for what counts by it. */
    uint64_t (*append)(struct sessions *sessions, struct entry *entry,
                       const struct event_record *record, struct batch *batch);
    /* At the start: what is there into memory. */
    enum status (*rebuild)(struct sessions *sessions, int64_t now_us, uint64_t *out_n_event,
                           struct fault *fault);
    /* An entry that nobody has used for long: on its way out of memory. It may be dropped. */
    enum status (*release)(struct sessions *sessions, struct entry *entry, struct batch *batch);
    /* Now and then: let go of what is no longer needed. */
    enum status (*trim)(struct sessions *sessions, struct batch *batch);
};

extern const struct keeping keeping_lmdb;

struct entry *entry_of(struct live *live);
struct entry *entry_find(const struct sessions *sessions, struct slice tenant, struct slice id);
/* Out of memory with it. */
void entry_drop(struct sessions *sessions, struct entry *entry);
/* The entry was just used: to the end of its list. */
void entry_touch(struct sessions *sessions, struct entry *entry, int64_t now_us);
/* A session as its first record tells of it, its events to come. */
MUST_CHECK enum status entry_revive(struct sessions *sessions, const struct event_record *record,
                                    struct entry **out);
/* Its next event. CORRUPT where that does not come to what is recorded. */
MUST_CHECK enum status entry_replay(struct sessions *sessions, struct entry *entry,
                                    const struct stored_event *stored);

#endif
