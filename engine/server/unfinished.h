/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages that do not end. libzmq limits a frame, but not how many frames a message has, and keeps
 * them until the last one is there: who says "more" for ever takes memory without end, at as many
 * connections as it likes. So a TCP connection that has brought more bytes than any message may
 * have, and no message, is cut; and where all connections together have brought more such bytes
 * than there is room for, each that has more than its share. A local socket has no such count; who
 * reaches it is trusted. */
#ifndef SERVER_UNFINISHED_H
#define SERVER_UNFINISHED_H

#include "base/macros.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct unfinished;

/* Bytes that there is room for. A frame of nothing takes two bytes of the wire and 64 of memory,
 * encrypted 35 of the wire: a GiB of memory at the worst, or half of it. Without keys peers are on
 * this machine, and their messages are there at once. */
enum { UNFINISHED_PLAIN = 32 << 20, UNFINISHED_CURVE = 256 << 20 };

/* Of the connections to `port`, in the process's numbering of descriptors, of which there may be as
 * many as the kernel allows, with room for so many bytes. NO_MEMORY. */
MUST_CHECK enum status unfinished_new(uint16_t port, uint64_t room, struct unfinished **out);
void unfinished_free(struct unfinished *unfinished);  // NULL is fine

/* A whole message of about so many bytes has come by that descriptor; -1: it is not known. */
void unfinished_message(struct unfinished *unfinished, int fd, size_t n_byte);

/* Look at some connections, all in turn, and cut those that have brought too much for a second or
 * more. How many were cut. To be called every half second, when what has come has been taken. */
size_t unfinished_look(struct unfinished *unfinished, int64_t now_us);

#endif
