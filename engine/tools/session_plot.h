/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The picture of a session: how theta went, and which items were asked on the way. */
#ifndef TOOLS_SESSION_PLOT_H
#define TOOLS_SESSION_PLOT_H

#include "base/limits.h"
#include "base/status.h"

#include <stdio.h>

/* An answer and what was known after it. NaN where something is not known. */
struct path_step {
    char item[LIMIT_ID + 1];
    double theta, se;
    double difficulty;  // of the item
    double share;       // of the highest score
};

enum { PATH_CAPTIONS = 3 };

struct path {
    const char *title;
    const char *captions[PATH_CAPTIONS];  // lines below the picture, NULL ends them
    const struct path_step *steps;        // [n]
    size_t n;                             // at most LIMIT_ANSWERS
};

/* A picture in a file of its own. NO_MEMORY. */
MUST_CHECK enum status plot_path(const struct path *path, FILE *out);

#endif
