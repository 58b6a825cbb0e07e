/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The signs of life of a thread beside the loop. Each says how long the next may take: a moment for
 * a thread that waits for work, longer for one that has some. A thread that lets that time go by is
 * taken for stuck, and the loop feeds systemd's watchdog no more. */
#ifndef SERVER_PULSE_H
#define SERVER_PULSE_H

#include "server/clock.h"

#include <stdatomic.h>
#include <stdbool.h>

enum {
    PULSE_REST_MS = 1000,  // a thread without work gives a sign so often,
    PULSE_IDLE_S = 5,      // and has so long for it: the machine may be busy
    PULSE_WORK_S = 120,    // one piece of work, where its request says nothing else
};

/* {0} is a thread that has not begun. */
struct pulse {
    _Atomic int64_t until_us;
};

/* By the thread, or before it is started: alive, and the next sign comes within `next_s`. */
static inline void pulse_give(struct pulse *pulse, int64_t next_s)
{
    atomic_store_explicit(&pulse->until_us, clock_us() + next_s * 1000000, memory_order_relaxed);
}

static inline bool pulse_is_alive(const struct pulse *pulse, int64_t now_us)
{
    return now_us <= atomic_load_explicit(&pulse->until_us, memory_order_relaxed);
}

#endif
