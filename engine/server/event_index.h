/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sessions that have events in the journal, and which: for a verification. */
#ifndef SERVER_EVENT_INDEX_H
#define SERVER_EVENT_INDEX_H

#include "server/hash.h"
#include "store/journal.h"

/* One of them; the first one, or NULL, stands for all. They are to be had by `hh.next`. */
struct indexed {
    uint64_t *lsn;  // [n], in the order of the journal
    uint32_t n, cap;
    bool lost;
    UT_hash_handle hh;
    size_t n_key;
    uint8_t key[];  // session_key_of
};

/* Note an event of a session. NO_MEMORY. */
MUST_CHECK enum status event_index_add(struct indexed **index, const struct session_key *session,
                                       uint64_t lsn);
bool event_index_has(const struct indexed *index, struct slice key);
void event_index_free(struct indexed *index);  // NULL is fine

#endif
