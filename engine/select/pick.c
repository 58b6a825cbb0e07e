/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "select/pick.h"

#include <math.h>

/* Whether x is better than y; of equal values the item that stands first in the bank. A value that
 * is no number is worse than every number, or it would hide those that come after it. */
static bool is_better(struct ranked x, struct ranked y, bool smallest)
{
    if (smallest ? x.value < y.value : x.value > y.value) return true;
    if (isnan(y.value)) return !isnan(x.value) || x.item < y.item;
    return x.value == y.value && x.item < y.item;
}

/* Whether an item that would be picked may be. */
static bool is_admitted(const struct criterion_input *input, const struct candidates *candidates,
                        uint32_t item)
{
    return !candidates->admits || candidates->admits(input->bank, item, input->seed);
}

/* Whether there is no room for it in a list sorted best first. */
static bool is_beaten(const struct ranked *list, size_t n, size_t n_best, struct ranked new,
                      bool smallest)
{
    return n == n_best && !is_better(new, list[n - 1], smallest);
}

/* Insert into a list sorted best first. */
static size_t insert(struct ranked *out, size_t n, size_t n_best, struct ranked new, bool smallest)
{
    size_t at = n;

    while (at > 0 && is_better(new, out[at - 1], smallest)) at--;
    if (at == n_best) return n;
    if (n < n_best) n++;
    for (size_t i = n - 1; i > at; i--) out[i] = out[i - 1];
    out[at] = new;
    return n;
}

size_t pick_best(const struct criterion *criterion, const struct criterion_input *input,
                 const struct candidates *candidates, double *value, struct ranked *out,
                 size_t n_best)
{
    size_t n_found = 0;

    criterion->values(input, candidates, value);
    for (size_t j = 0; j < candidates->n; j++) {
        struct ranked new = {candidates_item(candidates, j), value[j]};

        if (blocked_has(candidates->blocked, new.item)) continue;
        if (is_beaten(out, n_found, n_best, new, criterion->smallest)) continue;
        if (!is_admitted(input, candidates, new.item)) continue;
        n_found = insert(out, n_found, n_best, new, criterion->smallest);
    }
    return n_found;
}

/* The items of a shortlist in the order of their bounds, until no bound reaches the worst of those
 * found. An item outside that could tie with it might stand first in the bank, so the rest must be
 * below. */
static bool best_of_shortlist(const struct criterion_input *input,
                              const struct candidates *candidates, struct ranked *out,
                              size_t n_best, size_t *out_n)
{
    struct shortlist list;
    size_t n = 0;

    if (!shortlists_find(candidates->shortlists, candidates->group, input->theta, &list)) {
        return false;
    }
    for (size_t j = 0; j < list.n; j++) {
        struct ranked new = {.item = list.entry[j].item};
        const struct item *item;

        if (n == n_best && (double)list.entry[j].bound < out[n - 1].value) break;
        if (blocked_has(candidates->blocked, new.item)) continue;
        item = bank_item(input->bank, new.item);
        new.value = item->model->info(item, input->theta);
        if (is_beaten(out, n, n_best, new, false)) continue;
        if (!is_admitted(input, candidates, new.item)) continue;
        n = insert(out, n, n_best, new, false);
    }
    *out_n = n;
    return list.rest < 0.0 || (n == n_best && list.rest < out[n - 1].value);
}

/* An item whose bounds say that n_best others are better is out, whatever its value is. The others
 * into scratch->close; returns how many, more than PICK_CLOSE where there is no room for them. */
static size_t find_close(const struct criterion *criterion, const struct criterion_input *input,
                         const struct candidates *candidates, struct pick_scratch *scratch,
                         size_t n_best)
{
    const double *sure = criterion->smallest ? scratch->bound : scratch->value;
    const double *hope = criterion->smallest ? scratch->value : scratch->bound;
    size_t n_sure = 0, n = 0;
    double limit;

    for (size_t j = 0; j < candidates->n; j++) {
        struct ranked new = {candidates_item(candidates, j), sure[j]};

        if (blocked_has(candidates->blocked, new.item)) continue;
        if (is_beaten(scratch->best, n_sure, n_best, new, criterion->smallest)) continue;
        if (!is_admitted(input, candidates, new.item)) continue;
        n_sure = insert(scratch->best, n_sure, n_best, new, criterion->smallest);
    }
    if (n_sure < n_best) return PICK_CLOSE + 1;
    limit = scratch->best[n_best - 1].value;
    for (size_t j = 0; j < candidates->n && n <= PICK_CLOSE; j++) {
        uint32_t item = candidates_item(candidates, j);

        if (criterion->smallest ? hope[j] > limit : hope[j] < limit) continue;
        if (blocked_has(candidates->blocked, item)) continue;
        if (!is_admitted(input, candidates, item)) continue;
        if (n < PICK_CLOSE) scratch->close[n] = item;
        n++;
    }
    return n;
}

/* By the values of those few that the criterion's bounds leave. */
static bool best_of_bounds(const struct criterion *criterion, const struct criterion_input *input,
                           const struct candidates *candidates, struct pick_scratch *scratch,
                           size_t n_best)
{
    struct candidates close = {.list = scratch->close, .blocked = candidates->blocked};

    if (!criterion->bounds || !scratch->bound || candidates->n <= n_best) return false;
    if (!criterion->bounds(input, candidates, scratch->value, scratch->bound)) return false;
    close.n = find_close(criterion, input, candidates, scratch, n_best);
    if (close.n > PICK_CLOSE) return false;
    pick_best(criterion, input, &close, scratch->value, scratch->best, n_best);
    return true;
}

/* Outwards from theta, the nearer side first, until the nearest that is left is farther than the
 * worst of those found. One as far as that may still stand before it in the bank. */
static bool best_of_centres(const struct criterion *criterion, const struct criterion_input *input,
                            const struct candidates *candidates, struct ranked *out, size_t n_best,
                            size_t *out_n)
{
    const struct centres *centres = input->centres;
    size_t low, high, n = 0;

    if (!centres || centres->criterion != criterion || candidates->list) return false;
    low = high = centres_below(centres, input->theta);
    while (low > 0 || high < centres->n_item) {
        struct ranked below = {.value = (double)INFINITY}, new = {.value = (double)INFINITY};

        if (low > 0) below.item = centres->order[low - 1];
        if (low > 0) below.value = fabs(centres->centre[below.item] - input->theta);
        if (high < centres->n_item) new.item = centres->order[high];
        if (high < centres->n_item) new.value = fabs(centres->centre[new.item] - input->theta);
        if (high == centres->n_item || (low > 0 && below.value < new.value)) {
            new = below;
            low--;
        } else {
            high++;
        }
        if (n == n_best && new.value > out[n - 1].value) break;
        if (blocked_has(candidates->blocked, new.item)) continue;
        if (is_beaten(out, n, n_best, new, true)) continue;
        if (!is_admitted(input, candidates, new.item)) continue;
        n = insert(out, n, n_best, new, true);
    }
    *out_n = n;
    return true;
}

size_t pick_top(const struct criterion *criterion, const struct criterion_input *input,
                const struct candidates *candidates, struct pick_scratch *scratch, size_t n_best)
{
    size_t n;

    if (criterion->is_info && best_of_shortlist(input, candidates, scratch->best, n_best, &n)) {
        return n;
    }
    if (best_of_centres(criterion, input, candidates, scratch->best, n_best, &n)) return n;
    if (best_of_bounds(criterion, input, candidates, scratch, n_best)) return n_best;
    return pick_best(criterion, input, candidates, scratch->value, scratch->best, n_best);
}

const struct ranked *pick_draw(const struct ranked *best, size_t n, double u)
{
    size_t chosen = (size_t)(u * (double)n);

    return &best[chosen < n ? chosen : n - 1];
}

/* The first candidate at which the sum of the probabilities passes u. Where rounding leaves the sum
 * short of 1 the last candidate takes the rest. */
static uint32_t draw_proportional(const struct criterion_input *input,
                                  const struct criterion *criterion,
                                  const struct candidates *candidates, double *value, double u)
{
    uint32_t item = PICK_NONE;
    double sum = 0.0;

    criterion->values(input, candidates, value);
    for (size_t j = 0; j < candidates->n; j++) {
        if (blocked_has(candidates->blocked, candidates_item(candidates, j))) continue;
        item = candidates_item(candidates, j);
        sum += value[j];
        if (u < sum) break;
    }
    return item;
}

uint32_t pick_next(const struct pick_rule *rule, const struct criterion_input *input,
                   const struct candidates *candidates, struct pick_scratch *scratch, double u)
{
    size_t n;

    if (rule->criterion->drawn) {
        return draw_proportional(input, rule->criterion, candidates, scratch->value, u);
    }
    n = pick_top(rule->criterion, input, candidates, scratch, rule->n_best);
    return n > 0 ? pick_draw(scratch->best, n, u)->item : PICK_NONE;
}
