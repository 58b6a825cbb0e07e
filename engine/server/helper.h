/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The helper: a thread that does what takes too long for the loop. Asks and answers are values in
 * inproc messages: | struct job | body |, and back | struct job | reply |. */
#ifndef SERVER_HELPER_H
#define SERVER_HELPER_H

#include "server/request.h"

struct helper;
struct thread;

/* Start one under a name of its own. NO_MEMORY where the thread or its sockets cannot be had. */
MUST_CHECK enum status helper_start(void *zmq_context, const char *name, struct env *env,
                                    struct helper **out);

/* Before its first ask: events are in the shared store at `url`. */
void helper_share(struct helper *helper, const char *url);

/* Ends the thread when its present work is done; what that made is freed. NULL is fine. */
void helper_stop(struct helper *helper);

/* The loop's end of the pair, to poll. */
void *helper_socket(const struct helper *helper);

/* Hand over work. False where it could not be sent. */
bool helper_ask(struct helper *helper, const struct job *job, struct slice body);

/* Take one finished piece of work, its reply into `reply` (cleared first). False where there is
 * none, nor comes within `wait_ms`. */
bool helper_take(struct helper *helper, int wait_ms, struct job *out_job, struct buf *reply);

/* How many pieces of work are out. */
size_t helper_n_out(const struct helper *helper);

/* Its thread, to be watched. */
const struct thread *helper_thread(const struct helper *helper);

/* Whether its thread waits for work, or may still be at the work it has. */
bool helper_is_alive(const struct helper *helper, int64_t now_us);

#endif
