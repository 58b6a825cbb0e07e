/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/svg_axis.h"

#include <math.h>

/* Rounding must not lose the last tick: this share of a step. */
#define TICK_SLACK 1e-6

/* The round number 1, 2 or 5 times a power of ten that is the least not below `step`. */
static double round_step(double step)
{
    double power = pow(10.0, floor(log10(step)));
    double share = step / power;

    if (share <= 1.0 + TICK_SLACK) return power;
    if (share <= 2.0 + TICK_SLACK) return 2.0 * power;
    return share <= 5.0 + TICK_SLACK ? 5.0 * power : 10.0 * power;
}

struct svg_scale svg_scale_make(const struct svg_axis *axis, double lo, double hi, size_t n_tick)
{
    struct svg_scale scale = {.min = axis->min, .max = axis->max};
    bool free_min = isnan(axis->min), free_max = isnan(axis->max);

    if (free_min) scale.min = isfinite(lo) ? lo : 0.0;
    if (free_max) scale.max = isfinite(hi) ? hi : 1.0;
    if (!(scale.max > scale.min)) {
        scale.max = scale.min + 0.5;
        if (free_min) scale.min -= 0.5;
    }
    scale.step = round_step((scale.max - scale.min) / (double)n_tick);
    if (axis->whole && scale.step < 1.0) scale.step = 1.0;
    if (free_min) scale.min = scale.step * floor(scale.min / scale.step + TICK_SLACK);
    if (free_max) scale.max = scale.step * ceil(scale.max / scale.step - TICK_SLACK);
    scale.first = scale.step * ceil(scale.min / scale.step - TICK_SLACK);
    scale.n_tick = (size_t)floor((scale.max - scale.first) / scale.step + TICK_SLACK) + 1;
    scale.decimals = (int)fmax(0.0, -floor(log10(scale.step) + TICK_SLACK));
    return scale;
}

double svg_scale_at(const struct svg_scale *scale, double value)
{
    return (value - scale->min) / (scale->max - scale->min);
}

double svg_scale_tick(const struct svg_scale *scale, size_t i)
{
    double value = scale->first + (double)i * scale->step;

    return fabs(value) < TICK_SLACK * scale->step ? 0.0 : value;
}
