/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A thread beside the loop, and the end of the sockets by which they speak. */
#ifndef SERVER_THREAD_H
#define SERVER_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* It stays in its place while it runs. */
struct thread {
    pthread_t id;
    bool running;  // started, and not joined yet
    void *(*run)(void *);
    void *argument;
    atomic_bool has_ended;  // `run` has returned
};

/* Run `run` with `argument` in a thread that gets no signals: they are the loop's. False, with
 * errno, where there can be no more threads. */
bool thread_start(struct thread *thread, void *(*run)(void *), void *argument);

/* Whether it has come to its end, by itself where nobody has asked it to. */
bool thread_has_ended(const struct thread *thread);

/* Wait for its end, which the caller has asked for. Pre: it is running. */
void thread_join(struct thread *thread);

/* Called in a thread: sleep for so long, or until soon after `quit` is set. */
void thread_rest(uint32_t ms, const atomic_bool *quit);

/* Two sockets of one pair, the loop's end bound to `endpoint` and the thread's connected, each with
 * room for `queued` messages. False, with errno, where they cannot be had; what there is of them
 * then stands in the two places all the same, to be closed. */
bool pair_open(void *zmq_context, const char *endpoint, int queued, void **out_loop_end,
               void **out_thread_end);
enum { PAIR_QUEUED = 1000 };  // as libzmq has it

/* Close a ZeroMQ socket with whatever it has not sent; NULL is fine. */
void socket_close(void *socket);

#endif
