/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A test as it is written down, and the plan: a test made ready for one version of its bank. */
#ifndef SESSION_PLAN_H
#define SESSION_PLAN_H

#include "content/enemies.h"
#include "content/proportions.h"
#include "content/sets.h"
#include "estimate/estimator.h"
#include "select/exposure.h"
#include "select/pick.h"
#include "session/stop.h"

/* A number for each dimension of the bank, as far as the document has them. */
struct test_vector {
    size_t n;  // 0: none
    double value[LIMIT_DIMS];
};

/* A test document, checked field by field. */
struct test {
    char name[LIMIT_ID + 1], bank[LIMIT_ID + 1];
    bool reveal;         // whether the examinee's frontend may see theta while the test runs
    double start_theta;  // before the first answer: in each dimension,
    struct test_vector start_vector;  // or one by one
    size_t n_start_theta;
    double start_thetas[LIMIT_START_ITEMS];  // where the first items are picked, one each
    size_t n_start;
    char start_items[LIMIT_START_ITEMS][LIMIT_ID + 1];  // asked first, in this order
    struct estimate_spec interim, final;
    struct prior_points interim_points, final_points;  // of priors that are tables
    /* Of the first item (no criterion: as the others), of the others (none: by the dimensions). */
    struct pick_rule first_pick, pick;
    struct test_vector weights;  // of the dimensions, in criteria; none: 1
    struct pace pace;  // of criteria that change as the test goes on; at 0: the test's own
    struct exposure_spec exposure;
    char content_tag[LIMIT_ID + 1];
    size_t n_target;  // 0: no content balancing
    struct target targets[LIMIT_GROUPS];
    bool enemies_allowed;  // in one session; otherwise a given item rules its enemies out
    bool sets_together;    // a set that has begun goes on until it is used up
    unsigned max_per_set;  // or until that many of its items have been asked; 0: no limit
    bool omit_ignored;     // an omitted answer is left out of theta; otherwise it scores 0
    unsigned n_revise;     // how many of the last answers may be revised
    unsigned min_items;
    struct stop_tree stop;
    bool has_scale;
    double scale_slope, scale_intercept, scale_min, scale_max;
    size_t n_cut;  // ascending in theta
    struct cut cuts[LIMIT_CUTS];
};

/* The defaults of everything but the names. */
void test_init(struct test *test);

/* Copy a test; the copy points to its own tables. */
void test_copy(struct test *out, const struct test *test);

/* Immutable; any number of threads may read one. The bank must outlive it. */
struct plan {
    const struct bank *bank;
    struct test test;
    unsigned max_items;                                   // no session asks more
    unsigned length_cap;                                  // ends a session whatever min_items says
    unsigned stop_needs;                                  // of its stop rules, enum stop_needs
    double start_theta[LIMIT_DIMS], weights[LIMIT_DIMS];  // [n_dim]
    uint32_t start_items[LIMIT_START_ITEMS];
    struct proportions *proportions;  // NULL: no content balancing
    struct partition *strata;         // by stage of the test, NULL: none
    struct enemies *enemies;          // NULL: they are allowed
    struct sets *sets;                // NULL: they do not count
    /* Of the content groups, or of the strata where there are any; NULL: none. */
    struct shortlists *shortlists;
    struct centres *centres;       // of the pick's criterion; or NULL
    struct item_table *table;      // what the pick's criterion integrates over; or NULL
    struct answer_table *answers;  // on the interim estimate's grid; or NULL
    /* Of the interim and the final estimate, whose specs in `test` point to them; or NULL. */
    struct grid_prior *interim_prior, *final_prior;
};

/* INVALID_TEST, with every fault by field, where the test does not fit the bank. */
MUST_CHECK enum status plan_new(const struct test *test, const struct bank *bank,
                                struct plan **out_plan, struct faults *faults);
void plan_free(struct plan *plan);  // NULL is fine

/* The reported score: slope theta + intercept, kept inside the scale. Pre: test->has_scale. */
double test_scale(const struct test *test, double theta);

/* The name of the highest cut at or below theta, NULL below all of them. */
const char *test_classify(const struct test *test, double theta);

#endif
