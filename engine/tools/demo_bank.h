/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bank of mathematics questions to try the engine with. The questions and their answers are
 * right; the item parameters are illustrative: they come from the look of the question and a random
 * draw, not from students. */
#ifndef TOOLS_DEMO_BANK_H
#define TOOLS_DEMO_BANK_H

#include "base/slice.h"

enum { DEMO_ITEMS = 320, DEMO_OPTIONS = 4, DEMO_TEXT = 160, DEMO_OPTION = 24 };

struct demo_item {
    char id[24];
    const char *strand;  // arithmetic, fractions, equations, ratios: 80 items of each
    char text[DEMO_TEXT];
    char options[DEMO_OPTIONS][DEMO_OPTION];  // all different, fractions in lowest terms
    size_t key;                               // which option is right
    double a, b, c;                           // 3PL, D = 1
};

/* The same seed gives the same items. */
void demo_bank(uint64_t seed, struct demo_item out_items[DEMO_ITEMS]);

/* Append the items as a CSV file of the native format (import.h). */
void demo_bank_csv(const struct demo_item *items, size_t n_item, struct buf *out);

#endif
