/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of a document that says how theta is estimated. */
#ifndef STORE_ESTIMATE_DOCUMENT_H
#define STORE_ESTIMATE_DOCUMENT_H

#include "estimate/estimator.h"
#include "store/document.h"

/* Read what says how to estimate, as far as `object` has it: method, prior, grid, bounds. Other
 * keys are left to the caller. `spec` holds the defaults. `path` is the part's name in faults. A
 * prior that is a table is written to `points`, to which `spec` then points. */
void estimate_document_read(const msgpack_object *object, const char *path,
                            struct estimate_spec *spec, struct prior_points *points,
                            struct faults *faults);

/* Read mean and sd or cov of a normal prior, as far as the part has them: a number, or a list by
 * dimension. */
void normal_document_read(struct document *document, struct prior *prior);

#endif
