/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What to do while all answers are the lowest, or all the highest: then the likelihood has no mode,
 * and maximum likelihood stands at a bound. One row each, in one table (catR 3.17 has the same). */
#ifndef ESTIMATE_CONSTANT_H
#define ESTIMATE_CONSTANT_H

#include "estimate/estimator.h"

struct constant_rule {
    const char *name;
    const struct estimator *estimator;  // another estimator takes over, or NULL:
    /* the theta to step to from `theta`; `up` where all answers are the highest. */
    double (*step)(const struct bank *bank, double theta, bool up);
};

/* All rules, NULL at the end. */
extern const struct constant_rule *const constant_rules[];

const struct constant_rule *constant_rule_find(struct slice name);

/* Whether that estimate is a step from the one before it: then it hangs on the order of the
 * answers, and only then. */
bool estimate_is_step(const struct estimate_spec *spec, const struct evidence *evidence);

/* Estimate by the spec's estimator, or by its rule for constant patterns where the answers are
 * constant. `theta` is the estimate before the last answer. A step's SE is infinite. */
void estimate_next(const struct estimate_spec *spec, const struct evidence *evidence, double theta,
                   struct estimate_workspace *workspace, struct estimate *out);

#endif
