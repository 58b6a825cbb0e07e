/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Banks to test with. */
#ifndef SUPPORT_BANKS_H
#define SUPPORT_BANKS_H

#include "irt/bank.h"
#include "tests/support/dice.h"
#include "tests/support/table.h"

/* Item specifications to fill a bank from; texts are the caller's. */
struct item_spec spec_logistic(const char *id, const struct model *model, const double abcd[4]);
struct item_spec spec_steps(const char *id, const struct model *model, double a,
                            const double *steps, unsigned n_step);

/* A sealed bank of n items, which must have no fault. */
struct bank *bank_of_specs(const struct item_spec *specs, size_t n, double D);

/* n items with the ids q1, q2, ...; `make` fills in model and parameters of item i. */
struct bank *bank_make(size_t n, void (*make)(size_t i, void *context, struct item_spec *spec),
                       void *context);

/* A bank from a file in catR's columns, ids q1, q2, ..., slopes times D. Where the file has a
 * column Group, items have the tag "group". */
struct bank *bank_from_table(const struct table *table, const struct model *model, double D);
struct bank *bank_golden(const char *name, const struct model *model, double D);

/* Any model's item with random parameters that are sensible: a 0.4 to 2.5, thresholds -3 to 3. */
void spec_random(struct dice *dice, const struct model *model, struct item_spec *spec);
/* n such items of all models in turn. */
struct bank *bank_random(struct dice *dice, size_t n);

/* Turn the thresholds in spec->steps, ascending, into the lists that the model has: what MGRM and
 * RSM add to b, slopes and intercepts of NRM. Other models keep them. */
void spec_from_thresholds(struct item_spec *spec);

/* Slopes of n_dim dimensions for a multidimensional model's item that has one: a in a random
 * direction with its signs. */
void spec_turn(struct dice *dice, unsigned n_dim, struct item_spec *spec);
/* n items of all multidimensional models in turn. */
struct bank *bank_random_dims(struct dice *dice, unsigned n_dim, size_t n);

bool model_has(const struct model *model, enum param_slot slot);

#endif
