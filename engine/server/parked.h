/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop's side of server/district.h: requests are parked, served again, answered. Nothing here
 * is called where the events are in LMDB. */
#ifndef SERVER_PARKED_H
#define SERVER_PARKED_H

#include "server/cycle.h"

/* Park a request that waits or is held, its reply being what loop->reply has from `reply_at` on.
 * False where there is no room. */
MUST_CHECK bool parked_add(struct loop *loop, const struct message *message, enum call_end end,
                           size_t reply_at);

/* Refuse a request that could not be parked; the reply is appended to loop->reply. `end` says how
 * it had gone. */
void parked_refuse(struct loop *loop, const struct message *message, const struct peer *peer,
                   enum call_end end);

/* Whether the request that was just parked stays where it was, being one that is served again. */
bool parked_again(const struct loop *loop);

/* What the shared store has answered. */
void parked_take(struct loop *loop);

/* Requests whose wait is over: their replies go out, and the next ones of their sessions go on. The
 * cycle has begun at `from_us`. */
void parked_serve(struct loop *loop, int64_t from_us);

/* What has gathered goes to the shared store. */
void parked_send(struct loop *loop);

/* From time to time: those who have waited too long are told so, and there may be news. */
void parked_tick(struct loop *loop, int64_t now_us);

#endif
