/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside the session: its state, and the pieces of a step. For this folder, and for measuring. */
#ifndef SESSION_STATE_H
#define SESSION_STATE_H

#include "session/session.h"

/* No set. */
#define SET_NONE SIZE_MAX

struct workspace {
    struct estimate_workspace *estimate;
    struct blocked blocked;       // all clear between steps
    struct pick_scratch scratch;  // value and bound [n_item]
};

/* An answer as it stands, after its last revision and its last score. */
struct answer {
    uint8_t kind;  // enum response_kind
    uint8_t score;
    bool is_pending;  // a person has yet to score it
    uint8_t pace;     // enum pace_of_answer
};

/* Rapid guessing (Wise and Kong 2005): an answer faster than anybody reads the item. */
enum pace_of_answer { PACE_UNTIMED, PACE_TIMED, PACE_RAPID };

struct session {
    const struct plan *plan;
    enum session_state state;
    uint64_t seed;
    bool has_prior;
    double prior_mean, prior_sd;
    struct prior_dims *prior_dims;  // of its own, where the bank has several dimensions
    const struct kept_out *kept;    // [n_kept], the starter's
    uint32_t n_kept;
    struct news news;  // of the last event
    uint32_t last;     // item that was asked last, answered or not
    unsigned n_answer, n_event, n_pending;
    uint32_t item;                   // being asked
    double theta, se;                // of the first dimension,
    struct ability *ability;         // and of all where there are several, else NULL
    double theta_before, se_before;  // the last answer that counts; SE NaN where nothing was known
    const char *stop;
    int64_t asked_ms, active_ms;
    struct evidence evidence;
    /* [n_raw], hashes of what was given in the last answers: answer j at j % n_raw. */
    uint64_t *raw;
    unsigned n_raw;
    struct answer *answers;  // [max_items]
    uint32_t *given;         // [max_items] items in the order they were asked
    unsigned group_count[];  // [n_group]
};

/* Theta and its standard errors where there are several dimensions, else zeros. */
struct ability session_ability(const struct session *session);

/* The state before the first answer, but for the item: no evidence, theta and SE of the start. */
void session_begin_estimate(struct session *session);

/* Estimate from the evidence; where there is none theta stays. */
void session_estimate(struct session *session, const struct estimate_spec *spec,
                      struct workspace *workspace);

/* Keep answer j, from 0: the next one or one that is there. */
void session_put_answer(struct session *session, unsigned j, const struct event *event);

/* Whether answer j counts for theta: not where it was omitted and the test ignores that, nor where
 * it waits for its score. */
bool session_counts(const struct session *session, unsigned j);

/* Add answer j, which counts, to the evidence. */
void session_add_evidence(struct session *session, unsigned j, struct workspace *workspace);

/* Whether `response` is answer j, one of the last n_raw, once more. */
bool session_has_answer(const struct session *session, unsigned j, const struct response *response);

/* Whether `response` is one that the item can have. OK or BAD_RESPONSE. */
enum status session_check_response(const struct session *session, uint32_t item,
                                   const struct response *response);

/* How many of the last answers may be revised now. */
unsigned session_n_revisable(const struct session *session);

/* The steps of EVENT_REVISED and EVENT_SCORED; *again is set where they change nothing. */
enum status session_take_revised(struct session *session, const struct event *event,
                                 struct workspace *workspace, bool *again);
enum status session_take_scored(struct session *session, const struct event *event,
                                struct workspace *workspace, bool *again);

/* `spec`, or where the examinee has a normal prior of its own a copy with that, in `room`. */
const struct estimate_spec *session_own_spec(const struct session *session,
                                             const struct estimate_spec *spec,
                                             struct estimate_spec *room);

/* Mark (blocked_set) or unmark (blocked_clear) what may not be asked: the items given, those
 * withdrawn or used up, those the examinee has seen before, and what the blueprint rules out. */
void session_block(const struct session *session, const struct event *event, struct blocked blocked,
                   void (*mark)(struct blocked, size_t));

/* The same for what the blueprint rules out: the enemies of the items given, and the sets that are
 * over. */
void session_block_enemies(const struct session *session, struct blocked blocked,
                           void (*mark)(struct blocked, size_t));
void session_block_sets(const struct session *session, struct blocked blocked,
                        void (*mark)(struct blocked, size_t));

/* The set that goes on with the next item, where it has any to ask; SET_NONE where none does. */
size_t session_set(const struct session *session);

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
    size_t set;               // that goes on, SET_NONE where none does
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
