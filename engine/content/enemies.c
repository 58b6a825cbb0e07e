/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All lists of enemies one after the other, and where each item's begins. */
#include "content/enemies.h"

#include <assert.h>
#include <stdlib.h>

struct enemies {
    size_t n_item;
    uint32_t *start;  // [n_item + 1] of each item's list in other
    uint32_t *other;
};

void enemies_free(struct enemies *enemies)
{
    if (!enemies) return;
    free(enemies->start);
    free(enemies->other);
    free(enemies);
}

/* The item that item i names as its k-th enemy; the bank has checked that there is one. */
static size_t named(const struct bank *bank, size_t i, size_t k)
{
    long other = bank_find(bank, bank_enemy(bank, i, k));

    assert(other >= 0);
    return (size_t)other;
}

/* Counts, then sums of counts: start[i] is where list i ends, until it is filled from its end. */
static void count_all(struct enemies *enemies, const struct bank *bank)
{
    for (size_t i = 0; i < enemies->n_item; i++) {
        for (size_t k = 0; k < bank_n_enemy(bank, i); k++) {
            enemies->start[i]++;
            enemies->start[named(bank, i, k)]++;
        }
    }
    for (size_t i = 0; i < enemies->n_item; i++) enemies->start[i + 1] += enemies->start[i];
}

static void fill_all(struct enemies *enemies, const struct bank *bank)
{
    for (size_t i = 0; i < enemies->n_item; i++) {
        for (size_t k = 0; k < bank_n_enemy(bank, i); k++) {
            size_t other = named(bank, i, k);

            enemies->other[--enemies->start[i]] = (uint32_t)other;
            enemies->other[--enemies->start[other]] = (uint32_t)i;
        }
    }
}

struct enemies *enemies_new(const struct bank *bank)
{
    struct enemies *enemies = calloc(1, sizeof(*enemies));

    if (!enemies) return NULL;
    enemies->n_item = bank_n_item(bank);
    enemies->start = calloc(enemies->n_item + 2, sizeof(*enemies->start));
    if (!enemies->start) goto failed;
    count_all(enemies, bank);
    enemies->other = calloc(enemies->start[enemies->n_item] + 1, sizeof(*enemies->other));
    if (!enemies->other) goto failed;
    fill_all(enemies, bank);
    return enemies;
failed:
    enemies_free(enemies);
    return NULL;
}

const uint32_t *enemies_of(const struct enemies *enemies, size_t item, size_t *out_n)
{
    assert(item < enemies->n_item);
    *out_n = enemies->start[item + 1] - enemies->start[item];
    return enemies->other + enemies->start[item];
}

bool enemies_are_none(const struct enemies *enemies)
{
    return enemies->start[enemies->n_item] == 0;
}

bool enemies_are(const struct enemies *enemies, size_t one, size_t other)
{
    size_t n;
    const uint32_t *list = enemies_of(enemies, one, &n);

    for (size_t j = 0; j < n; j++) {
        if (list[j] == other) return true;
    }
    return false;
}
