/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of priors; normal, uniform, and Jeffreys (1946): proportional to the square root of the
 * test information. */
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

static double uniform_log_density(const struct prior *prior, double theta,
                                  const struct info_terms *info)
{
    bool inside = theta >= prior->min - PRIOR_EDGE && theta <= prior->max + PRIOR_EDGE;

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

static void uniform_moments(const struct prior *prior, double *out_mean, double *out_sd)
{
    *out_mean = 0.5 * (prior->min + prior->max);
    *out_sd = (prior->max - prior->min) / sqrt(12.0);
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
    .dims = DIMS_ANY,
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
    .moments = uniform_moments,
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
                                                &prior_table, NULL};

const struct prior_kind *prior_find(struct slice name)
{
    for (size_t i = 0; prior_kinds[i]; i++) {
        if (slice_equal_str(name, prior_kinds[i]->name)) return prior_kinds[i];
    }
    return NULL;
}

bool prior_reaches(const struct prior *prior, const double *theta, size_t n)
{
    struct info_terms none = {0};

    if (!prior->kind->is_bounded) return true;
    for (size_t q = 0; q < n; q++) {
        if (prior->kind->log_density(prior, theta[q], &none) > -(double)INFINITY) return true;
    }
    return false;
}

void prior_shape(const struct prior *prior, size_t n_dim, double *mean, double *cov)
{
    const struct prior_dims *dims = &prior->dims;

    for (size_t i = 0; i < n_dim; i++) mean[i] = dims->n_mean > 0 ? dims->mean[i] : prior->mean;
    for (size_t i = 0; i < n_dim * n_dim; i++) {
        bool is_diagonal = i % (n_dim + 1) == 0;

        cov[i] = dims->n_cov > 0 ? dims->cov[i] : is_diagonal ? prior->sd * prior->sd : 0.0;
    }
}
