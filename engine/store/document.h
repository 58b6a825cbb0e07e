/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading documents so that every fault is told, not only the first. */
#ifndef STORE_DOCUMENT_H
#define STORE_DOCUMENT_H

#include "proto/reader.h"

/* A part of a document. Its fields are read through `in`; document_settle then moves a fault to the
 * list and lets reading go on. */
struct document {
    struct reader in;
    struct fault fault;
    struct faults *faults;
    const char *item;  // named in the faults, may be NULL
    char path[LIMIT_ID + 1];
};

/* Begin to read `object` (a fault where it is no map) as the part called `path` ("" for the
 * whole). */
void document_begin(struct document *document, const msgpack_object *object, const char *path,
                    const char *item, struct faults *faults);
/* Every key of this part other than keys[n_key] is a fault. */
void document_allow(struct document *document, const char *const *keys, size_t n_key);
/* To be called after each read through `in`; the typed fields below do it themselves. */
void document_settle(struct document *document);

/* Add a fault for `key` of this part. */
void document_refuse(struct document *document, const char *key, const char *fmt, ...) PRINTF(3, 4);

/* Optional fields, typed and settled. False, and the output left alone, where the field is absent
 * or refused. */
bool document_f64(struct document *document, const char *key, double min, double max, double *out);
bool document_int(struct document *document, const char *key, int64_t min, int64_t max,
                  int64_t *out);
bool document_bool(struct document *document, const char *key, bool *out);
bool document_text(struct document *document, const char *key, size_t max, struct slice *out);
bool document_map(struct document *document, const char *key, const msgpack_object **out);
bool document_array(struct document *document, const char *key, size_t max,
                    const msgpack_object **out);

#endif
