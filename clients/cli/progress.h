/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bar on stderr that shows how far something is. It shows nothing where stderr is no
 * terminal. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct progress {
    size_t n_total;
    bool shown, utf8;
    int percent;  // that is on the terminal
};

void progress_begin(struct progress *progress, size_t n_total, bool utf8);
/* So many are done: as struct simulation calls it. */
void progress_show(size_t n_done, void *progress);
/* Take the bar away. */
void progress_end(struct progress *progress);

#endif
