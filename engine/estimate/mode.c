/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A 3PL or 4PL likelihood can have several modes, and one found from a start value may be the wrong
 * one (catR misses the highest in 10 of 40 such patterns). So all of them are found, and
 * compared. */
#include "estimate/mode.h"

#include <math.h>

/* The search's state: the best mode so far, and the gain of the function since that mode. */
struct search {
    struct function slope;
    struct estimate_workspace *workspace;
    struct estimate *out;
    double gain;
    bool found;
};

static void offer(struct search *search, double theta, enum boundary boundary)
{
    if (search->found && search->gain <= 0.0) return;
    search->found = true;
    search->gain = 0.0;
    search->out->theta = theta;
    search->out->boundary = boundary;
}

static double rise(const struct search *search, double lo, double hi)
{
    return quadrature_integral(search->workspace->quadrature, search->slope, lo, hi);
}

/* One cell: a mode inside it is offered; the gain is carried to the cell's end. */
static void cell(struct search *search, double lo, double hi, double slope_lo, double slope_hi)
{
    double root;

    if (!(slope_lo > 0.0 && slope_hi <= 0.0)) {
        search->gain += rise(search, lo, hi);
        return;
    }
    root =
        root_in_bracket(search->workspace->finder, search->slope, lo, hi, &search->out->iterations);
    search->gain += rise(search, lo, root);
    offer(search, root, BOUNDARY_NONE);
    search->gain += rise(search, root, hi);
}

static void scan(struct search *search, double lower, double upper)
{
    int n_cell = (int)ceil((upper - lower) / MODE_CELL);
    double width = (upper - lower) / n_cell;
    double lo = lower;
    double slope_lo = search->slope.value(lower, search->slope.context);

    if (slope_lo <= 0.0) offer(search, lower, BOUNDARY_LOWER);
    for (int i = 1; i <= n_cell; i++) {
        double hi = i == n_cell ? upper : lower + i * width;
        double slope_hi = search->slope.value(hi, search->slope.context);

        cell(search, lo, hi, slope_lo, slope_hi);
        lo = hi;
        slope_lo = slope_hi;
    }
    if (slope_lo > 0.0) offer(search, upper, BOUNDARY_UPPER);
}

void mode_find(struct function slope, double lower, double upper, bool concave,
               struct estimate_workspace *workspace, struct estimate *out)
{
    struct search search = {.slope = slope, .workspace = workspace, .out = out};

    out->theta = lower;
    out->boundary = BOUNDARY_LOWER;
    out->iterations = 0;
    if (!(upper > lower)) return;
    if (!concave) {
        scan(&search, lower, upper);
    } else if (slope.value(lower, slope.context) > 0.0) {
        double slope_upper = slope.value(upper, slope.context);

        out->theta = upper;
        out->boundary = BOUNDARY_UPPER;
        if (slope_upper >= 0.0) return;
        out->boundary = BOUNDARY_NONE;
        out->theta = root_in_bracket(workspace->finder, slope, lower, upper, &out->iterations);
    }
}

double se_of_info(double info)
{
    return info > 0.0 ? 1.0 / sqrt(info) : (double)INFINITY;
}
