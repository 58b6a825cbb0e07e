/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MessagePack written and read as JSON. In the texts here ' stands for ". */
#ifndef SUPPORT_WIRE_JSON_H
#define SUPPORT_WIRE_JSON_H

#include "base/slice.h"

#include <jansson.h>

/* The value of a JSON text, which must be one; to be freed with json_decref. */
json_t *json_of(const char *text);
/* Append a value, or a text's value, as MessagePack. */
void wire_value(json_t *value, struct buf *out);
void wire_json(const char *text, struct buf *out);

/* A message as JSON, to be freed with json_decref. */
json_t *wire_read(struct slice bytes);
/* Expect a message, or a value, to be this. */
bool expect_wire(struct slice bytes, const char *text);
bool expect_json(json_t *got, const char *text);

#endif
