/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "select/criterion.h"

const struct criterion *const criteria[] = {&criterion_mfi, &criterion_random, NULL};

const struct criterion *criterion_find(struct slice name)
{
    for (size_t i = 0; criteria[i]; i++) {
        if (slice_equal_str(name, criteria[i]->name)) return criteria[i];
    }
    return NULL;
}
