/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One item as an importer gathers it, before it becomes the map of PROTOCOL.md, section 4. */
#ifndef TOOLS_DRAFT_H
#define TOOLS_DRAFT_H

#include "base/limits.h"
#include "proto/writer.h"

#include <jansson.h>

enum { DRAFT_PARAMS = 6 };

struct draft_param {
    const char *name;
    double value[LIMIT_CATS];
    size_t n;
    bool array;
};

/* Texts are borrowed; NULL or "" where there is none. Start from {0}. */
struct draft {
    const char *id, *model, *key, *set;
    struct draft_param params[DRAFT_PARAMS];
    size_t n_param;
    struct slice options[LIMIT_OPTIONS];
    size_t n_option;
    struct slice enemies[LIMIT_ENEMIES];
    size_t n_enemy;
    const char *tags[LIMIT_TAGS][2];  // name, value
    size_t n_tag;
    json_t *content;  // owned
};

void draft_number(struct draft *draft, const char *name, double value);
/* The n <= LIMIT_CATS `values`, copied. */
void draft_numbers(struct draft *draft, const char *name, const double *values, size_t n);
/* False where there is no room, or a tag of that name already. */
MUST_CHECK bool draft_tag(struct draft *draft, const char *name, const char *value);

/* Write the item's map. False where its content is nested too deep for a message. */
MUST_CHECK bool draft_write(const struct draft *draft, struct writer *out);
void draft_done(struct draft *draft);

#endif
