/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The oldest event that only the journal has, which is as far as it may be trimmed: found by a look
 * at all sessions in memory, some at a time. What comes or goes meanwhile does no harm: a new event
 * is newer than all that there was at the beginning, and one that is archived leaves the journal
 * later than it could. */
#ifndef SERVER_OLDEST_H
#define SERVER_OLDEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct entry;
struct sessions;

/* Starts from {0}. */
struct oldest {
    struct entry *at;     // the next to be looked at
    struct entry *found;  // whose event it is, so far; NULL: nobody's, or of one that has left
    uint64_t lsn;         // of that event, so far
    bool is_under_way;
    bool has_more;  // the journal is not trimmed to `lsn` yet
};

/* Go on with the look, or begin one, at `n_most` sessions. Whether it has come to its end: then
 * `lsn` and `found` are those. */
bool oldest_look(struct sessions *sessions, size_t n_most);

/* An entry is about to leave memory. */
void oldest_leave(struct oldest *oldest, const struct entry *entry);

#endif
