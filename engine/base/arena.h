/* SPDX-License-Identifier: Apache-2.0 */
/* Memory with one lifetime: many small pieces, freed together. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena_chunk;

/* Start from {0}. A failed allocation sticks in `failed`. */
struct arena {
    struct arena_chunk *chunks;
    size_t used, cap;  // of the newest chunk
    bool failed;
};

/* `size` zeroed bytes, aligned for any type; NULL without memory. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy of `s` that lives in the arena and is followed by a NUL. Empty without memory. */
struct slice arena_copy(struct arena *arena, struct slice s);
void arena_done(struct arena *arena);

#endif
