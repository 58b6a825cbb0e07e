/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Roots of a continuous function in a bracket. */
#ifndef NUM_ROOT_H
#define NUM_ROOT_H

#include "base/macros.h"

/* GSL's Brent-Dekker solver (Brent 1973, chapter 4) and its memory. */
struct root_finder;

struct root_finder *root_finder_new(void);  // NULL without memory
void root_finder_free(struct root_finder *finder);

/* A function of one variable. */
struct function {
    double (*value)(double x, void *context);
    void *context;
};

/* The root of `f` in [lo, hi], where f(lo) and f(hi) must differ in sign (either may be 0), as
 * exact as doubles allow. Adds the iterations taken to *iterations. */
double root_in_bracket(struct root_finder *finder, struct function f, double lo, double hi,
                       int *iterations);

#endif
