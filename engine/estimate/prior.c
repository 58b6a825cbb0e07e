/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Normal, uniform, and Jeffreys (1946): proportional to the square root of the test information. */
#include "estimate/prior.h"
#include "num/elementary.h"

#include <float.h>
#include <math.h>

static double normal_log_density(const struct prior *prior, double theta,
                                 const struct info_terms *info)
{
    double r = (theta - prior->mean) / prior->sd;

    (void)info;
    return -0.5 * r * r;
}

static double normal_d1(const struct prior *prior, double theta, const struct info_terms *info)
{
    (void)info;
    return -(theta - prior->mean) / (prior->sd * prior->sd);
}

static double normal_d2(const struct prior *prior, double theta, const struct info_terms *info)
{
    (void)theta;
    (void)info;
    return -1.0 / (prior->sd * prior->sd);
}

static double normal_log_total(const struct prior *prior)
{
    return num_log(prior->sd) + 0x1.d67f1c864beb5p-1;  // log sqrt(2 pi)
}

/* The last node of a grid may miss its end by rounding; it still counts as inside. */
#define UNIFORM_EDGE 1e-9

static double uniform_log_density(const struct prior *prior, double theta,
                                  const struct info_terms *info)
{
    bool inside = theta >= prior->min - UNIFORM_EDGE && theta <= prior->max + UNIFORM_EDGE;

    (void)info;
    return inside ? 0.0 : -(double)INFINITY;
}

static double uniform_flat(const struct prior *prior, double theta, const struct info_terms *info)
{
    (void)prior;
    (void)theta;
    (void)info;
    return 0.0;
}

static double uniform_log_total(const struct prior *prior)
{
    return num_log(prior->max - prior->min);
}

/* Improper: left as it is. */
static double jeffreys_log_total(const struct prior *prior)
{
    (void)prior;
    return 0.0;
}

static double jeffreys_log_density(const struct prior *prior, double theta,
                                   const struct info_terms *info)
{
    (void)prior;
    (void)theta;
    return 0.5 * num_log(info->i > DBL_MIN ? info->i : DBL_MIN);  // flat where there are no items
}

static double jeffreys_d1(const struct prior *prior, double theta, const struct info_terms *info)
{
    (void)prior;
    (void)theta;
    return info->i > 0.0 ? 0.5 * info->d1 / info->i : 0.0;
}

static double jeffreys_d2(const struct prior *prior, double theta, const struct info_terms *info)
{
    double ratio = info->i > 0.0 ? info->d1 / info->i : 0.0;

    (void)prior;
    (void)theta;
    return info->i > 0.0 ? 0.5 * (info->d2 / info->i - ratio * ratio) : 0.0;
}

const struct prior_kind prior_normal = {
    .name = "normal",
    .concave = true,
    .log_density = normal_log_density,
    .log_total = normal_log_total,
    .d1 = normal_d1,
    .d2 = normal_d2,
};

const struct prior_kind prior_uniform = {
    .name = "uniform",
    .concave = true,
    .is_bounded = true,
    .log_density = uniform_log_density,
    .log_total = uniform_log_total,
    .d1 = uniform_flat,
    .d2 = uniform_flat,
};

const struct prior_kind prior_jeffreys = {
    .name = "jeffreys",
    .needs_info = true,
    .log_density = jeffreys_log_density,
    .log_total = jeffreys_log_total,
    .d1 = jeffreys_d1,
    .d2 = jeffreys_d2,
};

const struct prior_kind *const prior_kinds[] = {&prior_normal, &prior_uniform, &prior_jeffreys,
                                                NULL};

const struct prior_kind *prior_find(struct slice name)
{
    for (size_t i = 0; prior_kinds[i]; i++) {
        if (slice_equal_str(name, prior_kinds[i]->name)) return prior_kinds[i];
    }
    return NULL;
}
