/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside the session: its state, and the pieces of a step. For this folder only. */
#ifndef SESSION_STATE_H
#define SESSION_STATE_H

#include "session/session.h"

struct workspace {
    struct estimate_workspace *estimate;
    struct blocked blocked;       // all clear between steps
    struct pick_scratch scratch;  // value [n_item]
};

struct session {
    const struct plan *plan;
    enum session_state state;
    uint64_t seed;
    bool has_prior;
    double prior_mean, prior_sd;
    const struct kept_out *kept;  // [n_kept], the starter's
    uint32_t n_kept;
    uint32_t visited;    // bits: intervals of the exposure rule in which an item was picked
    struct asked asked;  // by the last event
    uint32_t last;       // item that was asked last, answered or not
    unsigned n_answer, n_event, n_timed, n_rapid;
    uint32_t item;                 // being asked
    enum response_kind last_kind;  // the last answer, to know a repeated one by
    uint8_t last_score;
    uint64_t last_raw;
    double theta, se;
    double theta_before;  // the last answer
    const char *stop;
    int64_t asked_ms, active_ms;
    struct evidence evidence;
    uint32_t *given;         // [max_items] items in the order they were asked
    unsigned group_count[];  // [n_group]
};

/* `spec` with the examinee's own normal prior in place of the test's, where there is one. */
struct estimate_spec session_own_spec(const struct session *session,
                                      const struct estimate_spec *spec);

/* Mark (blocked_set) or unmark (blocked_clear) what may not be asked: the items given, those
 * withdrawn or used up, and those the examinee has seen before. */
void session_block(const struct session *session, const struct event *event, struct blocked blocked,
                   void (*mark)(struct blocked, size_t));

/* What a criterion looks at; `own` is the interim estimate with the examinee's own prior. */
struct criterion_input session_input(const struct session *session, const struct estimate_spec *own,
                                     struct workspace *workspace);

/* How the next item was found. */
struct choice {
    uint32_t item;       // NO_ITEM where there is none
    bool is_start_item;  // named by the test: nothing was compared
    const struct pick_rule *rule;
    double theta;             // where it was picked
    double u;                 // the draw among the best
    size_t stratum;           // of the exposure rule, n_stratum where there is none
    bool is_exposure_lifted;  // no admitted item was left, so the others were admitted too
    unsigned interval;        // of the exposure rule, that theta lies in
    size_t group;             // content group, n_group where there is none
    const uint32_t *list;     // of the group; NULL: the whole bank
    size_t n;
};

/* Who may be picked by `choice`. */
struct candidates session_candidates(const struct session *session, const struct choice *choice,
                                     struct workspace *workspace);

void session_choose(const struct session *session, const struct event *event,
                    struct workspace *workspace, struct choice *out);

/* Mark (or unmark) everything that the choice could not fall on. */
void session_block_choice(const struct session *session, const struct event *event,
                          const struct choice *choice, struct blocked blocked,
                          void (*mark)(struct blocked, size_t));

#endif
