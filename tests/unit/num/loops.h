/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The elementary functions in loops over arrays, compiled three times from this text: without
 * vectors, with those of every x86-64 processor, and with wider ones. */
#ifndef UNIT_NUM_LOOPS_H
#define UNIT_NUM_LOOPS_H

#include "num/elementary.h"

#include <stddef.h>

struct loops {
    void (*exp)(const double *restrict x, size_t n, double *restrict out);
    void (*log)(const double *restrict x, size_t n, double *restrict out);
    void (*log_logistic)(const double *restrict x, size_t n, double *restrict out);
    void (*logistic)(const double *restrict x, size_t n, double *restrict out);  // u - v
};

extern const struct loops loops_scalar, loops_vector, loops_wide;

#define LOOP(function, expression)                                                                 \
    static void function(const double *restrict x, size_t n, double *restrict out)                 \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) out[i] = expression;                                        \
    }

#define LOOPS_DEFINE(name)                                                                         \
    LOOP(exp_loop, num_exp(x[i]))                                                                  \
    LOOP(log_loop, num_log(x[i]))                                                                  \
    LOOP(log_logistic_loop, num_log_logistic(x[i]))                                                \
    LOOP(logistic_loop, num_logistic(x[i]).u - num_logistic(x[i]).v)                               \
    const struct loops name = {.exp = exp_loop,                                                    \
                               .log = log_loop,                                                    \
                               .log_logistic = log_logistic_loop,                                  \
                               .logistic = logistic_loop}

#endif
