/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exposure control in a document: {rule, strata, b_blocks, max_rate, cuts, fading, acceleration,
 * max_uses, repeat_after_days}. */
#ifndef STORE_EXPOSURE_DOCUMENT_H
#define STORE_EXPOSURE_DOCUMENT_H

#include "base/fault.h"
#include "select/exposure.h"

#include <msgpack.h>

/* Read the map over *out, which holds the defaults. Faults are added by field. */
void exposure_document_read(const msgpack_object *object, struct exposure_spec *out,
                            struct faults *faults);

#endif
