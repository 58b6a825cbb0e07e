/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Priors to test with. */
#ifndef SUPPORT_PRIORS_H
#define SUPPORT_PRIORS_H

#include "estimate/estimator.h"
#include "tests/support/dice.h"

/* A prior of that kind: mean 0.385, SD 1.1, from -2.385 to 3.1, a table of six points. */
struct prior prior_of(const struct prior_kind *kind);

/* Any kind that the estimator takes. */
const struct prior_kind *prior_draw(struct dice *dice, const struct estimator *estimator);

/* A prior that is a table of the normal density at the grid's nodes, kept in `points`. */
struct prior prior_normal_table(const struct grid *grid, double mean, double sd,
                                struct prior_points *points);

#endif
