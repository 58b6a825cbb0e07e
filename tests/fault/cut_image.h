/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a power cut leaves of a data file: everything up to the last sync that came back, all
 * durable writes before it, and of the rest whatever chunks the disk had got to. */
#ifndef FAULT_CUT_IMAGE_H
#define FAULT_CUT_IMAGE_H

#include "base/slice.h"
#include "tests/fault/cut_trace.h"

#include <stddef.h>

/* A recorded operation; its data stays in the trace. */
struct cut_step {
    struct cut_op op;
    const uint8_t *data;
};

struct cut_trace {
    struct buf bytes;
    struct cut_step *steps;
    size_t n;
};

/* False where the file is not there, or breaks off (as it may where the daemon was killed). */
bool cut_trace_read(const char *path, struct cut_trace *out);
void cut_trace_done(struct cut_trace *trace);

/* The file as it is on disk for certain, grown operation by operation. */
struct cut_disk {
    const struct cut_trace *trace;
    bool ignores_sync;  // as if the store had been opened with MDB_NOSYNC
    uint8_t *bytes;
    size_t n, cap;
    size_t *pending;  // steps that a cut now may lose, in order
    size_t n_pending;
    bool has_synced;
};

bool cut_disk_init(struct cut_disk *disk, const struct cut_trace *trace, bool ignores_sync);
void cut_disk_done(struct cut_disk *disk);
/* Step `i` came back. */
void cut_disk_take(struct cut_disk *disk, size_t i);

/* How a cut tears what is pending: nothing of it is kept, all, or each chunk by its odds. */
struct cut_tear {
    double keep;  // odds of each chunk, 0 to 1
    size_t chunk_bytes;
    uint64_t seed;
};

/* The file that a cut leaves while step `flying` is under way. False without memory; *out is
 * cleared first. */
bool cut_disk_image(const struct cut_disk *disk, size_t flying, const struct cut_tear *tear,
                    struct buf *out);

#endif
