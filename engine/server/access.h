/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Access over the network: the daemon's key, the clients' keys, and the thread that lets them
 * in. */
#ifndef SERVER_ACCESS_H
#define SERVER_ACCESS_H

#include "server/keys.h"
#include "server/request.h"

struct access;
struct thread;

/* Read the daemon's key and the folder of the clients', and start to decide on connections.
 * *out_access is NULL where the configuration asks for none. Errors with field and text in
 * `fault`. */
MUST_CHECK enum status access_open(void *zmq_context, const struct config *config,
                                   struct access **out_access, struct fault *fault);
void access_close(struct access *access);

/* What the keys have used of their limits (server/keys.h): take in what is in the store, before the
 * first peer comes, and put what is new of the next `n_most` into the batch. NULL is fine. */
MUST_CHECK enum status access_take_kept(struct access *access, struct env *env,
                                        struct batch *batch);
void access_keep(struct access *access, const struct env *env, struct batch *batch, size_t n_most);

/* Begin to read the folder again, and nothing else; and go on with it, `n_file` files at a time,
 * until *out_done. Then all of it holds at once, or, on an error, what access_failure says. */
MUST_CHECK enum status access_reload(struct access *access, const struct config *config,
                                     struct fault *fault);
MUST_CHECK enum status access_go_on(struct access *access, size_t n_file, bool *out_done,
                                    struct fault *fault);
/* Whether a reading is under way. NULL is fine. */
bool access_is_reading(const struct access *access);
/* How things stand after a reading that failed with `status`, for the log: as before; on IO_ERROR
 * the keys are as in the folder, and those that are gone refused, but who may connect is not told,
 * so nobody new is let in. */
const char *access_failure(enum status status);

/* The daemon's secret key, in Z85. */
const char *access_secret_key(const struct access *access);

/* The thread that lets peers in, to be watched, and whether it still does. */
const struct thread *access_thread(const struct access *access);
bool access_is_alive(const struct access *access, int64_t now_us);

size_t access_n_key(const struct access *access);

/* Say who a peer is by the User-Id of its message, and refuse it where its key may not be used now.
 * peer->now_ms and now_us are there already. */
void access_identify(struct access *access, const char *user, struct peer *peer);

#endif
