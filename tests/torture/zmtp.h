/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many clients of one endpoint in one thread: plain sockets that speak ZMTP 3.0 without security,
 * as a DEALER does. Cheap, so that a generator can ask for more than the daemon can do. */
#ifndef TORTURE_ZMTP_H
#define TORTURE_ZMTP_H

#include "base/slice.h"

struct peers;

/* `n` connections to ipc://... or tcp://ADDRESS:PORT, all ready. NULL with a message on stderr. */
struct peers *peers_open(const char *endpoint, size_t n);
void peers_close(struct peers *peers);

/* Put one message into the buffer of connection i. */
void peers_put(struct peers *peers, size_t i, struct slice body);

/* Send what is in the buffers, as far as the sockets take it, and read what has come, waiting at
 * most `timeout_ms` for the first: `take` gets every message. False where a connection was lost. */
bool peers_exchange(struct peers *peers, int timeout_ms,
                    void (*take)(void *context, struct slice body), void *context);

#endif
