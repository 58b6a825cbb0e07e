/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/document.h"

#include <stdarg.h>
#include <stdio.h>

void document_begin(struct document *document, const msgpack_object *object, const char *path,
                    const char *item, struct faults *faults)
{
    document->faults = faults;
    document->item = item;
    snprintf(document->path, sizeof(document->path), "%s", path);
    document->in = reader_of(object, document->path, &document->fault);
    document_settle(document);
}

void document_settle(struct document *document)
{
    if (!document->in.failed) return;
    faults_add(document->faults, document->item, document->fault.field, "%s", document->fault.text);
    document->in.failed = false;
}

void document_allow(struct document *document, const char *const *keys, size_t n_key)
{
    reader_refuse_others(&document->in, document->item, keys, n_key, document->faults);
}

void document_refuse(struct document *document, const char *key, const char *fmt, ...)
{
    char text[FAULT_TEXT];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    read_fail(&document->in, key, "%s", text);
    document_settle(document);
}

bool document_f64(struct document *document, const char *key, double min, double max, double *out)
{
    bool found = read_f64(&document->in, key, OPTIONAL, min, max, out);

    document_settle(document);
    return found;
}

bool document_int(struct document *document, const char *key, int64_t min, int64_t max,
                  int64_t *out)
{
    bool found = read_int(&document->in, key, OPTIONAL, min, max, out);

    document_settle(document);
    return found;
}

bool document_bool(struct document *document, const char *key, bool *out)
{
    bool found = read_bool(&document->in, key, OPTIONAL, out);

    document_settle(document);
    return found;
}

bool document_text(struct document *document, const char *key, size_t max, struct slice *out)
{
    bool found = read_str(&document->in, key, OPTIONAL, max, out);

    document_settle(document);
    return found;
}

bool document_map(struct document *document, const char *key, const msgpack_object **out)
{
    bool found = read_map(&document->in, key, OPTIONAL, out);

    document_settle(document);
    return found;
}

bool document_array(struct document *document, const char *key, size_t max,
                    const msgpack_object **out)
{
    bool found = read_array(&document->in, key, OPTIONAL, max, out);

    document_settle(document);
    return found;
}
