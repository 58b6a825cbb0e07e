/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sample in the text format of Prometheus, version 0.0.4. */
#ifndef SERVER_METRICS_TEXT_H
#define SERVER_METRICS_TEXT_H

#include "base/slice.h"
#include "server/sample.h"

/* What the process uses, from the kernel. */
struct process_use {
    double cpu_s, started_s;  // started_s: since 1970
    uint64_t resident_bytes, open_fds, max_fds;
};

/* Append all series. What a name means stands in the text itself, in its HELP line. */
void metrics_write(const struct sample *sample, const struct process_use *use, struct buf *out);

/* Why the daemon should get no new work at `now_us`, in a few words; NULL where it may. */
const char *metrics_unready(const struct sample *sample, int64_t now_us);

/* Whether the loop still turns. */
bool metrics_is_alive(const struct sample *sample, int64_t now_us);

#endif
