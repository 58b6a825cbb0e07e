/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The probabilities k of Sympson and Hetter, found by simulation. */
#ifndef TOOLS_EXPOSURE_FIT_H
#define TOOLS_EXPOSURE_FIT_H

#include "tools/simulate.h"

#include <stdio.h>

enum { EXPOSURE_FIT_ROUNDS = 100 };

/* What one round of simulation showed, under the k that the rounds before it had come to. */
struct exposure_fit_round {
    double largest;    // exposure
    double overlap;    // mean share of a test's items that two examinees have in common
    double rmse;       // of theta, the mean over its dimensions
    size_t n_limited;  // items with k below 1
};

/* What is to be fitted. */
struct exposure_fit {
    struct simulation simulation;  // of a round; `admit` and `keep_items` are the fit's own
    const double *theta;           // [n_examinee][n_dim] true thetas
    double rate;                   // no item is to be asked in more than this share of the tests
    unsigned n_round;              // at most so many, 1 to EXPOSURE_FIT_ROUNDS
    void (*told)(const struct exposure_fit_round *round, unsigned number, void *context);
    void *context;
};

/* How far a rate that is the goal may be passed by chance: three standard errors of a share. */
double exposure_fit_slack(double rate, size_t n_examinee);

/* Fit. out_k [n_item] are the probabilities of the round whose largest exposure was the smallest;
 * *out_rounds [n_round] tells of every round, *out_n how many there were: fewer than n_round where
 * the last held the rate but for the slack. NO_MEMORY. */
MUST_CHECK enum status exposure_fit(const struct exposure_fit *fit, double *out_k,
                                    struct exposure_fit_round *out_rounds, unsigned *out_n);

/* item, k: a row for each item. False where writing fails. */
MUST_CHECK bool exposure_fit_csv(const struct bank *bank, const double *k, FILE *out);

/* Whether a bank's file has items by a column `id`, as the native format has: then it can be
 * written again with the k in its column `exposure`, which is added where it has none. */
bool exposure_fit_can_merge(struct slice csv);
MUST_CHECK enum status exposure_fit_merge(struct slice csv, const struct bank *bank,
                                          const double *k, FILE *out);

#endif
