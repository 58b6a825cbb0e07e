/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sockets that systemd has opened for us, by the protocol of sd_listen_fds(3): $LISTEN_FDS
 * descriptors from number 3 on, where $LISTEN_PID is ours. systemd keeps them open while the daemon
 * is started anew, so that no connection is refused meanwhile. */
#ifndef SERVER_INHERITED_H
#define SERVER_INHERITED_H

#include "server/config.h"

/* The descriptor of each endpoint that is open already, -1 of the others. With a text in `fault`:
 * BAD_REQUEST where one of them is no endpoint of the configuration, as it would be served by
 * nobody, or with less care than its address asks for; IO_ERROR where it cannot be prepared. */
MUST_CHECK enum status inherited_find(const struct config *config, int out_fd[CONFIG_ENDPOINTS],
                                      struct fault *fault);

#endif
