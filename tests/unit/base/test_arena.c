/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/arena.h"

#include <criterion/criterion.h>
#include <stdalign.h>
#include <string.h>

Test(arena, pieces_are_zeroed_aligned_and_apart)
{
    enum { N = 4000 };
    struct arena arena = {0};
    static uint8_t *piece[N];

    for (size_t i = 0; i < N; i++) {
        size_t size = i * 7 % 97 + 1;

        piece[i] = arena_alloc(&arena, size);
        cr_assert(piece[i] && (uintptr_t)piece[i] % alignof(max_align_t) == 0, "piece %zu", i);
        for (size_t j = 0; j < size; j++) cr_assert(piece[i][j] == 0, "piece %zu, byte %zu", i, j);
        memset(piece[i], (int)(i % 251 + 1), size);
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < i * 7 % 97 + 1; j++)
            cr_assert(piece[i][j] == i % 251 + 1, "piece %zu, byte %zu", i, j);
    }
    arena_done(&arena);
    cr_expect(!arena.chunks && arena.cap == 0);
}

Test(arena, a_piece_may_be_larger_than_a_chunk)
{
    enum { LARGE = 1000003 };
    struct arena arena = {0};
    uint8_t *small = arena_alloc(&arena, 3), *large;

    cr_assert(small);
    memset(small, 7, 3);
    large = arena_alloc(&arena, LARGE);
    cr_assert(large && large[0] == 0 && large[LARGE - 1] == 0);
    memset(large, 9, LARGE);
    cr_expect(small[0] == 7 && small[2] == 7);
    cr_assert(arena_alloc(&arena, 1));
    arena_done(&arena);
}

Test(arena, nothing_can_be_had_from_an_empty_arena)
{
    struct arena arena = {0};

    cr_expect(arena_alloc(&arena, 0) != NULL);
    cr_expect(!arena.failed);
    arena_done(&arena);
}

Test(arena, copies_end_with_a_nul)
{
    struct arena arena = {0};
    struct slice copy = arena_copy(&arena, slice_of("q17x", 3));

    cr_assert(copy.data && copy.n == 3);
    cr_expect(memcmp(copy.data, "q17", 4) == 0);
    copy = arena_copy(&arena, slice_of(NULL, 0));
    cr_expect(copy.data && copy.n == 0 && copy.data[0] == '\0');
    arena_done(&arena);
}

static void expect_failed(size_t size)
{
    struct arena arena = {0};

    cr_assert(arena_alloc(&arena, 5));
    cr_expect(!arena_alloc(&arena, size), "%zu bytes", size);
    cr_expect(arena.failed, "%zu bytes", size);
    cr_expect(!arena_alloc(&arena, 5), "failure sticks");
    cr_expect(arena_copy(&arena, slice_str("q")).data == NULL);
    arena_done(&arena);
    cr_expect(!arena.failed);
}

/* Sizes whose sum with a header or with the rounding would wrap around. */
Test(arena, more_than_there_is_fails_and_sticks)
{
    expect_failed(SIZE_MAX);
    expect_failed(SIZE_MAX - 15);
    expect_failed(SIZE_MAX - 31);
    expect_failed((size_t)PTRDIFF_MAX + 1);
}
