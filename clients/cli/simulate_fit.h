/* SPDX-License-Identifier: GPL-3.0-or-later */
/* simulate --fit-sympson-hetter: the fit, what it shows and what it writes. */
#ifndef CLI_SIMULATE_FIT_H
#define CLI_SIMULATE_FIT_H

#include "clients/cli/args.h"
#include "clients/cli/test_source.h"
#include "tools/exposure_fit.h"

/* Start from {0}. */
struct simulate_fit {
    struct plan *plan;  // of the test without an exposure rule
    double *k;          // [n_item]; NULL: nothing was fitted
    double rate, slack;
    unsigned n_round;
    struct exposure_fit_round round[EXPOSURE_FIT_ROUNDS];
};

/* Fit where the options ask for it; each round is told on stderr. Then simulation->plan and ->admit
 * are the fit's. EX_OK, or told on stderr and the exit code. */
MUST_CHECK int simulate_fit_run(struct cli *cli, const struct args *args,
                                const struct test_source *source, const double *theta,
                                struct simulation *simulation, struct simulate_fit *out);
void simulate_fit_done(struct simulate_fit *fit);

void simulate_fit_show(const struct simulate_fit *fit);
/* The rounds as JSON; NULL without memory. */
MUST_CHECK json_t *simulate_fit_json(const struct simulate_fit *fit);

/* Write sympson-hetter.csv and, where the bank is a file of our own format, bank.csv with the k as
 * its exposure. EX_OK, or told on stderr and the exit code. */
MUST_CHECK int simulate_fit_write(const struct simulate_fit *fit, const struct args *args,
                                  const struct bank *bank, const char *folder);

#endif
