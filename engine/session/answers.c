/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The answers of a session, and what they come to: kept as they stand, so that one of them can be
 * revised, or scored by a person later on.
 *
 * Theta is a function of the answers as they stand, in the order of their questions. When one
 * changes, the whole evidence is made again from the first answer on, by the same additions that a
 * session makes which had them so from the start: the bits are the same whatever came when. */
#include "estimate/constant.h"
#include "estimate/dims.h"
#include "session/state.h"

#include <assert.h>
#include <math.h>

/* What is told of several dimensions; the first one's stand for themselves too. */
static void set_ability(struct session *session, const double *theta, const double *cov)
{
    size_t n_dim = bank_n_dim(session->plan->bank);

    for (size_t m = 0; m < n_dim; m++) session->ability->theta[m] = theta[m];
    dims_se(cov, n_dim, session->ability->se);
    session->theta = session->ability->theta[0];
    session->se = session->ability->se[0];
}

static void begin_dims(struct session *session, const struct estimate_spec *own)
{
    double mean[LIMIT_DIMS], cov[LIMIT_DIMS * LIMIT_DIMS];

    prior_shape(&own->prior, bank_n_dim(session->plan->bank), mean, cov);
    set_ability(session, session->plan->start_theta, cov);
}

void session_begin_estimate(struct session *session)
{
    const struct plan *plan = session->plan;
    struct estimate_spec room;
    const struct estimate_spec *own = session_own_spec(session, &plan->test.interim, &room);
    bool has_sd = own->estimator->uses_prior && own->prior.kind == &prior_normal;

    evidence_clear(&session->evidence);
    session->theta = session->theta_before = plan->start_theta[0];
    session->se = has_sd ? own->prior.sd : (double)NAN;
    session->se_before = (double)NAN;
    if (bank_n_dim(plan->bank) > 1) begin_dims(session, own);
}

void session_estimate(struct session *session, const struct estimate_spec *spec,
                      struct workspace *workspace)
{
    struct estimate_spec room;
    const struct estimate_spec *own = session_own_spec(session, spec, &room);
    struct estimate out;

    if (session->evidence.n == 0) return;
    if (bank_n_dim(session->plan->bank) > 1) {
        struct estimate_dims several;

        own->estimator->solve_dims(own, &session->evidence, workspace->estimate, &several);
        set_ability(session, several.theta, several.cov);
        return;
    }
    estimate_next(own, &session->evidence, session->theta_before, workspace->estimate, &out);
    session->theta = out.theta;
    session->se = out.se;
}

static enum pace_of_answer pace_of(const struct session *session, const struct event *event)
{
    int64_t threshold_ms = bank_rapid_ms(session->plan->bank, event->item);

    if (threshold_ms <= 0 || event->elapsed_ms < 0) return PACE_UNTIMED;
    return event->elapsed_ms < threshold_ms ? PACE_RAPID : PACE_TIMED;
}

void session_put_answer(struct session *session, unsigned j, const struct event *event)
{
    const struct response *response = &event->response;

    session->answers[j] = (struct answer){.kind = (uint8_t)response->kind,
                                          .score = response->score,
                                          .is_pending = response->kind == RESPONSE_LATER,
                                          .pace = (uint8_t)pace_of(session, event)};
    session->raw[j % session->n_raw] = slice_hash(response->raw);
    session->n_pending += response->kind == RESPONSE_LATER;
}

bool session_counts(const struct session *session, unsigned j)
{
    const struct answer *answer = &session->answers[j];

    if (answer->kind == RESPONSE_OMITTED) return !session->plan->test.omit_ignored;
    return !answer->is_pending;
}

void session_add_evidence(struct session *session, unsigned j, struct workspace *workspace)
{
    session->theta_before = session->theta;
    session->se_before = session->se;
    evidence_add(&session->evidence, session->given[j], session->answers[j].score,
                 workspace->estimate->node);
}

bool session_has_answer(const struct session *session, unsigned j, const struct response *response)
{
    const struct answer *answer = &session->answers[j];
    bool same_score = answer->score == response->score || response->kind == RESPONSE_LATER;

    assert(j + session->n_raw >= session->n_answer);
    return answer->kind == response->kind && same_score &&
           session->raw[j % session->n_raw] == slice_hash(response->raw);
}

enum status session_check_response(const struct session *session, uint32_t item,
                                   const struct response *response)
{
    const struct bank *bank = session->plan->bank;

    if ((response->kind == RESPONSE_LATER) != bank_is_later(bank, item)) return BAD_RESPONSE;
    return response->score < bank_item(bank, item)->n_cat ? OK : BAD_RESPONSE;
}

/* Make the estimate again from the first answer on. A step from the theta before needs that theta,
 * and so do the stop rules after the next answer; no other estimate in between is looked at. */
static void estimate_again(struct session *session, struct workspace *workspace)
{
    const struct test *test = &session->plan->test;
    size_t n = 0;

    for (unsigned j = 0; j < session->n_answer; j++) n += session_counts(session, j);
    session_begin_estimate(session);
    for (unsigned j = 0; j < session->n_answer; j++) {
        if (!session_counts(session, j)) continue;
        session_add_evidence(session, j, workspace);
        if (session->evidence.n + 1 >= n || estimate_is_step(&test->interim, &session->evidence)) {
            session_estimate(session, &test->interim, workspace);
        }
    }
    if (session->state == SESSION_FINISHED) session_estimate(session, &test->final, workspace);
}

unsigned session_n_revisable(const struct session *session)
{
    unsigned n = session->plan->test.n_revise;

    if (session->state != SESSION_ASKING) return 0;
    return n < session->n_answer ? n : session->n_answer;
}

/* Everything a revision can be refused for. OK with *out_again set where the answer is that one
 * already: then a repeated revision is safe, also when the session has moved on. */
static enum status check_revised(const struct session *session, const struct event *event,
                                 bool *out_again)
{
    unsigned n = session->n_answer;
    bool in_reach = event->seq >= 1 && event->seq <= n && event->seq + session->n_raw > n;
    bool is_given = in_reach && session->given[event->seq - 1] == event->item;

    if (session->plan->test.n_revise == 0) return CONFLICT;
    *out_again = is_given && session_has_answer(session, event->seq - 1, &event->response);
    if (*out_again) return OK;
    if (session->state == SESSION_FINISHED || session->state == SESSION_VOIDED) return FINISHED;
    if (session->state == SESSION_SUSPENDED) return CONFLICT;
    if (!in_reach) return STALE_SEQ;
    if (!is_given) return WRONG_ITEM;
    return session_check_response(session, event->item, &event->response);
}

/* The path stays as it is, with the question on the screen and its clock; theta does not. A time
 * that is not told leaves the one of the answer before. */
enum status session_take_revised(struct session *session, const struct event *event,
                                 struct workspace *workspace, bool *again)
{
    enum status st = check_revised(session, event, again);
    struct answer *answer;
    uint8_t pace;

    if (st || *again) return st;
    if (event->is_over_limit) return CONFLICT;
    answer = &session->answers[event->seq - 1];
    pace = answer->pace;
    session->n_pending -= answer->is_pending;
    session_put_answer(session, event->seq - 1, event);
    if (event->elapsed_ms < 0) answer->pace = pace;
    estimate_again(session, workspace);
    return OK;
}

/* A person's score for an answer that was kept for it: the first one, or another one in its place.
 * Stop rules and path know nothing of it; a result is made again. */
enum status session_take_scored(struct session *session, const struct event *event,
                                struct workspace *workspace, bool *again)
{
    struct answer *answer;

    if (event->seq < 1 || event->seq > session->n_answer) return STALE_SEQ;
    answer = &session->answers[event->seq - 1];
    if (answer->kind != RESPONSE_LATER) return CONFLICT;
    *again = !answer->is_pending && answer->score == event->response.score;
    if (*again) return OK;
    if (session->state == SESSION_VOIDED) return FINISHED;
    if (event->response.score >=
        bank_item(session->plan->bank, session->given[event->seq - 1])->n_cat) {
        return BAD_RESPONSE;
    }
    if (event->is_over_limit) return CONFLICT;
    session->n_pending -= answer->is_pending;
    answer->is_pending = false;
    answer->score = event->response.score;
    estimate_again(session, workspace);
    return OK;
}
