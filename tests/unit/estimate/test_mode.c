/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/mode.h"

#include "tests/support/dice.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>

/* A sum of bells: height, centre and width of each. */
struct hills {
    size_t n;
    double height[6], centre[6], width[6];
};

static double hill(const struct hills *hills, size_t j, double theta)
{
    double r = (theta - hills->centre[j]) / hills->width[j];

    return hills->height[j] * exp(-0.5 * r * r);
}

static double value_at(const struct hills *hills, double theta)
{
    double sum = 0.0;

    for (size_t j = 0; j < hills->n; j++) sum += hill(hills, j, theta);
    return sum;
}

static double slope_at(double theta, void *context)
{
    const struct hills *hills = context;
    double sum = 0.0;

    for (size_t j = 0; j < hills->n; j++) {
        double r = theta - hills->centre[j];

        sum -= hill(hills, j, theta) * r / (hills->width[j] * hills->width[j]);
    }
    return sum;
}

/* The highest of 20,001 points, which no mode found may lie below by more than the points miss. */
static double highest(const struct hills *hills, double lower, double upper)
{
    double best = -1e300;

    for (int i = 0; i <= 20000; i++)
        best = fmax(best, value_at(hills, lower + (upper - lower) * i / 20000.0));
    return best;
}

Test(mode, is_the_highest_of_many)
{
    struct dice dice = dice_new("mode", 719);
    struct estimate_workspace *workspace = estimate_workspace_new();
    size_t n_bound = 0;

    cr_assert(workspace);
    for (int trial = 0; trial < 400; trial++) {
        struct hills hills = {.n = 1 + dice_below(&dice, 6)};
        struct function slope = {.value = slope_at, .context = &hills};
        struct estimate out = {.se = 2.385};

        for (size_t j = 0; j < hills.n; j++) {
            hills.height[j] = dice_between(&dice, -1.0, 2.0);
            hills.centre[j] = dice_between(&dice, -5.0, 5.0);
            hills.width[j] = dice_between(&dice, 0.4, 2.0);
        }
        mode_find(slope, -4.0, 4.0, false, workspace, &out);
        expect_true(value_at(&hills, out.theta) >= highest(&hills, -4.0, 4.0) - 1e-12,
                    "trial %d: %.17g at %g is not the highest", trial, value_at(&hills, out.theta),
                    out.theta);
        expect_true((out.boundary == BOUNDARY_LOWER) == (out.theta == -4.0) &&
                        (out.boundary == BOUNDARY_UPPER) == (out.theta == 4.0),
                    "trial %d: boundary %d at %g", trial, out.boundary, out.theta);
        expect_bits(out.se, 2.385, "the SE is left alone");
        n_bound += out.boundary != BOUNDARY_NONE;
    }
    cr_expect(n_bound > 20 && n_bound < 380, "%zu at a bound", n_bound);
    estimate_workspace_free(workspace);
}

static double line(double theta, void *context)
{
    return *(const double *)context - theta;
}

Test(mode, of_a_concave_function_is_bracketed_at_once)
{
    struct estimate_workspace *workspace = estimate_workspace_new();
    static const struct {
        double centre, want;
        enum boundary boundary;
    } cases[] = {{0.385, 0.385, BOUNDARY_NONE}, {-7.0, -4.0, BOUNDARY_LOWER},
                 {9.0, 4.0, BOUNDARY_UPPER},    {-4.0, -4.0, BOUNDARY_LOWER},
                 {4.0, 4.0, BOUNDARY_UPPER},    {3.9999999, 3.9999999, BOUNDARY_NONE}};

    cr_assert(workspace);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        double centre = cases[i].centre;
        struct function slope = {.value = line, .context = &centre};

        for (int concave = 0; concave < 2; concave++) {
            struct estimate out = {0};

            mode_find(slope, -4.0, 4.0, concave, workspace, &out);
            expect_close(out.theta, cases[i].want, 3e-14, "centre %g", centre);
            expect_true(concave == 0 || out.boundary == cases[i].boundary, "centre %g: boundary %d",
                        centre, out.boundary);
        }
    }
    estimate_workspace_free(workspace);
}

struct counted {
    double centre;
    int n_call;
};

static double counted_line(double theta, void *context)
{
    struct counted *counted = context;

    counted->n_call++;
    return counted->centre - theta;
}

/* The slope is asked for at the nodes of the scan and where the root is looked for: two ends and
 * one call an iteration. The integrals that tell two modes apart would cost as much again. */
Test(mode, alone_is_compared_with_nothing)
{
    static const double centres[] = {-7.0, -1.1, 0.385, 9.0};
    struct estimate_workspace *workspace = estimate_workspace_new();

    cr_assert(workspace);
    for (size_t i = 0; i < COUNT_OF(centres); i++) {
        struct counted counted = {.centre = centres[i]};
        struct function slope = {.value = counted_line, .context = &counted};
        struct estimate out = {0};
        int n_node = (int)mode_scan_nodes(-4.0, 4.0, workspace->node);

        mode_find(slope, -4.0, 4.0, false, workspace, &out);
        cr_expect(counted.n_call <= n_node + 2 + out.iterations, "centre %g: %d calls, %d nodes",
                  centres[i], counted.n_call, n_node);
    }
    estimate_workspace_free(workspace);
}

Test(mode, of_an_empty_interval_is_its_lower_end)
{
    struct estimate_workspace *workspace = estimate_workspace_new();
    double centre = 0.0;
    struct function slope = {.value = line, .context = &centre};
    struct estimate out = {0};

    cr_assert(workspace);
    mode_find(slope, 1.1, 1.1, false, workspace, &out);
    cr_expect(out.theta == 1.1 && out.boundary == BOUNDARY_LOWER);
    estimate_workspace_free(workspace);
}

Test(mode, se_is_infinite_without_information)
{
    cr_expect(isinf(se_of_info(0.0)) && isinf(se_of_info(-1.0)));
    expect_bits(se_of_info(4.0), 0.5, "of 4");
}
