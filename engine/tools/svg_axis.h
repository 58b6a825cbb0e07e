/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Axes of charts: round numbers for the ticks, and from values to places. */
#ifndef TOOLS_SVG_AXIS_H
#define TOOLS_SVG_AXIS_H

#include <stdbool.h>
#include <stddef.h>

struct svg_axis {
    const char *label;
    double min, max;  // NaN: as the data have it, widened to ticks
    bool whole;       // only whole numbers are ticks
};

/* An axis made ready: ticks are first, first + step, .. up to max. */
struct svg_scale {
    double min, max;
    double first, step;
    size_t n_tick;
    int decimals;  // that a tick's number needs
};

/* A scale of about `n_tick` ticks for data from lo to hi, which may be alike. */
struct svg_scale svg_scale_make(const struct svg_axis *axis, double lo, double hi, size_t n_tick);

/* Where a value lies between min (0) and max (1). */
double svg_scale_at(const struct svg_scale *scale, double value);
double svg_scale_tick(const struct svg_scale *scale, size_t i);

#endif
