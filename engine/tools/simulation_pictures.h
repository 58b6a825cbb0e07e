/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The charts of a simulation's page. */
#ifndef TOOLS_SIMULATION_PICTURES_H
#define TOOLS_SIMULATION_PICTURES_H

#include "tools/examinees.h"
#include "tools/simulation_summary.h"

enum { PICTURE_DOTS = 1000 };

/* Pictures with theta on the x axis. */
enum picture { PICTURE_BIAS, PICTURE_ERRORS, PICTURE_COVERAGE, PICTURE_LENGTH };

/* Numbers of the groups. */
void picture_by_theta(const struct summary_theta *dim, enum picture picture, FILE *out);
/* Estimates against true thetas, of at most PICTURE_DOTS examinees, evenly taken. Both arrays begin
 * at the dimension that is shown, and have all of them [n_examinee][n_dim]. */
void picture_estimates(const struct simulation *simulation, const double *theta,
                       const struct simulated *result, FILE *out);
/* How many tests had how many items. */
void picture_lengths(const struct simulation_summary *summary, FILE *out);
/* Exposure rates from the largest down. NO_MEMORY. */
MUST_CHECK enum status picture_exposure(const struct simulation_summary *summary, FILE *out);

#endif
