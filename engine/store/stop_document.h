/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of a test document that says when a test ends. */
#ifndef STORE_STOP_DOCUMENT_H
#define STORE_STOP_DOCUMENT_H

#include "session/plan.h"
#include "store/document.h"

/* Read `stop` into the test's tree and min_items. Faults are added by field. */
void stop_document_read(const msgpack_object *object, struct test *out, struct faults *faults);

#endif
