/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why this item: every item of the bank once, with its value or the reason that it was no
 * candidate. */
#ifndef SESSION_EXPLAIN_H
#define SESSION_EXPLAIN_H

#include "session/session.h"

enum item_part {
    PART_ASKED,       // the pick
    PART_DRAWN_FROM,  // among the best that the draw was from
    PART_CANDIDATE,
    PART_GIVEN,          // asked before in this session
    PART_RETIRED,        // withdrawn from the bank
    PART_OTHER_GROUP,    // of another content group than the one that was due
    PART_OTHER_STRATUM,  // of another stratum than the one of the test's stage
    PART_NOT_ADMITTED,   // kept from this session by the exposure rule
    PART_NOT_ELIGIBLE,   // the same, drawn by how often other sessions were asked it
    PART_USED_UP,        // asked as often as the test allows
    PART_SEEN_BEFORE,    // asked in an earlier session of the examinee
    PART_ENEMY,          // of an item given
    PART_OTHER_SET,      // of another set than the one that goes on, or of one that is over
    PART_NOT_COMPARED,   // the item asked was named by the test
    PART_N,
};

extern const char *const item_part_names[PART_N];

struct explained_item {
    uint32_t item;
    enum item_part part;
    double value;  // of the criterion, NaN where the item was no candidate
};

struct explanation {
    const char *criterion;  // NULL where the item was named by the test
    double theta, se;       // where it was picked,
    size_t n_dim;           // and where there are several dimensions
    struct ability ability;
    size_t n_best;                 // how many the draw was from
    double u;                      // the draw
    size_t group;                  // content group that was due, SIZE_MAX where there is none
    struct explained_item *items;  // [n_item], the caller's: best first, then the others
};

/* Explain the pick that `session` makes after the last event it took, which was `event` (its time,
 * seed and withdrawn items). The session is unchanged. out->items must be set. */
void session_explain(const struct session *session, const struct event *event,
                     struct workspace *workspace, struct explanation *out);

#endif
