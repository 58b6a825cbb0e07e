/* SPDX-License-Identifier: Apache-2.0 */
/* One DEALER socket that is thrown away and made anew when a peer falls silent. */
#ifndef CLIENTS_C_TRANSPORT_H
#define CLIENTS_C_TRANSPORT_H

#include "base/slice.h"
#include "clients/c/keys.h"

#include <zmq.h>

struct transport {
    char *endpoint;
    struct keys keys;
    void *context, *socket;
};

/* What an exchange of bytes comes to. */
enum wire { WIRE_OK, WIRE_TIMEOUT, WIRE_FAILED };

/* Starts from {0}. False, and errno, where the endpoint is malformed or resources are short. */
MUST_CHECK bool transport_open(struct transport *transport, const char *endpoint);
void transport_close(struct transport *transport);

/* Close the socket: what it had to send or to bring is gone. The next send makes a new one. */
void transport_drop(struct transport *transport);

/* Send one message, waiting for a connection until `deadline_ms`. On WIRE_FAILED errno says why,
 * for receiving too. */
MUST_CHECK enum wire transport_send(struct transport *transport, struct slice bytes,
                                    int64_t deadline_ms);

/* Take the last frame of the next message into `out`, an initialised message. Pre: something was
 * sent since the socket was dropped. */
MUST_CHECK enum wire transport_receive(struct transport *transport, int64_t deadline_ms,
                                       zmq_msg_t *out);

int64_t transport_clock_ms(void);  // steady, from no particular moment

#endif
