/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a simulation shows: precision by theta, lengths, stop reasons, use of the bank,
 * classification. */
#ifndef TOOLS_SIMULATION_SUMMARY_H
#define TOOLS_SIMULATION_SUMMARY_H

#include "tools/simulate.h"

#include <jansson.h>
#include <stdio.h>

enum {
    SUMMARY_VALUES = 64,  // distinct thetas that are groups of their own; where there are more:
    SUMMARY_PARTS = 10,   // groups of equal size in the order of theta
    SUMMARY_STOPS = LIMIT_STOP_NODES,
};

/* An item that more than this share of the examinees see is told of. */
#define SUMMARY_EXPOSURE 0.2

/* Examinees of like theta. e is estimate - theta. NaN where there is nothing. */
struct summary_group {
    double theta;  // mean of the true thetas
    size_t n;
    double bias, rmse;  // mean of e, root of the mean of e^2
    double sd;          // of e, over n - 1: the empirical standard error
    double se;          // mean of the standard errors that are finite
    double coverage;    // share of those whose interval estimate +- 1.96 SE holds theta
    double length;      // mean number of items
};

struct summary_stop {
    const char *name;
    size_t n;
};

/* Precision in one dimension of theta. Groups are by this dimension; a length is the whole test's.
 */
struct summary_theta {
    struct summary_group all, group[SUMMARY_VALUES];
    size_t n_group;
    bool by_value;       // groups are distinct thetas
    double correlation;  // of estimate and theta, NaN where one of them does not vary
    double sd_ratio;     // SD of the estimates over SD of the thetas, NaN where these do not vary
};

/* Start from {0}. */
struct simulation_summary {
    size_t n_examinee;
    size_t n_empty;  // for whom there was no item; they are in nothing else
    size_t n_dim;
    struct summary_theta dim[LIMIT_DIMS];  // [n_dim]

    unsigned max_items;
    size_t *length;  // [max_items + 1], how many tests had that many items
    unsigned length_min, length_median, length_max;
    struct summary_stop stop[SUMMARY_STOPS];  // the most frequent first
    size_t n_stop;

    size_t n_item;
    double *exposure;  // [n_item], share of the examinees who were asked it
    double exposure_mean, exposure_max;
    size_t n_unused, n_over;  // items never asked; asked to more than SUMMARY_EXPOSURE
    double overlap;           // NaN for fewer than two examinees

    size_t n_class;  // 0: the test has no cuts; otherwise their number + 1
    size_t confusion[(LIMIT_CUTS + 1) * (LIMIT_CUTS + 1)];  // [n_class true][n_class estimated]
    double accuracy;
};

/* `theta` [n_examinee][n_dim] are the true thetas. NO_MEMORY leaves nothing behind. */
MUST_CHECK enum status simulation_summarize(const struct simulation *simulation,
                                            const double *theta,
                                            const struct simulation_result *result,
                                            struct simulation_summary *out);
void simulation_summary_done(struct simulation_summary *summary);

/* Mean share of a test's items that two examinees have in common, from how many of n examinees saw
 * each item (Chen, Ankenmann and Spray 2003): the mean number of common items over all pairs,
 * sum k (k - 1) / (n (n - 1)), out of the mean length. NaN for n < 2 or where nothing was asked. */
double overlap_rate(const uint64_t *item_count, size_t n_item, size_t n);

/* The index of theta's class: 0 below all cuts. */
size_t summary_class(const struct test *test, double theta);

/* The summary as JSON; NULL without memory. Numbers that are not finite are null. In one dimension
 * its precision is at the top, in several in the array "dims". */
MUST_CHECK json_t *simulation_summary_json(const struct simulation_summary *summary,
                                           const struct test *test);

/* examinees.csv: examinee, theta, estimate, se, length, stop, score and class where the test has
 * them; in several dimensions theta1, .., est1, .., se1, .. in place of theta, estimate, se.
 * items.csv: item, n, exposure. False where writing fails. */
MUST_CHECK bool simulation_csv_examinees(const struct simulation *simulation, const double *theta,
                                         const struct simulation_result *result, FILE *out);
MUST_CHECK bool simulation_csv_items(const struct bank *bank,
                                     const struct simulation_result *result, size_t n_examinee,
                                     FILE *out);

#endif
