/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A prior given by points: w(theta) is linear between them and 0 outside, such as a histogram of
 * last year's abilities. On a grid whose nodes are the points the weights are exactly the table's.
 */
#include "estimate/prior.h"
#include "num/elementary.h"

/* The last point but one at or below theta. */
static size_t find_cell(const struct prior_points *points, double theta)
{
    size_t low = 0, high = points->n - 1;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (points->theta[middle] <= theta)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static double weight_at(const struct prior_points *points, double theta)
{
    size_t i = find_cell(points, theta), last = points->n - 1;
    double t;

    if (theta < points->theta[0] - PRIOR_EDGE || theta > points->theta[last] + PRIOR_EDGE)
        return 0.0;
    t = (theta - points->theta[i]) / (points->theta[i + 1] - points->theta[i]);
    t = t < 0.0 ? 0.0 : t > 1.0 ? 1.0 : t;
    return (1.0 - t) * points->weight[i] + t * points->weight[i + 1];
}

static double log_density(const struct prior *prior, double theta, const struct info_terms *info)
{
    (void)info;
    return num_log(weight_at(prior->points, theta));
}

/* Area, first and second moment around 0 of the trapezoid from point i to the next. */
struct cell {
    double area, first, second;
};

static struct cell cell_moments(const struct prior_points *points, size_t i)
{
    double x = points->theta[i], h = points->theta[i + 1] - x;
    double v = points->weight[i], w = points->weight[i + 1];

    return (struct cell){
        .area = h * (v + w) / 2.0,
        .first = h * (x * (v + w) / 2.0 + h * (v + 2.0 * w) / 6.0),
        .second = h * (x * x * (v + w) / 2.0 + x * h * (v + 2.0 * w) / 3.0 +
                       h * h * (v + 3.0 * w) / 12.0),
    };
}

static double log_total(const struct prior *prior)
{
    double area = 0.0;

    for (size_t i = 0; i + 1 < prior->points->n; i++) area += cell_moments(prior->points, i).area;
    return num_log(area);
}

static void moments(const struct prior *prior, double *out_mean, double *out_sd)
{
    struct cell sum = {0};
    double mean, variance;

    for (size_t i = 0; i + 1 < prior->points->n; i++) {
        struct cell cell = cell_moments(prior->points, i);

        sum.area += cell.area;
        sum.first += cell.first;
        sum.second += cell.second;
    }
    mean = sum.first / sum.area;
    variance = sum.second / sum.area - mean * mean;
    *out_mean = mean;
    *out_sd = variance > 0.0 ? sqrt(variance) : 0.0;
}

const struct prior_kind prior_table = {
    .name = "table",
    .is_bounded = true,
    .log_density = log_density,
    .log_total = log_total,
    .moments = moments,
};
