/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pick is made again by the same function, so that what is explained is what was done. */
#include "session/explain.h"
#include "session/state.h"

#include <math.h>
#include <stdlib.h>

const char *const item_part_names[PART_N] = {
    [PART_ASKED] = "asked",
    [PART_DRAWN_FROM] = "drawn_from",
    [PART_CANDIDATE] = "candidate",
    [PART_GIVEN] = "given",
    [PART_RETIRED] = "retired",
    [PART_OTHER_GROUP] = "other_group",
    [PART_OTHER_STRATUM] = "other_stratum",
    [PART_NOT_ADMITTED] = "not_admitted",
    [PART_NOT_ELIGIBLE] = "not_eligible",
    [PART_USED_UP] = "used_up",
    [PART_SEEN_BEFORE] = "seen_before",
    [PART_ENEMY] = "enemy",
    [PART_OTHER_SET] = "other_set",
    [PART_NOT_COMPARED] = "not_compared",
};

/* Why an item that was neither given nor withdrawn may have been no candidate. */
static enum item_part part_of(const struct session *session, const struct choice *choice,
                              uint32_t item)
{
    const struct plan *plan = session->plan;
    const struct exposure_rule *rule = plan->test.exposure.rule;

    if (choice->is_start_item) return PART_NOT_COMPARED;
    if (rule->admits && !choice->is_exposure_lifted &&
        !rule->admits(plan->bank, item, session->seed)) {
        return PART_NOT_ADMITTED;
    }
    if (choice->set != SET_NONE) return PART_OTHER_SET;
    return plan->strata ? PART_OTHER_STRATUM : PART_OTHER_GROUP;
}

static void fill_list(const uint32_t *list, uint32_t n, enum item_part part,
                      struct explained_item *items)
{
    for (uint32_t j = 0; j < n; j++) {
        if (list[j] != NO_ITEM) items[list[j]].part = part;
    }
}

/* What the session was not to be asked from its start. */
static void fill_kept(const struct session *session, const struct choice *choice,
                      struct explained_item *items)
{
    bool lifted = choice->is_exposure_lifted || choice->is_start_item;

    for (uint32_t j = 0; j < session->n_kept; j++) {
        const struct kept_out *kept = &session->kept[j];

        if (kept->where == KEPT_SEEN)
            items[kept->item].part = PART_SEEN_BEFORE;
        else if (!lifted && kept->where >> choice->interval & 1)
            items[kept->item].part = PART_NOT_ELIGIBLE;
    }
}

/* What the blueprint rules out, by the same marks that keep it from being picked. */
static void fill_blocked(const struct session *session, struct blocked blocked,
                         void (*block)(const struct session *, struct blocked,
                                       void (*mark)(struct blocked, size_t)),
                         enum item_part part, struct explained_item *items)
{
    block(session, blocked, blocked_set);
    for (size_t i = 0; i < bank_n_item(session->plan->bank); i++) {
        if (blocked_has(blocked, i)) items[i].part = part;
    }
    block(session, blocked, blocked_clear);
}

/* Every item as if it were no candidate. */
static void fill_others(const struct session *session, const struct event *event,
                        const struct choice *choice, struct blocked blocked,
                        struct explained_item *items)
{
    uint32_t n_item = (uint32_t)bank_n_item(session->plan->bank);

    for (uint32_t i = 0; i < n_item; i++) {
        items[i] = (struct explained_item){
            .item = i, .part = part_of(session, choice, i), .value = (double)NAN};
    }
    if (!choice->is_start_item) {
        fill_blocked(session, blocked, session_block_sets, PART_OTHER_SET, items);
        fill_blocked(session, blocked, session_block_enemies, PART_ENEMY, items);
    }
    fill_kept(session, choice, items);
    fill_list(event->used, event->n_used, PART_USED_UP, items);
    fill_list(event->retired, event->n_retired, PART_RETIRED, items);
    for (unsigned j = 0; j < session->n_answer; j++) items[session->given[j]].part = PART_GIVEN;
}

/* The values of the candidates, and which of them the draw was from. Returns how many those are. */
static size_t fill_candidates(const struct session *session, const struct choice *choice,
                              struct workspace *workspace, struct explained_item *items)
{
    struct estimate_spec room;
    const struct estimate_spec *own =
        session_own_spec(session, &session->plan->test.interim, &room);
    struct criterion_input input = session_input(session, own, workspace);
    struct candidates candidates = session_candidates(session, choice, workspace);
    struct pick_scratch *scratch = &workspace->scratch;
    size_t n_best;

    input.theta = choice->theta;
    n_best = pick_best(choice->rule->criterion, &input, &candidates, scratch->value, scratch->best,
                       choice->rule->n_best);
    for (size_t j = 0; j < candidates.n; j++) {
        struct explained_item *item = &items[candidates_item(&candidates, j)];

        if (blocked_has(candidates.blocked, item->item)) continue;
        item->part = choice->rule->criterion->drawn ? PART_DRAWN_FROM : PART_CANDIDATE;
        item->value = scratch->value[j];
    }
    for (size_t j = 0; j < n_best; j++) items[scratch->best[j].item].part = PART_DRAWN_FROM;
    return n_best;
}

static int by_part(const struct explained_item *a, const struct explained_item *b)
{
    if (a->part != b->part &&
        (isnan(a->value) || isnan(b->value) || a->part == PART_ASKED || b->part == PART_ASKED)) {
        return a->part < b->part ? -1 : 1;
    }
    return 0;
}

static int by_item(const struct explained_item *a, const struct explained_item *b)
{
    return a->item < b->item ? -1 : a->item > b->item;
}

static int largest_first(const void *x, const void *y)
{
    const struct explained_item *a = x, *b = y;
    int order = by_part(a, b);

    if (order != 0) return order;
    if (a->value != b->value && !isnan(a->value)) return a->value > b->value ? -1 : 1;
    return by_item(a, b);
}

static int smallest_first(const void *x, const void *y)
{
    const struct explained_item *a = x, *b = y;
    int order = by_part(a, b);

    if (order != 0) return order;
    if (a->value != b->value && !isnan(a->value)) return a->value < b->value ? -1 : 1;
    return by_item(a, b);
}

void session_explain(const struct session *session, const struct event *event,
                     struct workspace *workspace, struct explanation *out)
{
    const struct plan *plan = session->plan;
    struct choice choice;
    bool has_group;

    session_choose(session, event, workspace, &choice);
    has_group = plan->proportions && choice.group < proportions_n_group(plan->proportions);
    out->criterion = choice.is_start_item ? NULL : choice.rule->criterion->name;
    out->theta = choice.theta;
    out->se = session->se;
    out->n_dim = bank_n_dim(plan->bank);
    out->ability = session_ability(session);
    out->u = choice.u;
    out->n_best = 0;
    out->group = has_group ? choice.group : SIZE_MAX;
    fill_others(session, event, &choice, workspace->blocked, out->items);
    if (!choice.is_start_item) {
        session_block_choice(session, event, &choice, workspace->blocked, blocked_set);
        out->n_best = fill_candidates(session, &choice, workspace, out->items);
        session_block_choice(session, event, &choice, workspace->blocked, blocked_clear);
    }
    if (choice.item != NO_ITEM) out->items[choice.item].part = PART_ASKED;
    qsort(out->items, bank_n_item(plan->bank), sizeof(*out->items),
          choice.rule->criterion->smallest ? smallest_first : largest_first);
}
