/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The items of one block side by side, and their curves at a theta each. They are good to
 * ROUGH_CURVE, which is enough for bounds: what decides a pick asks the models. */
#ifndef IRT_LANE_ITEMS_H
#define IRT_LANE_ITEMS_H

#include "irt/bank.h"
#include "irt/item_table.h"

/* Relative to the largest term. The exponents of 16 categories with the steepest slopes are sums of
 * 15 terms of up to 2e5, each rounded: 3e-10. */
#define ROUGH_CURVE 1e-8

struct lane_form;

/* Parameters by form; a lane without an item repeats the one before. */
struct lane_items {
    const struct lane_form *form[LANES];
    bool is_mixed;                    // not all of one form
    unsigned n_cat;                   // the largest
    double a[LANES], b[LANES];        // logistic; a of graded too
    double c[LANES], d[LANES];        // logistic
    double slope[LIMIT_CATS][LANES];  // share: z_k = slope theta + step
    double step[LIMIT_CATS][LANES];   // graded: threshold k, from 1
    double rate[LANES];               // no |d log P_k / d theta| is larger
};

/* P_k, the observed information of category k, and the expected. P_k is 0 where an item has no such
 * category. */
struct lane_curves {
    double p[LIMIT_CATS][LANES], observed[LIMIT_CATS][LANES], info[LANES];
};

/* A form that models share: a row of each of them. */
struct lane_form {
    void (*put)(const struct item *item, size_t lane, struct lane_items *out);
    void (*curves)(const struct lane_items *items, const double theta[LANES],
                   struct lane_curves *out);
};

extern const struct lane_form lane_logistic, lane_graded, lane_share;

/* Items first .. first + LANES - 1 of a bank, as far as there are any. False where a model has no
 * form. Pre: the bank has item `first`. */
MUST_CHECK bool lane_items_of(const struct bank *bank, size_t first, struct lane_items *out);

/* Their curves, item i's at theta[i]. */
void lane_items_curves(const struct lane_items *items, const double theta[LANES],
                       struct lane_curves *out);

#endif
