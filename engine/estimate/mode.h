/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The highest mode of a function of theta that is known by its derivative. */
#ifndef ESTIMATE_MODE_H
#define ESTIMATE_MODE_H

#include "estimate/estimator.h"

/* Widest cell of the scan for modes, in logits. */
#define MODE_CELL 0.05

/* The theta in [lower, upper] where the function with derivative `slope` is highest. `concave` says
 * that there is one mode, which is then bracketed at once; otherwise the slope is scanned in cells
 * of MODE_CELL, each change from rising to falling is solved, and where there are several modes
 * they are compared by the integral of the slope between them. `out` gets theta, boundary and
 * iterations; se is left alone. */
void mode_find(struct function slope, double lower, double upper, bool concave,
               struct estimate_workspace *workspace, struct estimate *out);

/* The scan by itself: the thetas it looks at, into theta [returned, at most LIMIT_SCAN]. */
size_t mode_scan_nodes(double lower, double upper, double *theta);

/* mode_find with the slopes at the scan's nodes known already: workspace->node [n_node] and
 * workspace->slope [n_node] hold them. */
void mode_of_scan(struct function slope, size_t n_node, struct estimate_workspace *workspace,
                  struct estimate *out);

/* 1 / sqrt(information); infinite where there is none. */
double se_of_info(double info);

#endif
