/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Person fit: how plausible a pattern of answers is at its estimate. Reported beside a score, never
 * acting by itself. */
#ifndef ESTIMATE_PERSON_FIT_H
#define ESTIMATE_PERSON_FIT_H

#include "estimate/estimator.h"

struct person_fit {
    double lz;  // NaN where nothing can vary
    double
        lz_star;  // corrected for theta being estimated; NaN where theta solves no score equation
};

/* lz (Drasgow, Levine and Williams 1985), the standardised log-likelihood, and lz* (Snijders 2001;
 * Magis, Raiche and Beland 2012; for several categories Sinharay 2016) of the answers at `theta`,
 * which `spec`'s estimator gave. Large negative values are misfit; lz* is near N(0, 1) for people
 * who fit. lz* exists for ML, MAP and WLE in one dimension, whose estimate solves an equation of
 * the score, but not where theta is at a bound, or was stepped to, or one answer fixes it.
 * `theta` [n_dim]. */
struct person_fit person_fit(const struct estimate_spec *spec, const struct evidence *evidence,
                             const double *theta);

#endif
