/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages of a ROUTER: an opaque envelope, then the body. */
#ifndef SERVER_FRAMES_H
#define SERVER_FRAMES_H

#include "base/slice.h"
#include "server/config.h"
#include "server/unfinished.h"

/* A ROUTER bound to `endpoint`, with every limit set; `fd` is a socket that listens there already,
 * -1 for none. With a `secret_key` (Z85) it speaks CURVE only, with peers that the ZAP handler of
 * the context lets in; NULL: without encryption. IO_ERROR with a text in `fault`. */
MUST_CHECK enum status frames_bind(void *zmq_context, const struct endpoint_config *endpoint,
                                   int fd, const char *secret_key, void **out_socket,
                                   struct fault *fault);

/* Take no more connections. Those that stand stay. */
void frames_unbind(void *socket);

enum frames_got { FRAMES_NONE, FRAMES_MESSAGE, FRAMES_NAMED, FRAMES_BAD };

enum { FRAMES_USER = 64 };  // bytes of a User-Id with its NUL

/* Take one message, without waiting. The envelope is appended to `envelope`, encoded; `body` is
 * replaced. `user` (NULL: not asked for) gets what the ZAP handler said of the peer, "" where it
 * was not asked. FRAMES_NAMED: the peer has set a routing id, which could be another's; it is to be
 * refused. FRAMES_BAD: the message was taken, but its envelope is over the limits, so there is
 * nobody to answer. `unfinished` (NULL: nobody) hears by which connection it came. */
enum frames_got frames_receive(void *socket, struct buf *envelope, struct buf *body,
                               char user[FRAMES_USER], struct unfinished *unfinished);

/* Send a body behind an envelope as it was received. False where the peer is gone or takes no more:
 * the reply is dropped, and the peer asks again. */
bool frames_send(void *socket, struct slice envelope, struct slice body);

#endif
