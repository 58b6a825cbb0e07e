/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 * 1024 };

struct arena_chunk {
    struct arena_chunk *next;
    alignas(max_align_t) uint8_t bytes[];
};

static bool arena_grow(struct arena *arena, size_t size)
{
    size_t cap = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    struct arena_chunk *chunk = calloc(1, sizeof(*chunk) + cap);

    if (!chunk) {
        arena->failed = true;
        return false;
    }
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->used = 0;
    arena->cap = cap;
    return true;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded =
        (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    bool has_room = arena->chunks && rounded <= arena->cap - arena->used;
    void *out;

    if (size > PTRDIFF_MAX) arena->failed = true;  // rounded up, or with a header, it might wrap
    if (arena->failed) return NULL;
    if (!has_room && !arena_grow(arena, rounded)) return NULL;
    out = arena->chunks->bytes + arena->used;
    arena->used += rounded;
    return out;
}

struct slice arena_copy(struct arena *arena, struct slice s)
{
    uint8_t *out = arena_alloc(arena, s.n + 1);

    if (!out) return slice_of(NULL, 0);
    if (s.n > 0) memcpy(out, s.data, s.n);
    return slice_of(out, s.n);
}

void arena_done(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *next = arena->chunks->next;

        free(arena->chunks);
        arena->chunks = next;
    }
    *arena = (struct arena){0};
}
