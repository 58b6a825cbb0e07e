/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one definition of the 1PL to 4PL information, for one item and for arrays of them. */
#ifndef IRT_LOGISTIC_KERNEL_H
#define IRT_LOGISTIC_KERNEL_H

#include "num/elementary.h"

/* I = P'^2 / (P Q) = a^2 (d - c)^2 (u v / P) (u v / Q). Far out, where u or v underflows, P or Q
 * may be 0: the tiny addend makes that 0 instead of 0 / 0. It is below half an ulp of every P that
 * counts, so it changes nothing elsewhere. */
static inline double logistic_info(double a, double b, double c, double d, double theta)
{
    struct logistic l = num_logistic(a * (theta - b));
    double p = c * l.v + d * l.u;
    double q = (1.0 - c) * l.v + (1.0 - d) * l.u;
    double slope = a * (d - c);
    double uv = l.u * l.v;

    return (slope * slope) * ((uv / (p + 0x1p-1000)) * (uv / (q + 0x1p-1000)));
}

#endif
