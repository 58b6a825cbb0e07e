/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"
#include "base/slice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is too long was cut by bytes; a fault goes out on the wire, so the cut goes between two
 * characters. */
static void end_whole(char *text)
{
    size_t n = strlen(text);

    while (n > 0 && !slice_is_utf8(slice_of(text, n))) text[--n] = '\0';
}

static void fault_fill(struct fault *fault, const char *item, const char *field, const char *fmt,
                       va_list args)
{
    snprintf(fault->item, sizeof(fault->item), "%s", item ? item : "");
    snprintf(fault->field, sizeof(fault->field), "%s", field ? field : "");
    vsnprintf(fault->text, sizeof(fault->text), fmt, args);
    end_whole(fault->item);
    end_whole(fault->field);
    end_whole(fault->text);
}

void fault_set(struct fault *fault, const char *item, const char *field, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fault_fill(fault, item, field, fmt, args);
    va_end(args);
}

/* Room for one more, or NULL where the list is full or memory is short: the fault is still counted,
 * so the thing it was found in is still refused. */
static struct fault *faults_next(struct faults *faults)
{
    if (faults->n == LIMIT_FAULTS) return NULL;
    if (faults->n == faults->cap) {
        size_t cap = faults->cap ? faults->cap * 2 : 8;
        struct fault *list = realloc(faults->list, cap * sizeof(*list));

        if (!list) return NULL;
        faults->list = list;
        faults->cap = cap;
    }
    return &faults->list[faults->n++];
}

void faults_add(struct faults *faults, const char *item, const char *field, const char *fmt, ...)
{
    struct fault *fault = faults_next(faults);
    va_list args;

    faults->total++;
    if (!fault) return;
    va_start(args, fmt);
    fault_fill(fault, item, field, fmt, args);
    va_end(args);
}

void faults_done(struct faults *faults)
{
    free(faults->list);
    *faults = (struct faults){0};
}
