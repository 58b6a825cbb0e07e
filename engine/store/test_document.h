/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A test as a map: on the wire, as JSON, and as it is stored. PROTOCOL.md, section 5. */
#ifndef STORE_TEST_DOCUMENT_H
#define STORE_TEST_DOCUMENT_H

#include "session/plan.h"
#include "store/document.h"

/* Read a whole document. All faults are added, by field. True where there is none. */
bool test_document_read(const msgpack_object *object, struct test *out, struct faults *faults);

/* Read a pace: by, at, acceleration. */
void pace_document_read(const msgpack_object *object, const char *path, struct pace *out,
                        struct faults *faults);

#endif
