/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sympson and Hetter (1985): an item that would be picked is asked with its probability k, and else
 * passed over for the rest of the test. So each item meets its draw at most once in a session, and
 * drawing for every item beforehand is the same: a session admits an item or it does not.
 *
 * a-stratified (Chang and Ying 1999): the items with the lowest slopes are for the first stage of
 * the test, those with the highest for the last. Stratum borders are the quantiles of a (as catR
 * has them). With b blocking the bank is cut into blocks of neighbouring difficulty, one item of
 * each block going to each stratum. */
#include "select/exposure.h"
#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* The counter of an item's one draw, away from those of the questions. */
#define EXPOSURE_DRAW ((uint64_t)1 << 60)

const struct exposure_rule *const exposure_rules[] = {
    &exposure_none, &exposure_sympson_hetter, &exposure_a_stratified, &exposure_eligibility, NULL};

bool exposure_counts_uses(const struct exposure_spec *spec)
{
    return spec->rule->by_counts || spec->max_uses > 0;
}

const struct exposure_rule *exposure_rule_find(struct slice name)
{
    for (size_t i = 0; exposure_rules[i]; i++) {
        if (slice_equal_str(name, exposure_rules[i]->name)) return exposure_rules[i];
    }
    return NULL;
}

bool exposure_admits(double k, uint32_t item, uint64_t seed)
{
    return k >= 1.0 || rng_uniform(seed, EXPOSURE_DRAW | item) < k;
}

static bool sympson_hetter_admits(const struct bank *bank, uint32_t item, uint64_t seed)
{
    return exposure_admits(bank_exposure(bank, item), item, seed);
}

/* An item in the order of its slope or difficulty. */
struct placed {
    double key;
    uint32_t item;
};

static int by_key(const void *x, const void *y)
{
    const struct placed *a = x, *b = y;

    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return a->item < b->item ? -1 : a->item > b->item;
}

/* The quantile of sorted keys at share q, interpolated between neighbours (R's type 7). */
static double quantile(const struct placed *sorted, size_t n, double q)
{
    double place = q * (double)(n - 1);
    size_t below = (size_t)floor(place);
    double share = place - (double)below;
    size_t above = below + 1 < n ? below + 1 : below;

    return sorted[below].key + share * (sorted[above].key - sorted[below].key);
}

static void stratify_by_quantiles(const struct placed *sorted, size_t n, size_t n_stratum,
                                  uint8_t *stratum_of)
{
    for (size_t i = 0; i < n; i++) stratum_of[sorted[i].item] = 0;
    for (size_t s = 1; s < n_stratum; s++) {
        double border = quantile(sorted, n, (double)s / (double)n_stratum);

        for (size_t i = 0; i < n; i++) {
            if (sorted[i].key >= border) stratum_of[sorted[i].item] = (uint8_t)s;
        }
    }
}

/* By insertion: a block has as many items as there are strata. */
static void sort_block(struct placed *block, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t j = i; j > 0 && by_key(&block[j], &block[j - 1]) < 0; j--) {
            struct placed other = block[j];

            block[j] = block[j - 1];
            block[j - 1] = other;
        }
    }
}

/* `sorted` is by difficulty; every n_stratum neighbours are a block. */
static void stratify_by_blocks(const struct bank *bank, struct placed *sorted, size_t n,
                               size_t n_stratum, uint8_t *stratum_of)
{
    for (size_t first = 0; first < n; first += n_stratum) {
        size_t n_block = n - first < n_stratum ? n - first : n_stratum;
        struct placed *block = sorted + first;

        for (size_t i = 0; i < n_block; i++) block[i].key = bank_item(bank, block[i].item)->a;
        sort_block(block, n_block);
        for (size_t i = 0; i < n_block; i++) stratum_of[block[i].item] = (uint8_t)i;
    }
}

static struct partition *strata_new(const struct bank *bank, const struct exposure_spec *spec)
{
    size_t n = bank_n_item(bank);
    struct placed *sorted = calloc(n, sizeof(*sorted));
    uint8_t *stratum_of = calloc(n, sizeof(*stratum_of));
    struct partition *strata = NULL;

    assert(spec->n_stratum >= 1 && spec->n_stratum <= LIMIT_GROUPS);
    if (sorted && stratum_of) {
        for (size_t i = 0; i < n; i++) {
            const struct item *item = bank_item(bank, i);

            sorted[i] = (struct placed){.key = spec->b_blocks ? item_difficulty(item) : item->a,
                                        .item = (uint32_t)i};
        }
        qsort(sorted, n, sizeof(*sorted), by_key);
        if (spec->b_blocks)
            stratify_by_blocks(bank, sorted, n, spec->n_stratum, stratum_of);
        else
            stratify_by_quantiles(sorted, n, spec->n_stratum, stratum_of);
        strata = partition_new(stratum_of, n, spec->n_stratum);
    }
    free(sorted);
    free(stratum_of);
    return strata;
}

const struct exposure_rule exposure_none = {.name = "none", .dims = DIMS_ANY};
const struct exposure_rule exposure_sympson_hetter = {
    .name = "sympson-hetter", .dims = DIMS_ANY, .admits = sympson_hetter_admits};
const struct exposure_rule exposure_a_stratified = {.name = "a-stratified", .strata = strata_new};
const struct exposure_rule exposure_eligibility = {
    .name = "eligibility", .dims = DIMS_ANY, .by_counts = true};
