/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with something that came from outside: which item, which field, and why. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/limits.h"
#include "base/macros.h"
#include "base/status.h"

#include <stddef.h>

enum { FAULT_TEXT = 160 };

struct fault {
    char item[LIMIT_ID + 1];   // "" where the fault is not an item's
    char field[LIMIT_ID + 1];  // dotted path, "" where the fault is not a field's
    char text[FAULT_TEXT];
};

/* A bounded list: the first LIMIT_FAULTS are kept, all are counted. Start from {0}. */
struct faults {
    struct fault *list;
    size_t n, cap;
    size_t total;
};

/* Add one fault. `item` and `field` may be NULL; texts that do not fit are cut between two
 * characters. */
void faults_add(struct faults *faults, const char *item, const char *field, const char *fmt, ...)
    PRINTF(4, 5);
void faults_done(struct faults *faults);

/* Fill `fault` as faults_add does. */
void fault_set(struct fault *fault, const char *item, const char *field, const char *fmt, ...)
    PRINTF(4, 5);

#endif
