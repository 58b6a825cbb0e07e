/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exp, log and the logistic with one definition on every processor.
 *
 * The C library picks other variants of exp and log on other processors, whose last bits differ,
 * and a last bit can change a pick. What decides a theta or a pick uses these instead: only + - * /
 * and integer operations in a fixed order, no branch, so a loop over them vectorises and each lane
 * gives the scalar's bits. num_exp and num_log are within 1 ulp, num_log1p within 1.4,
 * num_one_minus_exp within 6 (tests/unit/num, against long double). */
#ifndef NUM_ELEMENTARY_H
#define NUM_ELEMENTARY_H

#include "base/planted.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t num_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

static inline double num_of_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* ln 2 in two parts: the product of NUM_LN2_HI with any exponent is exact. */
#define NUM_LN2_HI 0x1.62e42feep-1
#define NUM_LN2_LO 0x1.a39ef35793c76p-33

/* Adding this leaves the nearest integer in the low bits of the sum. */
#define NUM_ROUNDER 0x1.8p52

/* exp(x) = 2^k exp(r), |r| <= ln2 / 2, exp(r) by its Taylor series to r^13 (remainder below 0.02
 * ulp). The two parts of 1 + r and of r itself are carried to the last addition. Below -708 the
 * result is 0, above 709 it is infinite: neither end is reached on any path that counts. */
static inline double num_exp(double x)
{
    if (planted("exp of the C library")) return exp(x);

    double clamped = x < -708.0 ? -708.0 : (x > 709.0 ? 709.0 : x);
    double shifted = clamped * 0x1.71547652b82fep0 + NUM_ROUNDER;
    double k = shifted - NUM_ROUNDER;
    double r_hi = clamped - k * NUM_LN2_HI;
    double r_lo = k * NUM_LN2_LO;
    double r = r_hi - r_lo;
    double r_tail = (r_hi - r) - r_lo;
    double one_r = 1.0 + r;
    double one_tail = r - (one_r - 1.0);
    double p = 1.0 / 6227020800.0;
    double y;

    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    y = one_r + (p * (r * r) + (one_tail + r_tail));
    y = y * num_of_bits((num_bits(shifted) << 52) + 0x3ff0000000000000u);
    y = x < -708.0 ? 0.0 : y;
    return x > 709.0 ? (double)INFINITY : y;
}

/* log(x) for x >= 0: x = 2^k (1 + f), log(1 + f) = f - f^2/2 + s (f^2/2 + R), s = f / (2 + f), R
 * the rest of the series of 2 atanh(s), to s^20. log(0) is -infinity. */
static inline double num_log(double x)
{
    double tiny = x < DBL_MIN ? 1.0 : 0.0;
    double scaled = x < DBL_MIN ? x * 0x1p54 : x;
    uint64_t bits = num_bits(scaled);
    uint64_t exponent = (bits + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu)) >> 52;
    double m = num_of_bits(bits - (exponent << 52) + 0x3ff0000000000000u);
    double k = num_of_bits(exponent + 0x4330000000000000u) - 0x1p52 - 1023.0 - 54.0 * tiny;
    double f = m - 1.0;
    double half_square = 0.5 * f * f;
    double s = f / (2.0 + f);
    double z = s * s;
    double R = 2.0 / 21.0;
    double y;

    R = R * z + 2.0 / 19.0;
    R = R * z + 2.0 / 17.0;
    R = R * z + 2.0 / 15.0;
    R = R * z + 2.0 / 13.0;
    R = R * z + 2.0 / 11.0;
    R = R * z + 2.0 / 9.0;
    R = R * z + 2.0 / 7.0;
    R = R * z + 2.0 / 5.0;
    R = R * z + 2.0 / 3.0;
    R = R * z;
    y = k * NUM_LN2_HI - ((half_square - (s * (half_square + R) + k * NUM_LN2_LO)) - f);
    return x == 0.0 ? -(double)INFINITY : y;
}

/* log(1 + t) for 0 <= t <= 1: log(u), u the rounded 1 + t, and what the rounding took away. */
static inline double num_log1p(double t)
{
    double u = 1.0 + t;

    return num_log(u) + (t - (u - 1.0)) / u;
}

/* 1 - exp(-x) for x > 0: the series where the subtraction would cancel (remainder x^12 / 12!). */
static inline double num_one_minus_exp(double x)
{
    double sum = 1.0;

    if (x > 0.25) return 1.0 - num_exp(-x);
    for (int i = 11; i >= 2; i--) sum = 1.0 - sum * x / i;
    return x * sum;
}

/* The logistic of z and of -z; neither is formed by subtraction from 1. */
struct logistic {
    double u;  // 1 / (1 + exp(-z))
    double v;  // 1 / (1 + exp(z))
};

static inline struct logistic num_logistic(double z)
{
    double t = num_exp(-fabs(z));
    double big = 1.0 / (1.0 + t);
    double small = t * big;

    return (struct logistic){.u = z < 0.0 ? small : big, .v = z < 0.0 ? big : small};
}

/* log(1 / (1 + exp(-z))), finite for every finite z. */
static inline double num_log_logistic(double z)
{
    return (z < 0.0 ? z : 0.0) - num_log1p(num_exp(-fabs(z)));
}

#endif
