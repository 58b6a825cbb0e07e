/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events: everything that can happen to a session, and what came of it. */
#ifndef SESSION_EVENT_H
#define SESSION_EVENT_H

#include "base/slice.h"
#include "estimate/prior.h"
#include "select/eligibility.h"

/* Numbers are on disk: never reuse one. What was asked next is in the outcome of the event that led
 * to it, so that one answer is one record. */
enum event_kind {
    EVENT_STARTED = 1,
    EVENT_ANSWERED = 2,
    EVENT_SUSPENDED = 3,
    EVENT_RESUMED = 4,
    EVENT_FINISHED = 5,
    EVENT_VOIDED = 6,
    EVENT_REVISED = 7,
    EVENT_SCORED = 8,
};

enum response_kind {
    RESPONSE_SCORE = 0,
    RESPONSE_RAW = 1,
    RESPONSE_OMITTED = 2,
    RESPONSE_LATER = 3,  // kept as it came, for a person to score; `raw` empty where nothing came
};

/* An answer. `raw` is what the examinee gave, where the key scored it or a person will. */
struct response {
    enum response_kind kind;
    uint8_t score;  // 0 where it was omitted or is scored later
    struct slice raw;
};

/* What happened. Time, seed and the items out of use come in with it. */
struct event {
    enum event_kind kind;
    int64_t time_ms;  // of the server's clock; may jump
    /* Items withdrawn from picks so far, in the order they were. Their number is part of the event:
     * a replay takes that many. */
    const uint32_t *retired;
    uint32_t n_retired;
    /* In the same manner the items that sessions of the test have used up by now. */
    const uint32_t *used;
    uint32_t n_used;
    uint64_t seed;  // EVENT_STARTED
    /* EVENT_STARTED: what the session is not to be asked. The list must outlive the session. */
    const struct kept_out *kept;
    uint32_t n_kept;
    bool has_prior;  // EVENT_STARTED: a normal prior of the examinee's own
    double prior_mean, prior_sd;
    /* What more it says of several dimensions, NULL: the same mean and SD in each. */
    const struct prior_dims *prior_dims;
    uint32_t seq;   // EVENT_ANSWERED, _REVISED, _SCORED (which has a score beside): the question,
    uint32_t item;  // its item,
    struct response response;
    int64_t elapsed_ms;  // and how long it took by the frontend's clock, -1 where it does not say
    /* The session has had its share of suspensions, revisions and scores: one more is CONFLICT. */
    bool is_over_limit;
};

#define NO_ITEM UINT32_MAX

/* Theta and its standard error in each dimension of a bank that has several. */
struct ability {
    double theta[LIMIT_DIMS], se[LIMIT_DIMS];
};

/* What came of an event. A replay must find the same bits. */
struct outcome {
    double theta, se;        // after the event; the result's where the session has finished
    size_t n_dim;            // above 1 the two are those of the first dimension, and
    struct ability ability;  // all are here; zeros otherwise
    uint32_t item;           // being asked, NO_ITEM where none is
    const char *stop;        // why the session ended, NULL where it has not; a constant text
};

bool outcome_equal(const struct outcome *a, const struct outcome *b);

#endif
