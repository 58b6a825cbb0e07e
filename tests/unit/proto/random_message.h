/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random MessagePack values for property tests: the same seed gives the same bytes. */
#ifndef TEST_PROTO_RANDOM_MESSAGE_H
#define TEST_PROTO_RANDOM_MESSAGE_H

#include "base/slice.h"

struct dice {
    uint64_t seed, draw;
};

/* Uniform on 0 .. n - 1. */
size_t roll(struct dice *dice, size_t n);

/* Clear `out` and write one value into it that is within the limits. */
void random_message(struct dice *dice, struct buf *out);

#endif
