/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Categories whose probabilities are proportional to exp(z_k): what GPCM and NRM share. */
#ifndef IRT_SOFTMAX_H
#define IRT_SOFTMAX_H

#include "num/elementary.h"

/* From the exponents z [n], `top` being at least the largest of them: z less top, P [n], and
 * log(sum exp(z)) returned, so that log P_k = z[k] - that. No exponent above 0 is formed, and none
 * of log P's digits are lost to the size of the exponents. */
static inline double softmax(unsigned n, double top, double *z, double *p)
{
    double sum = 0.0;

    for (unsigned k = 0; k < n; k++) {
        z[k] -= top;
        p[k] = num_exp(z[k]);
        sum += p[k];
    }
    for (unsigned k = 0; k < n; k++) p[k] /= sum;
    return num_log(sum);
}

#endif
