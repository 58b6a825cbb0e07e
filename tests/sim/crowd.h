/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many examinees whose abilities are known, and what is counted of them. */
#ifndef SIM_CROWD_H
#define SIM_CROWD_H

#include "irt/bank.h"
#include "tests/support/dice.h"

/* How many standard errors a figure may miss its value by. A normal variable is further off once in
 * 1.7 million times, so a test of ten figures fails without cause once in 170,000 seeds. */
#define STANDARD_ERRORS 5.0

/* A draw of N(0, 1). */
double normal_draw(struct dice *dice);

/* The score that an examinee of ability theta gives. */
unsigned score_draw(struct dice *dice, const struct item *item, double theta);

/* Running mean and variance of a figure. */
struct tally {
    double n, sum, square;
};

void tally_add(struct tally *tally, double value);
double tally_mean(const struct tally *tally);
double tally_variance(const struct tally *tally);

#endif
