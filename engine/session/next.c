/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The next item: start items first, then the criterion among what may be asked. */
#include "base/rng.h"
#include "session/state.h"

#include <stdlib.h>

/* Draws of one question: number = seq x DRAWS + which. The random criterion draws by item on top of
 * that. */
enum draw { DRAW_PICK, DRAWS };

struct workspace *workspace_new(size_t n_item)
{
    struct workspace *workspace = calloc(1, sizeof(*workspace));

    if (!workspace) return NULL;
    workspace->estimate = estimate_workspace_new();
    workspace->scratch.value = calloc(n_item + 1, sizeof(*workspace->scratch.value));
    workspace->scratch.bound = calloc(n_item + 1, sizeof(*workspace->scratch.bound));
    workspace->blocked.word = calloc(n_item / 64 + 1, sizeof(*workspace->blocked.word));
    if (!workspace->estimate || !workspace->scratch.value || !workspace->scratch.bound ||
        !workspace->blocked.word) {
        workspace_free(workspace);
        return NULL;
    }
    return workspace;
}

void workspace_free(struct workspace *workspace)
{
    if (!workspace) return;
    estimate_workspace_free(workspace->estimate);
    free(workspace->scratch.value);
    free(workspace->scratch.bound);
    free(workspace->blocked.word);
    free(workspace);
}

struct estimate_workspace *workspace_estimate(struct workspace *workspace)
{
    return workspace->estimate;
}

const struct estimate_spec *session_own_spec(const struct session *session,
                                             const struct estimate_spec *spec,
                                             struct estimate_spec *room)
{
    if (!session->has_prior) return spec;
    *room = *spec;
    room->grid_prior = NULL;
    room->prior.kind = &prior_normal;
    room->prior.mean = session->prior_mean;
    room->prior.sd = session->prior_sd;
    room->prior.dims = session->prior_dims ? *session->prior_dims : (struct prior_dims){0};
    return room;
}

static bool is_given(const struct session *session, uint32_t item)
{
    for (unsigned j = 0; j < session->n_answer; j++) {
        if (session->given[j] == item) return true;
    }
    return false;
}

static bool is_in(const uint32_t *list, uint32_t n, uint32_t item)
{
    for (uint32_t j = 0; j < n; j++) {
        if (list[j] == item) return true;
    }
    return false;
}

/* Whether an item is out of every pick of this session. */
static bool is_out(const struct session *session, const struct event *event, uint32_t item)
{
    for (uint32_t j = 0; j < session->n_kept; j++) {
        if (session->kept[j].item == item && session->kept[j].where == KEPT_SEEN) return true;
    }
    return is_in(event->retired, event->n_retired, item) || is_in(event->used, event->n_used, item);
}

static void mark_list(const uint32_t *list, uint32_t n, struct blocked blocked,
                      void (*mark)(struct blocked, size_t))
{
    for (uint32_t j = 0; j < n; j++) {
        if (list[j] != NO_ITEM) mark(blocked, list[j]);
    }
}

/* The items that are kept out in all of the intervals `where`. */
static void mark_kept(const struct session *session, uint32_t where, struct blocked blocked,
                      void (*mark)(struct blocked, size_t))
{
    for (uint32_t j = 0; j < session->n_kept; j++) {
        const struct kept_out *kept = &session->kept[j];

        if ((kept->where & where) == where) mark(blocked, kept->item);
    }
}

void session_block(const struct session *session, const struct event *event, struct blocked blocked,
                   void (*mark)(struct blocked, size_t))
{
    for (unsigned j = 0; j < session->n_answer; j++) mark(blocked, session->given[j]);
    mark_list(event->retired, event->n_retired, blocked, mark);
    mark_list(event->used, event->n_used, blocked, mark);
    mark_kept(session, KEPT_SEEN, blocked, mark);
    session_block_enemies(session, blocked, mark);
    session_block_sets(session, blocked, mark);
}

struct criterion_input session_input(const struct session *session, const struct estimate_spec *own,
                                     struct workspace *workspace)
{
    return (struct criterion_input){.bank = session->plan->bank,
                                    .theta = session->theta,
                                    .se = session->se,
                                    .thetas = session->ability ? session->ability->theta : NULL,
                                    .weights = session->plan->weights,
                                    .evidence = &session->evidence,
                                    .spec = own,
                                    .ahead = own->estimator,
                                    .pace = session->plan->test.pace,
                                    .seed = session->seed,
                                    .draw = session->n_answer + 1,
                                    .workspace = workspace->estimate,
                                    .table = session->plan->table,
                                    .centres = session->plan->centres};
}

/* What the exposure rule does not admit to this session: a draw for every item of the bank. */
static void block_exposed(const struct session *session, struct blocked blocked,
                          void (*mark)(struct blocked, size_t))
{
    const struct plan *plan = session->plan;
    const struct exposure_rule *rule = plan->test.exposure.rule;

    for (size_t i = 0; rule->admits && i < bank_n_item(plan->bank); i++) {
        if (!rule->admits(plan->bank, (uint32_t)i, session->seed)) mark(blocked, i);
    }
}

void session_block_choice(const struct session *session, const struct event *event,
                          const struct choice *choice, struct blocked blocked,
                          void (*mark)(struct blocked, size_t))
{
    session_block(session, event, blocked, mark);
    if (choice->is_exposure_lifted) return;
    block_exposed(session, blocked, mark);
    mark_kept(session, (uint32_t)1 << choice->interval, blocked, mark);
}

struct candidates session_candidates(const struct session *session, const struct choice *choice,
                                     struct workspace *workspace)
{
    const struct plan *plan = session->plan;
    struct candidates candidates = {
        .list = choice->list, .n = choice->n, .blocked = workspace->blocked};

    if (!choice->is_exposure_lifted && !choice->rule->criterion->compares) {
        candidates.admits = plan->test.exposure.rule->admits;
    }
    if (choice->set != SET_NONE) return candidates;
    candidates.shortlists = choice->list ? plan->shortlists : bank_shortlists(plan->bank);
    if (choice->list) candidates.group = plan->strata ? choice->stratum : choice->group;
    return candidates;
}

static void choose_from(const struct session *session, struct workspace *workspace,
                        struct choice *choice)
{
    struct estimate_spec room;
    const struct estimate_spec *own =
        session_own_spec(session, &session->plan->test.interim, &room);
    struct criterion_input input = session_input(session, own, workspace);
    struct candidates candidates = session_candidates(session, choice, workspace);

    input.theta = choice->theta;
    choice->item = pick_next(choice->rule, &input, &candidates, &workspace->scratch, choice->u);
}

/* Inside the content group that is due; a group with nothing left is passed over. */
static void choose_balanced(const struct session *session, struct workspace *workspace,
                            struct choice *choice)
{
    const struct proportions *proportions = session->plan->proportions;
    size_t n_group = proportions_n_group(proportions);
    uint64_t closed = 0;

    for (size_t tried = 0; tried < n_group && choice->item == NO_ITEM; tried++) {
        choice->group =
            proportions_next(proportions, session->group_count, session->n_answer, closed);
        choice->list = proportions_items(proportions, choice->group, &choice->n);
        choose_from(session, workspace, choice);
        closed |= (uint64_t)1 << choice->group;
    }
}

/* From the stratum of the test's stage; one with nothing left is passed over for the next, and
 * after the last for the ones before. */
static void choose_stratified(const struct session *session, struct workspace *workspace,
                              struct choice *choice)
{
    const struct plan *plan = session->plan;
    size_t n_stratum = partition_n_group(plan->strata);
    size_t stage = session->n_answer * n_stratum / plan->max_items;

    for (size_t tried = 0; tried < n_stratum && choice->item == NO_ITEM; tried++) {
        choice->stratum = (stage + tried) % n_stratum;
        choice->list = partition_items(plan->strata, choice->stratum, &choice->n);
        choose_from(session, workspace, choice);
    }
}

/* From the set that goes on. One with nothing left is over. */
static void choose_in_set(const struct session *session, struct workspace *workspace,
                          struct choice *choice)
{
    const struct choice others = *choice;

    choice->set = session_set(session);
    if (choice->set == SET_NONE) return;
    choice->list = sets_items(session->plan->sets, choice->set, &choice->n);
    choose_from(session, workspace, choice);
    if (choice->item == NO_ITEM) *choice = others;
}

/* By set, by content group, by stratum, or from the whole bank. */
static void choose_compared(const struct session *session, struct workspace *workspace,
                            struct choice *choice)
{
    const struct plan *plan = session->plan;
    bool has_theta = session->n_answer < plan->test.n_start_theta;

    choose_in_set(session, workspace, choice);
    if (choice->item != NO_ITEM) return;
    if (plan->strata)
        choose_stratified(session, workspace, choice);
    else if (plan->proportions && session->n_answer > 0 && !has_theta)
        choose_balanced(session, workspace, choice);
    else
        choose_from(session, workspace, choice);
}

/* As session_block_choice, but the pick asks its candidates alone whether they are admitted. */
static void block_pick(const struct session *session, const struct event *event,
                       const struct choice *choice, struct blocked blocked,
                       void (*mark)(struct blocked, size_t))
{
    session_block(session, event, blocked, mark);
    if (choice->is_exposure_lifted) return;
    if (choice->rule->criterion->compares) block_exposed(session, blocked, mark);
    mark_kept(session, (uint32_t)1 << choice->interval, blocked, mark);
}

static void choose_unblocked(const struct session *session, const struct event *event,
                             struct workspace *workspace, struct choice *choice)
{
    block_pick(session, event, choice, workspace->blocked, blocked_set);
    choose_compared(session, workspace, choice);
    block_pick(session, event, choice, workspace->blocked, blocked_clear);
}

/* The first start item that can be asked, NO_ITEM where none is left. */
static uint32_t start_item(const struct session *session, const struct event *event)
{
    const struct plan *plan = session->plan;

    for (size_t i = 0; i < plan->test.n_start; i++) {
        uint32_t item = plan->start_items[i];

        if (!is_given(session, item) && !is_out(session, event, item)) return item;
    }
    return NO_ITEM;
}

/* Whether the exposure rule keeps items out that can be let in where no other is left. */
static bool can_lift(const struct session *session)
{
    return session->plan->test.exposure.rule->admits || session->n_kept > 0;
}

void session_choose(const struct session *session, const struct event *event,
                    struct workspace *workspace, struct choice *out)
{
    const struct plan *plan = session->plan;
    const struct test *test = &plan->test;
    unsigned n = session->n_answer;
    bool has_theta = n < test->n_start_theta, is_start = n == 0 || has_theta;

    *out = (struct choice){.rule = is_start ? &test->first_pick : &test->pick,
                           .theta = has_theta ? test->start_thetas[n] : session->theta,
                           .u = rng_uniform(session->seed, (uint64_t)(n + 1) * DRAWS + DRAW_PICK),
                           .set = SET_NONE,
                           .n = bank_n_item(plan->bank),
                           .item = start_item(session, event)};
    if (plan->proportions) out->group = proportions_n_group(plan->proportions);
    if (plan->strata) out->stratum = partition_n_group(plan->strata);
    out->interval = eligibility_interval(&test->exposure.eligibility, out->theta);
    out->is_start_item = out->item != NO_ITEM;
    if (out->is_start_item) return;
    choose_unblocked(session, event, workspace, out);
    if (out->item != NO_ITEM || !can_lift(session)) return;
    out->is_exposure_lifted = true;
    choose_unblocked(session, event, workspace, out);
}
