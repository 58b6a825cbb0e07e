/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The exact standard error: the standard deviation of the estimator over all response patterns to
 * the answered items, at the estimated theta (Magis 2014). */
#ifndef ESTIMATE_EXACT_SE_H
#define ESTIMATE_EXACT_SE_H

#include "estimate/estimator.h"

enum { LIMIT_PATTERNS = 4096 };

/* The SE of `spec`'s estimator at `theta` for the evidence's items; its scores do not count.
 * `score` [evidence->n] is scratch. NaN where there are more than LIMIT_PATTERNS patterns. */
double exact_se(const struct estimate_spec *spec, const struct evidence *evidence, double theta,
                uint8_t *score, struct estimate_workspace *workspace);

#endif
