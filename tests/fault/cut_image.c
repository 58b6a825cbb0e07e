/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fault/cut_image.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ_BYTES = 1 << 16, FIRST_BYTES = 1 << 20 };

static size_t count_steps(struct slice bytes)
{
    size_t n = 0;

    while (bytes.n >= sizeof(struct cut_op)) {
        struct cut_op op;

        memcpy(&op, bytes.data, sizeof(op));
        bytes = slice_of(bytes.data + sizeof(op), bytes.n - sizeof(op));
        if (op.n > bytes.n) return n;
        bytes = slice_of(bytes.data + op.n, bytes.n - op.n);
        n++;
    }
    return n;
}

bool cut_trace_read(const char *path, struct cut_trace *out)
{
    FILE *file = fopen(path, "rb");
    uint8_t chunk[READ_BYTES];
    const uint8_t *at;
    size_t n;

    *out = (struct cut_trace){0};
    if (!file) return false;
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0) buf_append(&out->bytes, chunk, n);
    fclose(file);
    if (out->bytes.failed || out->bytes.n == 0) return false;
    out->n = count_steps(buf_slice(&out->bytes));
    out->steps = calloc(out->n + 1, sizeof(*out->steps));
    if (!out->steps) return false;
    at = out->bytes.data;
    for (size_t i = 0; i < out->n; i++) {
        memcpy(&out->steps[i].op, at, sizeof(struct cut_op));
        out->steps[i].data = at + sizeof(struct cut_op);
        at += sizeof(struct cut_op) + out->steps[i].op.n;
    }
    return out->n > 0;
}

void cut_trace_done(struct cut_trace *trace)
{
    buf_done(&trace->bytes);
    free(trace->steps);
}

bool cut_disk_init(struct cut_disk *disk, const struct cut_trace *trace, bool ignores_sync)
{
    *disk = (struct cut_disk){.trace = trace, .ignores_sync = ignores_sync, .cap = FIRST_BYTES};
    disk->bytes = calloc(1, disk->cap);
    disk->pending = calloc(trace->n + 1, sizeof(*disk->pending));
    return disk->bytes && disk->pending;
}

void cut_disk_done(struct cut_disk *disk)
{
    free(disk->bytes);
    free(disk->pending);
}

static void grow(struct cut_disk *disk, size_t n)
{
    size_t cap = disk->cap;
    uint8_t *bytes;

    if (n > disk->n) disk->n = n;
    while (cap < n) cap *= 2;
    if (cap == disk->cap) return;
    bytes = realloc(disk->bytes, cap);
    if (!bytes) abort();
    memset(bytes + disk->cap, 0, cap - disk->cap);
    disk->bytes = bytes;
    disk->cap = cap;
}

static void settle(struct cut_disk *disk, const struct cut_step *step)
{
    if (step->op.kind == CUT_LENGTH) {
        grow(disk, step->op.offset);
        disk->n = step->op.offset;
        memset(disk->bytes + disk->n, 0, disk->cap - disk->n);
        return;
    }
    grow(disk, step->op.offset + step->op.n);
    memcpy(disk->bytes + step->op.offset, step->data, step->op.n);
}

void cut_disk_take(struct cut_disk *disk, size_t i)
{
    const struct cut_step *step = &disk->trace->steps[i];

    if (step->op.kind == CUT_REPLY) return;
    if (step->op.kind == CUT_SYNC) {
        if (disk->ignores_sync) return;
        for (size_t k = 0; k < disk->n_pending; k++) {
            settle(disk, &disk->trace->steps[disk->pending[k]]);
        }
        disk->n_pending = 0;
        disk->has_synced = true;
    } else if (step->op.is_durable && !disk->ignores_sync) {
        settle(disk, step);
    } else {
        disk->pending[disk->n_pending++] = i;
    }
}

/* Lay chunks of one write over the image; the file is as long as the highest byte that is kept. */
static void tear_step(const struct cut_step *step, size_t i, const struct cut_tear *tear,
                      struct cut_disk *image)
{
    uint64_t from = step->op.offset, end = from + step->op.n;

    if (step->op.kind != CUT_WRITE) return;
    while (from < end) {
        uint64_t chunk = from / tear->chunk_bytes, next = (chunk + 1) * tear->chunk_bytes;
        size_t n = (size_t)((next < end ? next : end) - from);

        if (rng_uniform(tear->seed, i * 65536 + chunk % 65536) < tear->keep) {
            grow(image, from + n);
            memcpy(image->bytes + from, step->data + (from - step->op.offset), n);
        }
        from += n;
    }
}

bool cut_disk_image(const struct cut_disk *disk, size_t flying, const struct cut_tear *tear,
                    struct buf *out)
{
    struct cut_disk image = *disk;

    image.bytes = malloc(image.cap);
    if (!image.bytes) return false;
    memcpy(image.bytes, disk->bytes, image.cap);
    for (size_t k = 0; k < disk->n_pending; k++) {
        tear_step(&disk->trace->steps[disk->pending[k]], disk->pending[k], tear, &image);
    }
    if (flying < disk->trace->n) tear_step(&disk->trace->steps[flying], flying, tear, &image);
    buf_clear(out);
    buf_append(out, image.bytes, image.n);
    free(image.bytes);
    return !out->failed;
}
