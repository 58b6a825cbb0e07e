/* SPDX-License-Identifier: Apache-2.0 */
/* A view of bytes that somebody else owns, and a buffer that grows. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const uint8_t *data;
    size_t n;
};

struct slice slice_of(const void *data, size_t n);
struct slice slice_str(const char *text);  // without the NUL
bool slice_equal(struct slice a, struct slice b);
bool slice_equal_str(struct slice a, const char *text);

/* Below, at or above 0 as `a` stands before, with or behind `b`: by bytes, a beginning before what
 * goes on from it. LMDB orders its keys so. */
int slice_compare(struct slice a, struct slice b);

/* 64-bit FNV-1a (Fowler, Noll, Vo 1991): tells two texts apart, keeps nobody out. 0 bytes: its
 * offset basis. */
uint64_t slice_hash(struct slice s);

/* Whether `s` is an id: 1 to LIMIT_ID bytes of [A-Za-z0-9._:-]. */
bool slice_is_id(struct slice s);

/* Whether `s` is well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF). */
bool slice_is_utf8(struct slice s);

/* Copy `s` into `out` [size] with a final NUL. False, and "" in `out`, if it does not fit or holds
 * a NUL. */
MUST_CHECK bool slice_to_text(struct slice s, char *out, size_t size);

/* A growing byte buffer. A failed growth sticks: later appends do nothing and `failed` stays set,
 * so the caller asks once, at the end. Start from {0}. */
struct buf {
    uint8_t *data;
    size_t n, cap;
    bool failed;
};

void buf_append(struct buf *buf, const void *data, size_t n);
void buf_clear(struct buf *buf);  // keeps the memory
void buf_done(struct buf *buf);
struct slice buf_slice(const struct buf *buf);

/* A slice among other bytes, for a reader in the same process: | length, 4, as this machine has it
 * | bytes |. slice_take() reads one from the front of `rest`, which goes on behind it. Pre: one
 * that was so written stands there. */
void buf_append_slice(struct buf *buf, struct slice s);
struct slice slice_take(struct slice *rest);
/* The same for a value of n bytes that buf_append() has put there. */
void slice_take_bytes(struct slice *rest, void *out, size_t n);

#endif
