/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside the district: the groups and the asks. For district.c and district_lines.c only. */
#ifndef SERVER_DISTRICT_STATE_H
#define SERVER_DISTRICT_STATE_H

#include "server/district.h"

#include <utlist.h>

/* What goes over a line next, and whose it is. */
struct ask {
    struct buf body;
    struct group **groups;  // [n], in the order of the body
    size_t n, cap;
    bool confirms;   // a fetch: somebody asks for that
    bool is_unsent;  // the line did not take it, and is to be asked again
    struct line_head head;
};

struct district {
    struct shared shared;  // of the start; later only for its url and key
    struct line *line[N_LINE];
    struct group *table;
    /* Lists; a group is in one of them, in an ask or being served. */
    struct group *wanted, *behind, *publishing, *ready;
    struct group *published;  // whose document is on its way
    bool poll_due, counts_due;
    int64_t polled_us;  // when the last ask for news that was answered was handed over
    struct group *serving;
    struct ask gathering, out[N_LINE];
    struct shared_news known, seen;
    uint64_t gathering_retired;  // what the first event that has gathered was made with
    struct buf body;             // of an answer
    size_t n_most, n_parked, parked_bytes;
    bool is_down;  // what was asked last was not done
};

/* Have a session's events asked for, from number `from` on. */
void group_want(struct district *district, struct group *group, uint32_t from, bool confirms);
/* Nothing is under way for it any more: those who wait may go on, and without them it is freed. */
void group_make_ready(struct district *district, struct group *group);
/* It is wanted, and nobody waits for it any more. */
void group_drop_wanted(struct district *district, struct group *group);
void group_free(struct district *district, struct group *group);

/* Room for one more group in an ask. False without memory. */
MUST_CHECK bool ask_reserve(struct ask *ask);

#endif
