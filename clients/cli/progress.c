/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients/cli/progress.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR = 40, NOTHING_YET = -1 };

void progress_begin(struct progress *progress, size_t n_total, bool utf8)
{
    *progress = (struct progress){.n_total = n_total,
                                  .shown = n_total > 0 && isatty(STDERR_FILENO) == 1,
                                  .utf8 = utf8,
                                  .percent = NOTHING_YET};
}

void progress_show(size_t n_done, void *context)
{
    struct progress *progress = context;
    int percent, full;

    if (!progress->shown) return;
    percent = (int)(100.0 * (double)n_done / (double)progress->n_total);
    if (percent == progress->percent) return;
    progress->percent = percent;
    full = percent * BAR / 100;
    fputs("\r  ", stderr);
    for (int i = 0; i < BAR; i++) {
        if (progress->utf8)
            fputs(i < full ? "\u2588" : "\u2591", stderr);
        else
            fputc(i < full ? '#' : '.', stderr);
    }
    fprintf(stderr, " %3d %%", percent);
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->shown) fputs("\r\033[K", stderr);
}
