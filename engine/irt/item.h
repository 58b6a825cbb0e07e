/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One calibrated item: a response model and its parameters, slopes on the logistic metric (D =
 * 1). */
#ifndef IRT_ITEM_H
#define IRT_ITEM_H

#include "base/limits.h"

struct model;

/* Parameters by the papers' letters. Which ones count, and how, is the model's to say. */
struct item {
    const struct model *model;
    unsigned n_cat;  // response categories, 2 to LIMIT_CATS; scores are 0 .. n_cat - 1
    unsigned n_dim;  // dimensions of theta, 1 to LIMIT_DIMS; the same for all items of a bank
    double a;        // slope
    double b;        // difficulty
    double c, d;     // lower and upper asymptote of the 1PL to 4PL
    /* [n_cat - 1], NULL where the model has none: thresholds (GRM, MGRM), step parameters (GPCM,
     * PCM, RSM) or intercepts (NRM). */
    const double *steps;
    const double *slopes;  // [n_cat - 1], NULL where the model has none: NRM
    /* [n_dim], NULL in one dimension: the slopes of the linear predictor (irt/dims.h). */
    const double *direction;
};

#endif
