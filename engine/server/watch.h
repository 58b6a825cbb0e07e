/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The threads that the loop depends on. One that is stuck starves systemd's watchdog, one that has
 * ended takes the daemon with it: nobody would do its work, and a new start mends both. */
#ifndef SERVER_WATCH_H
#define SERVER_WATCH_H

#include "server/cycle.h"

/* Feed the watchdog where it is due and helpers and auth are alive. */
void watch_feed(struct loop *loop, int64_t now_us);

/* End the loop, with EX_OSERR, where a thread has ended that nobody has asked to. */
void watch_ends(struct loop *loop);

#endif
