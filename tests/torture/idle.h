/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The students of a swarm who wait for no reply: some may ask at once, others pause. */
#ifndef TESTS_TORTURE_IDLE_H
#define TESTS_TORTURE_IDLE_H

#include <stddef.h>
#include <stdint.h>

struct idle;

/* Room for students 0 to n - 1, nobody in it. NULL without memory. */
struct idle *idle_new(size_t n);
void idle_free(struct idle *idle);

/* One more, who is not there yet and may ask from `from_us` on: 16 seconds from now at the most. */
void idle_put(struct idle *idle, uint32_t who, int64_t from_us);

/* The one that may have asked for longest; -1 where nobody may. */
int64_t idle_take(struct idle *idle, int64_t now_us);

#endif
