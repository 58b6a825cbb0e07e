/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Figures and the bars they are held to, each told as met or missed. */
#ifndef BENCH_COMMON_BARS_H
#define BENCH_COMMON_BARS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { BARS = 32, BAR_NAME = 80 };

struct bars {
    size_t n;
    struct bar {
        char name[BAR_NAME];
        const char *unit;  // "" of a ratio
        double value, bound;
        bool at_least;  // else at most
    } bar[BARS];
};

/* Hold a figure to a bar. The name is copied. A value that is NaN misses. */
void bars_at_most(struct bars *bars, const char *name, const char *unit, double value, double most);
void bars_at_least(struct bars *bars, const char *name, const char *unit, double value,
                   double least);

bool bars_met(const struct bars *bars);

/* A line for each, and after a miss `advice`: what it may come from. */
void bars_print(const struct bars *bars, const char *advice);

/* [{name, value, unit, least or most, met}], which the caller owns. */
json_t *bars_json(const struct bars *bars);

#endif
