/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state machine. A step first checks everything that can be refused and only then changes the
 * session, so there is nothing to undo. */
#include "base/planted.h"
#include "num/elementary.h"
#include "session/state.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TO(state) (1u << (SESSION_##state))

/* Every move there is. */
static const struct {
    const char *name;
    unsigned to;
} states[SESSION_N_STATE] = {
    [SESSION_NEW] = {"new", TO(ASKING)},
    [SESSION_ASKING] = {"asking", TO(ASKING) | TO(SUSPENDED) | TO(FINISHED) | TO(VOIDED)},
    [SESSION_SUSPENDED] = {"suspended", TO(ASKING) | TO(FINISHED) | TO(VOIDED)},
    [SESSION_FINISHED] = {"finished", TO(VOIDED)},
    [SESSION_VOIDED] = {"voided", 0},
};

const char *session_state_name(enum session_state state)
{
    return states[state].name;
}

/* One block, largest alignment first, `max` being the plan's max_items:
 *   | session | group_count [n_group] | prior_dims | loglik [n_node] | raw [n_raw] |
 *   | answers [max] | evidence.item [max] | given [max] | evidence.score [max] | */
struct session *session_new(const struct plan *plan)
{
    unsigned n_raw = plan->test.n_revise < plan->max_items ? plan->test.n_revise : plan->max_items;
    const struct estimate_spec *interim = &plan->test.interim;
    size_t n_group = plan->proportions ? proportions_n_group(plan->proportions) : 0;
    size_t n_dim = bank_n_dim(plan->bank);
    size_t n_node = interim->estimator->uses_grid ? grid_product(&interim->grid, n_dim) : 0;
    size_t dims_bytes = n_dim > 1 ? sizeof(struct prior_dims) + sizeof(struct ability) : 0;
    size_t max = plan->max_items;
    size_t head = (sizeof(struct session) + n_group * sizeof(unsigned) + 7) / 8 * 8;
    size_t per_answer = sizeof(struct answer) + 2 * sizeof(uint32_t) + 1;
    struct session *session;
    double *loglik;

    if (n_raw == 0) n_raw = 1;  // a repeated answer is known by it
    session = calloc(1, head + dims_bytes + (n_node + n_raw) * sizeof(double) + max * per_answer);
    if (!session) return NULL;
    if (n_dim > 1) {
        session->prior_dims = (struct prior_dims *)(void *)((char *)session + head);
        session->ability = (struct ability *)(void *)(session->prior_dims + 1);
    }
    loglik = (double *)(void *)((char *)session + head + dims_bytes);
    session->plan = plan;
    session->item = NO_ITEM;
    session->evidence.bank = plan->bank;
    session->evidence.grid = interim->grid;
    session->evidence.loglik = n_node > 0 ? loglik : NULL;
    session->evidence.table = plan->answers;
    session->raw = (uint64_t *)(void *)(loglik + n_node);
    session->n_raw = n_raw;
    session->answers = (struct answer *)(void *)(session->raw + n_raw);
    session->evidence.item = (uint32_t *)(void *)(session->answers + max);
    session->given = session->evidence.item + max;
    session->evidence.score = (uint8_t *)(session->given + max);
    return session;
}

void session_free(struct session *session)
{
    free(session);
}

static void move(struct session *session, enum session_state to)
{
    assert(states[session->state].to >> to & 1);
    session->state = to;
}

/* The next item, NO_ITEM where there is none, and where it was picked. */
static uint32_t next_item(struct session *session, const struct event *event,
                          struct workspace *workspace)
{
    struct choice choice;

    session_choose(session, event, workspace, &choice);
    if (choice.item == NO_ITEM) return NO_ITEM;
    session->news.item = choice.item;
    session->news.interval = choice.interval;
    session->last = choice.item;
    return choice.item;
}

static void ask(struct session *session, uint32_t item, int64_t time_ms)
{
    move(session, SESSION_ASKING);
    session->item = item;
    session->asked_ms = time_ms;
}

static void finish(struct session *session, const char *stop, struct workspace *workspace)
{
    session_estimate(session, &session->plan->test.final, workspace);
    session->item = NO_ITEM;
    session->stop = stop;
    move(session, SESSION_FINISHED);
}

/* Time on the question so far; a clock that jumped back adds nothing. */
static void count_time(struct session *session, int64_t time_ms)
{
    if (session->state == SESSION_ASKING && time_ms > session->asked_ms) {
        session->active_ms += time_ms - session->asked_ms;
    }
}

static enum status take_started(struct session *session, const struct event *event,
                                struct workspace *workspace, bool *again)
{
    uint32_t item;

    (void)again;
    session->seed = event->seed;
    session->has_prior = event->has_prior;
    session->prior_mean = event->prior_mean;
    session->prior_sd = event->prior_sd;
    if (session->prior_dims && event->prior_dims) *session->prior_dims = *event->prior_dims;
    session->kept = event->kept;
    session->n_kept = event->n_kept;
    session_begin_estimate(session);
    item = next_item(session, event, workspace);
    if (item == NO_ITEM) return EXHAUSTED;
    ask(session, item, event->time_ms);
    return OK;
}

/* Everything an answer can be refused for. OK with *out_again set where it had come before. */
static enum status check_answer(const struct session *session, const struct event *event,
                                bool *out_again)
{
    bool is_last = event->seq > 0 && event->seq == session->n_answer;
    bool is_given = is_last && session->given[event->seq - 1] == event->item;

    *out_again = is_given && session_has_answer(session, event->seq - 1, &event->response);
    if (planted("repeated answer refused")) *out_again = false;
    if (*out_again) return OK;
    if (session->state == SESSION_FINISHED || session->state == SESSION_VOIDED) return FINISHED;
    if (is_last) return is_given ? CONFLICT : WRONG_ITEM;
    if (event->seq != session->n_answer + 1 && !planted("any question answered")) return STALE_SEQ;
    if (session->state == SESSION_SUSPENDED) return CONFLICT;
    if (event->item != session->item && !planted("any question answered")) return WRONG_ITEM;
    return session_check_response(session, event->item, &event->response);
}

static void keep_answer(struct session *session, const struct event *event)
{
    const struct plan *plan = session->plan;

    session->given[session->n_answer] = event->item;
    session_put_answer(session, session->n_answer++, event);
    if (plan->proportions) {
        size_t group = proportions_group_of(plan->proportions, event->item);

        if (group < proportions_n_group(plan->proportions)) session->group_count[group]++;
    }
}

/* The best value of a criterion among the items left, `none` where there are none. */
static double best_left(const struct session *session, const struct criterion *criterion,
                        double none, struct workspace *workspace)
{
    struct estimate_spec room;
    const struct estimate_spec *own =
        session_own_spec(session, &session->plan->test.interim, &room);
    struct criterion_input input = session_input(session, own, workspace);
    struct candidates candidates = {.n = bank_n_item(session->plan->bank),
                                    .blocked = workspace->blocked,
                                    .shortlists = bank_shortlists(session->plan->bank)};
    size_t n = pick_top(criterion, &input, &candidates, &workspace->scratch, 1);

    return n > 0 ? workspace->scratch.best[0].value : none;
}

/* What the stop rules look at; what costs something only where a rule needs it. */
static struct stop_state stop_state_now(const struct session *session, const struct event *event,
                                        struct workspace *workspace)
{
    const struct test *test = &session->plan->test;
    unsigned needs = session->plan->stop_needs;
    size_t n_dim = bank_n_dim(session->plan->bank);
    struct stop_state state = {.n_answer = session->n_answer,
                               .theta = session->theta,
                               .se = session->se,
                               .last_se = session->se_before,
                               .active_ms = session->active_ms,
                               .evidence = &session->evidence,
                               .cuts = test->cuts,
                               .n_cut = test->n_cut};

    for (size_t m = 0; n_dim > 1 && m < n_dim; m++)
        state.se = fmax(state.se, session->ability->se[m]);
    if (!(needs & (STOP_NEEDS_INFO | STOP_NEEDS_VARIANCE))) return state;
    session_block(session, event, workspace->blocked, blocked_set);
    if (needs & STOP_NEEDS_INFO)
        state.best_info = best_left(session, &criterion_mfi, 0.0, workspace);
    if (needs & STOP_NEEDS_VARIANCE) {
        state.best_variance =
            best_left(session, &criterion_mepv, session->se * session->se, workspace);
    }
    session_block(session, event, workspace->blocked, blocked_clear);
    return state;
}

/* Why the test ends after this answer, NULL where it goes on. */
static const char *stop_reason(const struct session *session, const struct event *event,
                               struct workspace *workspace)
{
    const struct test *test = &session->plan->test;
    struct stop_state state;

    if (session->n_answer >= session->plan->length_cap) return stop_length.name;
    if (session->n_answer < test->min_items) return NULL;
    state = stop_state_now(session, event, workspace);
    return stop_tree_met(&test->stop, &state);
}

static enum status take_answered(struct session *session, const struct event *event,
                                 struct workspace *workspace, bool *again)
{
    enum status st = check_answer(session, event, again);
    const char *stop;
    uint32_t item;

    if (st || *again) return st;
    count_time(session, event->time_ms);
    keep_answer(session, event);
    if (session_counts(session, session->n_answer - 1)) {
        session_add_evidence(session, session->n_answer - 1, workspace);
        session_estimate(session, &session->plan->test.interim, workspace);
    }
    stop = stop_reason(session, event, workspace);
    if (stop) {
        finish(session, stop, workspace);
        return OK;
    }
    item = next_item(session, event, workspace);
    if (item == NO_ITEM)
        finish(session, "pool", workspace);
    else
        ask(session, item, event->time_ms);
    return OK;
}

/* The question stays as it was asked; only time stands still. */
static enum status take_suspended(struct session *session, const struct event *event,
                                  struct workspace *workspace, bool *again)
{
    (void)workspace;
    *again = session->state == SESSION_SUSPENDED;
    if (*again) return OK;
    if (session->state != SESSION_ASKING) return FINISHED;
    if (event->is_over_limit) return CONFLICT;
    count_time(session, event->time_ms);
    move(session, SESSION_SUSPENDED);
    return OK;
}

static enum status take_resumed(struct session *session, const struct event *event,
                                struct workspace *workspace, bool *again)
{
    (void)workspace;
    *again = session->state == SESSION_ASKING;
    if (*again) return OK;
    if (session->state != SESSION_SUSPENDED) return FINISHED;
    ask(session, session->item, event->time_ms);
    return OK;
}

static enum status take_finished(struct session *session, const struct event *event,
                                 struct workspace *workspace, bool *again)
{
    *again = session->state == SESSION_FINISHED;
    if (*again) return OK;
    if (session->state == SESSION_VOIDED) return FINISHED;
    count_time(session, event->time_ms);
    finish(session, "request", workspace);
    return OK;
}

static enum status take_voided(struct session *session, const struct event *event,
                               struct workspace *workspace, bool *again)
{
    (void)event;
    (void)workspace;
    *again = session->state == SESSION_VOIDED;
    if (*again) return OK;
    session->item = NO_ITEM;
    move(session, SESSION_VOIDED);
    return OK;
}

/* What each kind of event does; *again is set where it had happened already. */
static enum status (*const take[])(struct session *session, const struct event *event,
                                   struct workspace *workspace, bool *again) = {
    [EVENT_STARTED] = take_started,         [EVENT_ANSWERED] = take_answered,
    [EVENT_SUSPENDED] = take_suspended,     [EVENT_RESUMED] = take_resumed,
    [EVENT_FINISHED] = take_finished,       [EVENT_VOIDED] = take_voided,
    [EVENT_REVISED] = session_take_revised, [EVENT_SCORED] = session_take_scored,
};

/* A session starts once, before anything else. */
static bool can_come(const struct session *session, const struct event *event)
{
    bool is_known = event->kind >= EVENT_STARTED && event->kind <= EVENT_SCORED;

    return is_known && (event->kind == EVENT_STARTED) == (session->state == SESSION_NEW);
}

static bool has_ended(const struct session *session)
{
    return session->state == SESSION_FINISHED || session->state == SESSION_VOIDED;
}

enum status session_step(struct session *session, const struct event *event,
                         struct workspace *workspace, struct effects *effects)
{
    bool again = false, had_ended = has_ended(session);
    enum status st;

    assert(can_come(session, event));
    session->news = (struct news){.item = NO_ITEM};
    st = take[event->kind](session, event, workspace, &again);
    if (st) return st;
    if (!again) session->n_event++;
    session->news.ends = !had_ended && has_ended(session);
    effects->changed = !again;
    effects->outcome = (struct outcome){.theta = session->theta,
                                        .se = session->se,
                                        .n_dim = bank_n_dim(session->plan->bank),
                                        .ability = session_ability(session),
                                        .item = session->item,
                                        .stop = session->stop};
    return OK;
}

struct ability session_ability(const struct session *session)
{
    return session->ability ? *session->ability : (struct ability){0};
}

bool outcome_equal(const struct outcome *a, const struct outcome *b)
{
    bool same_stop = a->stop == b->stop || (a->stop && b->stop && strcmp(a->stop, b->stop) == 0);

    return same_stop && a->item == b->item &&
           memcmp(&a->ability, &b->ability, sizeof(a->ability)) == 0 &&
           num_bits(a->theta) == num_bits(b->theta) && num_bits(a->se) == num_bits(b->se);
}

enum status session_replay(struct session *session, const struct event *event,
                           const struct outcome *recorded, struct workspace *workspace)
{
    struct effects effects;
    enum status st;

    if (!can_come(session, event)) return CORRUPT;
    st = session_step(session, event, workspace, &effects);
    if (st || !effects.changed) return CORRUPT;
    return outcome_equal(&effects.outcome, recorded) ? OK : CORRUPT;
}

void session_view(const struct session *session, struct session_view *out)
{
    bool is_open = session->item != NO_ITEM;

    *out = (struct session_view){
        .state = session->state,
        .seq = session->n_answer + (is_open ? 1 : 0),
        .item = session->state == SESSION_ASKING ? session->item : NO_ITEM,
        .asked = session->n_answer + (is_open ? 1 : 0),
        .min_items = session->plan->test.min_items,
        .max_items = session->plan->max_items,
        .n_pending = session->n_pending,
        .n_revisable = session_n_revisable(session),
        .theta = session->theta,
        .se = session->se,
        .n_dim = bank_n_dim(session->plan->bank),
        .ability = session_ability(session),
        .stop = session->stop,
    };
}

void session_quality(const struct session *session, struct session_quality *out)
{
    struct estimate_spec room;
    const struct estimate_spec *own = session_own_spec(session, &session->plan->test.final, &room);

    const double *theta = session->ability ? session->ability->theta : &session->theta;

    *out = (struct session_quality){.fit = person_fit(own, &session->evidence, theta)};
    for (unsigned j = 0; j < session->n_answer; j++) {
        out->n_timed += session->answers[j].pace != PACE_UNTIMED;
        out->n_rapid += session->answers[j].pace == PACE_RAPID;
    }
}

struct news session_news(const struct session *session)
{
    return session->news;
}

uint32_t session_last_item(const struct session *session)
{
    return session->last;
}

int64_t session_asked_ms(const struct session *session)
{
    return session->asked_ms;
}

const struct plan *session_plan(const struct session *session)
{
    return session->plan;
}

uint32_t session_n_event(const struct session *session)
{
    return session->n_event;
}

uint32_t session_answered_item(const struct session *session, uint32_t seq)
{
    assert(seq >= 1 && seq <= session->n_answer);
    return session->given[seq - 1];
}

unsigned session_n_answer(const struct session *session)
{
    return session->n_answer;
}
