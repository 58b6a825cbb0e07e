/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture of one chart with lines. */
#ifndef BENCH_LOAD_PICTURE_H
#define BENCH_LOAD_PICTURE_H

#include "bench/common/options.h"

#include <stddef.h>

enum { PICTURE_LINES = 8, PICTURE_POINTS = 16 };

/* Start from the texts. */
struct picture {
    const char *title, *x, *y;
    size_t n_line;
    struct picture_line {
        const char *name;
        size_t n;
        double x[PICTURE_POINTS], y[PICTURE_POINTS];
    } line[PICTURE_LINES];
};

/* A point of the line with that name, which is not copied. */
void picture_add(struct picture *picture, const char *line, double x, double y);

/* Into a file of the options' folder, where there is one. */
void picture_write(const struct picture *picture, const struct options *options, const char *name);

#endif
