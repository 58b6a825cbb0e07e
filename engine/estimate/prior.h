/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prior distributions of theta. One row each, in one table. */
#ifndef ESTIMATE_PRIOR_H
#define ESTIMATE_PRIOR_H

#include "base/slice.h"

struct prior_kind;

/* Only the parameters that the kind has count. */
struct prior {
    const struct prior_kind *kind;
    double mean, sd;  // normal
    double min, max;  // uniform
};

/* The test information at a theta and its derivatives: what the Jeffreys prior is made of. */
struct info_terms {
    double i, d1, d2;
};

struct prior_kind {
    const char *name;
    bool needs_info;  // whether `info` is read; it may be zeros otherwise
    bool concave;     // log density is concave
    bool is_bounded;  // theta is kept between min and max
    /* Log density, up to a constant, and its first two derivatives by theta. */
    double (*log_density)(const struct prior *prior, double theta, const struct info_terms *info);
    /* Its constant: the logarithm of the integral of exp(log_density); 0 where there is none. */
    double (*log_total)(const struct prior *prior);
    double (*d1)(const struct prior *prior, double theta, const struct info_terms *info);
    double (*d2)(const struct prior *prior, double theta, const struct info_terms *info);
};

/* All kinds, NULL at the end. */
extern const struct prior_kind *const prior_kinds[];
extern const struct prior_kind prior_normal, prior_uniform, prior_jeffreys;

const struct prior_kind *prior_find(struct slice name);

#endif
