/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a test means for a bank of so many dimensions. */
#ifndef SESSION_PLAN_DIMS_H
#define SESSION_PLAN_DIMS_H

#include "session/plan.h"

/* Fill in what the test does not say and the bank's dimensions decide; add a fault for every part
 * that is for banks of another number of dimensions. */
void plan_settle_dims(struct plan *plan, struct faults *faults);

#endif
