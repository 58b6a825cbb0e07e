/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop: everything that changes, changes here. */
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include "server/server.h"

/* Bind, serve until SIGTERM or SIGINT, drain. `config_path` is read again on SIGHUP, NULL for none.
 * Returns a code of sysexits. */
int loop_run(struct server *server, const char *config_path);

/* Block the signals that the loop takes; to be called before any thread is made. */
void loop_block_signals(void);

#endif
