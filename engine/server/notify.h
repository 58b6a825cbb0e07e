/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Telling systemd how we are, by the protocol of sd_notify(3): datagrams to $NOTIFY_SOCKET. */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include <stdint.h>

/* Send e.g. "READY=1". Nothing happens where nobody listens. */
void notify(const char *state);

enum { NOTIFY_PATIENCE_MS = 60000 };

/* Starting or stopping is on its way, and systemd is to wait for another `patience_ms` from now
 * before it gives up. */
void notify_patience(int64_t patience_ms);

/* How often the watchdog wants "WATCHDOG=1", in ms; 0 where there is none. Half of its limit. */
int64_t notify_watchdog_ms(void);

#endif
