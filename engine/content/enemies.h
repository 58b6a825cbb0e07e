/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Enemies: items that must not stand in the same test, because one gives the other away. */
#ifndef CONTENT_ENEMIES_H
#define CONTENT_ENEMIES_H

#include "irt/bank.h"

/* Who is whose enemy, to be had without a search. Immutable. */
struct enemies;

/* The enemies of a bank: where one item names another, each is the other's. NULL without memory. */
struct enemies *enemies_new(const struct bank *bank);
void enemies_free(struct enemies *enemies);  // NULL is fine

/* The enemies of an item; one that both sides name stands twice. */
const uint32_t *enemies_of(const struct enemies *enemies, size_t item, size_t *out_n);

/* Whether no item of the bank has any. */
bool enemies_are_none(const struct enemies *enemies);

bool enemies_are(const struct enemies *enemies, size_t one, size_t other);

#endif
