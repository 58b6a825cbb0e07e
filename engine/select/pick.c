/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "select/pick.h"
#include "base/rng.h"

/* Insert into a list sorted best first; an equal value goes behind those that were there. */
static size_t insert(struct ranked *out, size_t n, size_t n_best, struct ranked new, bool smallest)
{
    size_t at = n;

    while (at > 0 && (smallest ? new.value < out[at - 1].value : new.value > out[at - 1].value)) {
        at--;
    }
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
    const uint32_t *list = candidates->list;
    size_t n_found = 0;

    criterion->values(input, list, candidates->n, value);
    for (size_t j = 0; j < candidates->n; j++) {
        uint32_t item = list ? list[j] : (uint32_t)j;

        if (blocked_has(candidates->blocked, item)) continue;
        n_found =
            insert(out, n_found, n_best, (struct ranked){item, value[j]}, criterion->smallest);
    }
    return n_found;
}

const struct ranked *pick_draw(const struct ranked *best, size_t n, uint64_t seed, uint64_t draw)
{
    size_t chosen = (size_t)(rng_uniform(seed, draw) * (double)n);

    return &best[chosen < n ? chosen : n - 1];
}
