/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether what a daemon tells can all be true. It knows the protocol, what was ever asked and what
 * was told, and nothing of the daemon:
 *
 *   told      every reply about the same moment of a session (how many questions it has asked) says
 *             the same of it, its estimates to the last bit, whatever happened in between
 *   forward   who asks after somebody was told of a question is told of no earlier one
 *   taken     of different answers to a question one is taken, and it leads to the next question
 *   moved     a session moves by answers that somebody sent
 *   items     no item is asked twice in a session
 *   refused   a refusal has a reason in what was sent before
 *   secret    no reply holds a key or a parameter */
#ifndef FATE_JUDGE_H
#define FATE_JUDGE_H

#include "base/limits.h"
#include "proto/reader.h"

enum { JUDGE_SESSIONS = 4, JUDGE_QUESTIONS = 16, JUDGE_RESPONSES = 2 };

enum sent_op { SENT_START, SENT_GET, SENT_ANSWER };

/* A request. `floor` is how far the session was known to be when it was first sent. */
struct request_sent {
    uint64_t id;
    unsigned session;
    enum sent_op op;
    uint32_t seq;
    char item[LIMIT_ID + 1];
    unsigned response;
    uint32_t floor;
};

/* A moment of a session, as a reply tells of it; an ended session comes after its last question. */
struct moment {
    uint32_t asked;  // from 1; 0: not known
    bool has_ended;
    char item[LIMIT_ID + 1];
    uint64_t theta, se;  // bits
};

struct judge {
    const char *secret;
    uint32_t n_question;  // of each session
    struct session_facts {
        uint32_t furthest;
        struct moment told[JUDGE_QUESTIONS + 2];
        bool sent[JUDGE_QUESTIONS + 2][JUDGE_RESPONSES];
        int taken[JUDGE_QUESTIONS + 2];  // -1: not known
    } session[JUDGE_SESSIONS];
    char wrong[512];  // what cannot be true, "" while all can
};

enum verdict {
    JUDGED_GOOD,     // *out_moment is how the session stands
    JUDGED_REFUSED,  // with a reason: look how it stands
    JUDGED_LATER,    // it is to be asked again
    JUDGED_WRONG,
};

/* Begin; `secret` is in the keys, and not copied. */
void judge_begin(struct judge *judge, const char *secret, uint32_t n_question);

/* A request is sent for the first time: fills in its floor. */
void judge_sent(struct judge *judge, struct request_sent *request);

/* A reply to it. */
enum verdict judge_reply(struct judge *judge, const struct request_sent *request,
                         struct decoder *decoder, struct slice reply, struct moment *out_moment);

#endif
