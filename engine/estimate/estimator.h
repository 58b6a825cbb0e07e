/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Estimators: from answers to theta and its standard error. One row each, in one table. */
#ifndef ESTIMATE_ESTIMATOR_H
#define ESTIMATE_ESTIMATOR_H

#include "estimate/evidence.h"
#include "estimate/prior.h"
#include "num/matrix.h"
#include "num/quadrature.h"
#include "num/root.h"

struct estimator;

struct constant_rule;
struct grid_prior;
struct estimate_dims;

/* The fences of MLEF: two imagined 2PL items. */
struct fence {
    double slope, min, max;
};

/* How to estimate. What the estimator does not use is ignored. */
struct estimate_spec {
    const struct estimator *estimator;
    struct prior prior;                    // EAP, MAP
    struct grid grid;                      // EAP
    const struct grid_prior *grid_prior;   // of this prior on this grid, or NULL
    double lower, upper;                   // bounds of theta: all but EAP
    double tuning;                         // ROB_huber, ROB_tukey; 0: their own
    struct fence fence;                    // MLEF
    const struct constant_rule *constant;  // while all answers are extreme, NULL: as always
    /* Whether a document names the estimator and the grid; where it does not, they go by the bank's
     * dimensions (estimate/dims.h). */
    bool says_method, says_grid;
};

enum boundary { BOUNDARY_NONE, BOUNDARY_LOWER, BOUNDARY_UPPER };

extern const char *const boundary_names[];

struct estimate {
    double theta;
    double se;  // infinite where there is no information
    enum boundary boundary;
    int iterations;  // of the root finder; 0 where there is none
};

/* Memory of an estimation, made once per thread. */
struct estimate_workspace {
    struct root_finder *finder;
    struct quadrature *quadrature;
    struct eigen *eigen;
    double node[LIMIT_SCAN], loglik[LIMIT_NODES], weight[LIMIT_NODES], slope[LIMIT_SCAN];
    double product_loglik[LIMIT_PRODUCT], product_weight[LIMIT_PRODUCT];
};

struct estimate_workspace *estimate_workspace_new(void);  // NULL without memory
void estimate_workspace_free(struct estimate_workspace *workspace);

struct estimator {
    const char *name;
    bool uses_prior, uses_grid, uses_bounds;
    bool needs_slope;  // of the prior's density
    /* Always finite in theta. With no answers: the prior's centre where there is a prior, else the
     * theta nearest 0, with an infinite SE. */
    void (*solve)(const struct estimate_spec *spec, const struct evidence *evidence,
                  struct estimate_workspace *workspace, struct estimate *out);
    /* The same in several dimensions; NULL where there is no such form. */
    void (*solve_dims)(const struct estimate_spec *spec, const struct evidence *evidence,
                       struct estimate_workspace *workspace, struct estimate_dims *out);
};

/* All estimators, NULL at the end. */
extern const struct estimator *const estimators[];
extern const struct estimator estimator_eap, estimator_map, estimator_ml, estimator_wle,
    estimator_huber, estimator_tukey, estimator_mlef;

const struct estimator *estimator_find(struct slice name);

/* Whether the estimator can do with that kind of prior. Pre of `solve`. */
bool estimator_takes(const struct estimator *estimator, const struct prior_kind *kind);

/* The sound default: EAP, N(0, 1), 61 trapezoid nodes on [-6, 6], bounds [-4, 4]. */
struct estimate_spec estimate_spec_default(void);

#endif
