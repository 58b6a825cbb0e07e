/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who takes a simulated test: true thetas that are drawn, laid out or read, or the answers that
 * real examinees once gave. */
#ifndef TOOLS_EXAMINEES_H
#define TOOLS_EXAMINEES_H

#include "session/plan.h"

enum { EXAMINEES_ABOUT = 96, EXAMINEES_MAX = 10000000 };

/* Start from {0}. */
struct examinees {
    size_t n;
    double *theta;                // [n][n_dim of the bank]
    uint8_t *responses;           // [n][n_item] as struct simulation has them, or NULL
    char about[EXAMINEES_ABOUT];  // where the thetas come from, in words
};

/* n thetas drawn from a normal distribution, a pure function of (seed, number). */
MUST_CHECK enum status examinees_normal(size_t n, uint64_t seed, double mean, double sd,
                                        struct examinees *out);
/* n thetas of the plan's bank of several dimensions, drawn in the same way from the normal prior of
 * the test's final estimate. */
MUST_CHECK enum status examinees_prior(size_t n, uint64_t seed, const struct plan *plan,
                                       struct examinees *out);
/* The points min, min + step, .. up to max, in turn until there are n. Pre: min <= max, step > 0.
 */
MUST_CHECK enum status examinees_grid(size_t n, double min, double max, double step,
                                      struct examinees *out);
/* Thetas from a CSV table with a column "theta", in several dimensions "theta1", "theta2", ..; n of
 * them in turn, or as many as there are where n is 0. BAD_REQUEST with faults where a cell is no
 * theta. */
MUST_CHECK enum status examinees_read(struct slice csv, size_t n, size_t n_dim,
                                      struct examinees *out, struct faults *faults);
/* A response matrix from a CSV table: one row for each examinee, one column of scores for each
 * item, headed by its id; empty or NA: missing. A first column called "id" or "examinee", or
 * without a name, is passed over. The theta of an examinee is the plan's final estimate from all
 * his answers. BAD_REQUEST with faults, by row and column. */
MUST_CHECK enum status examinees_matrix(struct slice csv, const struct plan *plan,
                                        struct examinees *out, struct faults *faults);
void examinees_done(struct examinees *examinees);

#endif
