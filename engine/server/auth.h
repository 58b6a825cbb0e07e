/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is let in: the ZAP handler (rfc.zeromq.org/spec/27), a thread of its own that libzmq asks
 * about the key of every connection before a byte of it reaches the loop. It lets in nobody until
 * it is told of keys. */
#ifndef SERVER_AUTH_H
#define SERVER_AUTH_H

#include "base/fault.h"
#include "base/slice.h"

#define AUTH_DOMAIN "thetad"

/* Where a socket with keys tells of handshakes that fail before the handler is asked, by
 * zmq_socket_monitor: they are counted in the log. */
#define AUTH_MONITOR "inproc://handshakes"

/* Bytes of the routing id that it gives a peer it lets in, in place of one that the peer may have
 * set: the first is 0, as libzmq's own begin, the others are random. */
enum { AUTH_ROUTING_ID = 9 };

struct auth;
struct thread;

/* Serve inproc://zeromq.zap.01 of this context. IO_ERROR or NO_MEMORY with a text in `fault`. */
MUST_CHECK enum status auth_start(void *zmq_context, struct auth **out, struct fault *fault);

/* Its thread, to be watched, and whether it still decides. */
const struct thread *auth_thread(const struct auth *auth);
bool auth_is_alive(const struct auth *auth, int64_t now_us);

/* Ends the thread; connections to come are refused. NULL is fine. */
void auth_stop(struct auth *auth);

/* The public key (Z85, points into `user`) in the User-Id of a peer that this handler let in; NULL
 * where `user` is not of its making. */
const char *auth_key(const struct auth *auth, const char *user);

/* From now on let in those of `admissions` [struct key_admission, by ascending key] and no others.
 * Returns when the thread has said that it is so; false where it does not, and then no CURVE
 * endpoint may be bound: libzmq would let everybody in. */
MUST_CHECK bool auth_admit(struct auth *auth, struct slice admissions);

#endif
