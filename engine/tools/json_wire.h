/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between JSON for people and MessagePack for the wire. */
#ifndef TOOLS_JSON_WIRE_H
#define TOOLS_JSON_WIRE_H

#include "proto/writer.h"

#include <jansson.h>

/* Write `value`. Integers stay integers and reals stay reals (1.0 is not 1). False, and `out` in
 * the middle of a value, where it is nested more than `depth` deep. */
MUST_CHECK bool json_wire_write(struct writer *out, json_t *value, int depth);

/* A decoded value as JSON, to be freed with json_decref. NULL when memory is short. Bytes (bin),
 * which the protocol does not use, become null. */
MUST_CHECK json_t *json_wire_read(const msgpack_object *object);

#endif
