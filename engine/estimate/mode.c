/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A 3PL or 4PL likelihood can have several modes, and one found from a start value may be the wrong
 * one (catR misses the highest in 10 of 40 such patterns). So all of them are found, and
 * compared. */
#include "estimate/mode.h"

#include <assert.h>
#include <math.h>

size_t mode_scan_nodes(double lower, double upper, double *theta)
{
    size_t n_cell = (size_t)ceil((upper - lower) / MODE_CELL);
    double width = (upper - lower) / (double)n_cell;

    assert(n_cell < LIMIT_SCAN);  // 2 LIMIT_THETA / MODE_CELL is 800
    for (size_t i = 0; i < n_cell; i++) theta[i] = lower + (double)i * width;
    theta[n_cell] = upper;
    return n_cell + 1;
}

/* A scan: the slope at the nodes, and what it takes to look between them. */
struct scan {
    struct function slope;
    struct estimate_workspace *workspace;
    size_t n_node;
    struct estimate *out;
};

/* Whether cell i, from node i to node i + 1, holds a mode. */
static bool has_mode(const struct scan *scan, size_t i)
{
    const double *slope = scan->workspace->slope;

    return slope[i] > 0.0 && slope[i + 1] <= 0.0;
}

static size_t count_modes(const struct scan *scan)
{
    const double *slope = scan->workspace->slope;
    size_t n = (size_t)(slope[0] <= 0.0) + (size_t)(slope[scan->n_node - 1] > 0.0);

    for (size_t i = 0; i + 1 < scan->n_node; i++) n += has_mode(scan, i);
    return n;
}

static double solve_cell(struct scan *scan, size_t i)
{
    const double *node = scan->workspace->node;

    return root_in_bracket(scan->workspace->finder, scan->slope, node[i], node[i + 1],
                           &scan->out->iterations);
}

static double rise(const struct scan *scan, double lo, double hi)
{
    return quadrature_integral(scan->workspace->quadrature, scan->slope, lo, hi);
}

static void set_mode(struct estimate *out, double theta, enum boundary boundary)
{
    out->theta = theta;
    out->boundary = boundary;
}

/* The best mode so far, and the gain of the function since it. */
struct contest {
    bool begun;
    double gain;
};

static void offer(struct contest *contest, struct estimate *out, double theta,
                  enum boundary boundary)
{
    if (contest->begun && contest->gain <= 0.0) return;
    contest->begun = true;
    contest->gain = 0.0;
    set_mode(out, theta, boundary);
}

/* Several modes: carry the gain from cell to cell and keep the mode from which none gains. */
static void compare_modes(struct scan *scan)
{
    const double *node = scan->workspace->node;
    size_t last = scan->n_node - 1;
    struct contest contest = {0};

    if (scan->workspace->slope[0] <= 0.0) offer(&contest, scan->out, node[0], BOUNDARY_LOWER);
    for (size_t i = 0; i < last; i++) {
        double root;

        if (!has_mode(scan, i)) {
            contest.gain += rise(scan, node[i], node[i + 1]);
            continue;
        }
        root = solve_cell(scan, i);
        contest.gain += rise(scan, node[i], root);
        offer(&contest, scan->out, root, BOUNDARY_NONE);
        contest.gain += rise(scan, root, node[i + 1]);
    }
    if (scan->workspace->slope[last] > 0.0) {
        offer(&contest, scan->out, node[last], BOUNDARY_UPPER);
    }
}

/* The only mode there is. */
static void take_mode(struct scan *scan)
{
    const struct estimate_workspace *workspace = scan->workspace;
    size_t last = scan->n_node - 1;

    if (workspace->slope[0] <= 0.0) {
        set_mode(scan->out, workspace->node[0], BOUNDARY_LOWER);
        return;
    }
    for (size_t i = 0; i < last; i++) {
        if (!has_mode(scan, i)) continue;
        set_mode(scan->out, solve_cell(scan, i), BOUNDARY_NONE);
        return;
    }
    set_mode(scan->out, workspace->node[last], BOUNDARY_UPPER);
}

void mode_of_scan(struct function slope, size_t n_node, struct estimate_workspace *workspace,
                  struct estimate *out)
{
    struct scan scan = {.slope = slope, .workspace = workspace, .n_node = n_node, .out = out};

    out->iterations = 0;
    if (count_modes(&scan) > 1)
        compare_modes(&scan);
    else
        take_mode(&scan);
}

/* One mode for sure: the ends say whether it is inside. */
static void find_concave(struct function slope, double lower, double upper,
                         struct estimate_workspace *workspace, struct estimate *out)
{
    set_mode(out, lower, BOUNDARY_LOWER);
    if (slope.value(lower, slope.context) <= 0.0) return;
    set_mode(out, upper, BOUNDARY_UPPER);
    if (slope.value(upper, slope.context) >= 0.0) return;
    set_mode(out, root_in_bracket(workspace->finder, slope, lower, upper, &out->iterations),
             BOUNDARY_NONE);
}

void mode_find(struct function slope, double lower, double upper, bool concave,
               struct estimate_workspace *workspace, struct estimate *out)
{
    size_t n_node;

    out->iterations = 0;
    set_mode(out, lower, BOUNDARY_LOWER);
    if (!(upper > lower)) return;
    if (concave) {
        find_concave(slope, lower, upper, workspace, out);
        return;
    }
    n_node = mode_scan_nodes(lower, upper, workspace->node);
    for (size_t i = 0; i < n_node; i++) {
        workspace->slope[i] = slope.value(workspace->node[i], slope.context);
    }
    mode_of_scan(slope, n_node, workspace, out);
}

double se_of_info(double info)
{
    return info > 0.0 ? 1.0 / sqrt(info) : (double)INFINITY;
}
