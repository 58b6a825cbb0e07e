/* SPDX-License-Identifier: GPL-3.0-or-later */
/* [store] retain_days with a shared store: a thread with a connection of its own looks at all
 * sessions, some each second, and erases those whose last event is older. Every node does: what is
 * erased twice is erased once, and what has just been answered stays. */
#ifndef SERVER_SWEEP_H
#define SERVER_SWEEP_H

#include "base/status.h"

#include <stdint.h>

struct sweep;

/* NO_MEMORY where the thread cannot be had. */
MUST_CHECK enum status sweep_start(const char *url, int64_t retain_days, struct sweep **out);
void sweep_stop(struct sweep *sweep);  // NULL is fine

#endif
