/* SPDX-License-Identifier: Apache-2.0 */
/* One DEALER socket, connected to one endpoint of several, that is thrown away and made anew when
 * its peer falls silent or the connection breaks. */
#ifndef CLIENTS_C_TRANSPORT_H
#define CLIENTS_C_TRANSPORT_H

#include "base/slice.h"
#include "clients/c/keys.h"

#include <zmq.h>

enum { TRANSPORT_ENDPOINTS = 16 };

struct transport {
    char *text;                                 // owned: the endpoints, each ended by a NUL
    const char *endpoint[TRANSPORT_ENDPOINTS];  // [n_endpoint], into text
    size_t n_endpoint, at;                      // `at`: the one in use
    struct keys keys;
    void *context, *socket;
    int64_t connected_ms;  // when the socket was made
};

/* What an exchange of bytes comes to. LOST: the connection broke after the message was sent. */
enum wire { WIRE_OK, WIRE_TIMEOUT, WIRE_LOST, WIRE_FAILED };

/* Starts from {0}, but for the keys. `endpoints` has one or more, between commas; the connection
 * goes to number `first` of them, counted round. False, and errno, where one is malformed or
 * resources are short. */
MUST_CHECK bool transport_open(struct transport *transport, const char *endpoints, uint64_t first);
void transport_close(struct transport *transport);

/* The endpoint in use. */
const char *transport_endpoint(const struct transport *transport);

/* Close the socket: what it had to send or to bring is gone. The next send makes a new one, to the
 * endpoint after this one. */
void transport_leave(struct transport *transport);

/* Send one message, waiting for a connection until `deadline_ms`; where there are several
 * endpoints, for a second at most. On WIRE_FAILED errno says why, for receiving too. */
MUST_CHECK enum wire transport_send(struct transport *transport, struct slice bytes,
                                    int64_t deadline_ms);

/* Take the last frame of the next message into `out`, an initialised message. Pre: something was
 * sent since the socket was left. */
MUST_CHECK enum wire transport_receive(struct transport *transport, int64_t deadline_ms,
                                       zmq_msg_t *out);

int64_t transport_clock_ms(void);  // steady, from no particular moment

#endif
