/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Response models: how likely each score of an item is at a theta. One row each, in one table. */
#ifndef IRT_MODEL_H
#define IRT_MODEL_H

#include "base/fault.h"
#include "base/slice.h"
#include "irt/item.h"

struct lane_form;

/* Where a parameter of a bank file goes in struct item. */
enum param_slot {
    SLOT_A,
    SLOT_B,
    SLOT_C,
    SLOT_D,
    SLOT_STEPS,  // the first of the lists
    SLOT_SLOPES,
    SLOT_DIRECTION,
    SLOT_END,
    SLOT_LISTS = SLOT_END - SLOT_STEPS,
};

/* What a scalar parameter is where the model or the file does not say. */
double param_default(enum param_slot slot);

struct param {
    const char *name;  // in bank files and on the wire; NULL ends the list
    enum param_slot slot;
    bool optional;  // absent: param_default(slot)
};

/* P of every category and its logarithmic derivatives by theta. Everything else follows from them
 * without forming 0 / 0 where a probability underflows. */
struct curve {
    unsigned n_cat;
    double p[LIMIT_CATS];   // P_k, sums to 1
    double r1[LIMIT_CATS];  // P_k' / P_k
    double r2[LIMIT_CATS];  // P_k'' / P_k
    double r3[LIMIT_CATS];  // P_k''' / P_k
};

struct model {
    const char *name;
    const struct param *params;
    /* Turn the file's parameters into those of the formulas, in place; NULL where they are. `steps`
     * [n_cat - 1] and `direction` [n_dim] are what the item's pointers point to. */
    void (*prepare)(struct item *item, double *steps, double *direction);
    /* Add a fault for everything wrong with `item`, beyond finiteness and the common bounds. */
    void (*check)(const struct item *item, const char *id, struct faults *faults);
    /* P [n_cat] at theta. */
    void (*prob)(const struct item *item, double theta, double *p);
    /* P and its logarithmic derivatives at theta. */
    void (*curve)(const struct item *item, double theta, struct curve *out);
    /* log P_k at theta. Finite for all parameters within the limits. */
    double (*log_prob)(const struct item *item, unsigned k, double theta);
    /* log P_k at theta[q] added to loglik[q], q < n: the kernel of the grid. Equal to log_prob. */
    void (*add_loglik)(const struct item *item, unsigned k, const double *theta, size_t n,
                       double *loglik);
    /* Fisher information at theta; equals curve_info of the curve up to rounding. */
    double (*info)(const struct item *item, double theta);
    /* How the information may bend: -I'' <= bend I at every theta. It bounds what the
     * information is between two thetas (shortlist.c). NULL where no such number is known. */
    double (*bend)(const struct item *item);
    const struct lane_form *form;  // its curves for several items at once (lane_items.h), or NULL
    bool concave;  // log P_k is concave in theta for every k: the likelihood has one mode
};

/* Make a multidimensional item a scalar row on its linear predictor (irt/dims.h): item->a comes in
 * as the bank's D and `direction` [n_dim] as the file's slopes. An intercept d of the file is the
 * threshold -d x the returned unit. */
double item_fold(struct item *item, double *direction);

/* The difficulty of an item; of one with several categories the mean of its thresholds. */
double item_difficulty(const struct item *item);

/* All models, NULL at the end. */
extern const struct model *const models[];

/* The name that a model has for a slot, NULL where it has none. */
const char *model_param_name(const struct model *model, enum param_slot slot);

/* The model of that name, or NULL. */
const struct model *model_find(struct slice name);

/* Set category k of `out` from the derivatives g1, g2, g3 of log P_k. */
void curve_from_log(struct curve *out, unsigned k, double g1, double g2, double g3);

/* What follows from a curve: information I = sum P'^2 / P; J = sum P' P'' / P (Warm 1989); and
 * their derivatives by theta. */
double curve_info(const struct curve *curve);
double curve_info_d1(const struct curve *curve);
double curve_info_d2(const struct curve *curve);
double curve_j(const struct curve *curve);
double curve_j_d1(const struct curve *curve);
/* Observed information of category k: (P'/P)^2 - P''/P. */
double curve_observed(const struct curve *curve, unsigned k);

/* The rows. */
extern const struct model model_1pl, model_2pl, model_3pl, model_4pl;
extern const struct model model_grm, model_mgrm, model_gpcm, model_pcm, model_rsm, model_nrm;
extern const struct model model_m2pl, model_m3pl, model_mdgrm, model_mdgpcm;

#endif
