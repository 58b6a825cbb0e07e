/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One examinee taking one test. A session moves only through session_step; the same events give the
 * same bytes. */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "estimate/person_fit.h"
#include "select/pick.h"
#include "session/event.h"
#include "session/plan.h"

enum session_state {
    SESSION_NEW,
    SESSION_ASKING,
    SESSION_SUSPENDED,
    SESSION_FINISHED,
    SESSION_VOIDED,
    SESSION_N_STATE,
};

const char *session_state_name(enum session_state state);

struct session;

/* What a step had to say. `changed` is false where the event had happened already (a repeated
 * answer): then there is nothing to record. */
struct effects {
    bool changed;
    struct outcome outcome;
};

/* Scratch memory of a step, made once per thread for banks of up to `n_item` items. */
struct workspace;

struct workspace *workspace_new(size_t n_item);  // NULL without memory
void workspace_free(struct workspace *workspace);
/* The estimation's part of it. */
struct estimate_workspace *workspace_estimate(struct workspace *workspace);

/* A session before its first event. The plan must outlive it. NULL without memory. */
struct session *session_new(const struct plan *plan);
void session_free(struct session *session);

/* Take one event. On OK the effects say what to record. Any error leaves the session as it was:
 *   EXHAUSTED     started: there is no item to ask; the session is only good for freeing
 *   WRONG_ITEM    answered, revised: another item was asked
 *   BAD_RESPONSE  answered, revised: the response is none of the item; scored: the score is none
 *   STALE_SEQ     answered: another question is being asked; revised: the question is none of the
 *                 last ones; scored: it has no answer
 *   CONFLICT      answered: the last question has another answer; revised: the test allows none;
 *                 scored: the item is not scored later; or the session is suspended
 *   FINISHED      the session has ended; scored: it was voided
 * Pre: the workspace is large enough for the plan's bank; EVENT_STARTED comes first and once. */
MUST_CHECK enum status session_step(struct session *session, const struct event *event,
                                    struct workspace *workspace, struct effects *effects);

/* Take an event again, as a replay does: CORRUPT where it cannot come now, changes nothing, or has
 * another outcome than the recorded one. */
MUST_CHECK enum status session_replay(struct session *session, const struct event *event,
                                      const struct outcome *recorded, struct workspace *workspace);

/* What there is to see. */
struct session_view {
    enum session_state state;
    uint32_t seq;    // of the question being asked, or of the last one
    uint32_t item;   // being asked, NO_ITEM where none is
    unsigned asked;  // questions asked so far
    unsigned min_items, max_items;
    unsigned n_pending;      // answers that wait for a person's score
    unsigned n_revisable;    // of the last answers, how many may be revised now
    double theta, se;        // se is NaN where nothing is known
    size_t n_dim;            // above 1 the two are those of the first dimension, and
    struct ability ability;  // all are here
    const char *stop;        // NULL while the session runs
};

/* What is reported beside a result. */
struct session_quality {
    struct person_fit fit;  // of the final estimate
    unsigned n_timed;       // answers to items that have a threshold for rapid guessing and a time
    unsigned n_rapid;       // of those, the ones given below it
};

void session_quality(const struct session *session, struct session_quality *out);

/* What the last event brought about that exposure is counted by. */
struct news {
    uint32_t item;      // of a question that was not there before, NO_ITEM where there is none
    unsigned interval;  // of the exposure rule, that theta lay in
    bool ends;          // the session, which was under way before
};

struct news session_news(const struct session *session);

/* The item that was asked last, whether it was answered or not, and when. Pre: it has started. */
uint32_t session_last_item(const struct session *session);
int64_t session_asked_ms(const struct session *session);

void session_view(const struct session *session, struct session_view *out);
const struct plan *session_plan(const struct session *session);

/* Events taken so far that changed the session. */
uint32_t session_n_event(const struct session *session);

/* The item of question `seq`, 1 to the number of answers. */
uint32_t session_answered_item(const struct session *session, uint32_t seq);
unsigned session_n_answer(const struct session *session);

#endif
