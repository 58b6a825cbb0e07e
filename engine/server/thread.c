/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/thread.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <zmq.h>

enum { REST_SLICE_MS = 50 };

static void *live(void *argument)
{
    struct thread *thread = argument;

    thread->run(thread->argument);
    atomic_store(&thread->has_ended, true);
    return NULL;
}

bool thread_start(struct thread *thread, void *(*run)(void *), void *argument)
{
    sigset_t all, before;
    int error;

    thread->run = run;
    thread->argument = argument;
    atomic_store(&thread->has_ended, false);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&thread->id, NULL, live, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    thread->running = error == 0;
    if (error) errno = error;
    return thread->running;
}

bool thread_has_ended(const struct thread *thread)
{
    return atomic_load(&thread->has_ended);
}

void thread_join(struct thread *thread)
{
    pthread_join(thread->id, NULL);
    thread->running = false;
}

void thread_rest(uint32_t ms, const atomic_bool *quit)
{
    for (uint32_t rested = 0; rested < ms && !*quit; rested += REST_SLICE_MS) {
        nanosleep(&(struct timespec){.tv_nsec = REST_SLICE_MS * 1000000L}, NULL);
    }
}

static void *pair_end(void *zmq_context, int queued)
{
    void *end = zmq_socket(zmq_context, ZMQ_PAIR);

    if (!end || zmq_setsockopt(end, ZMQ_SNDHWM, &queued, sizeof(queued)) != 0 ||
        zmq_setsockopt(end, ZMQ_RCVHWM, &queued, sizeof(queued)) != 0) {
        socket_close(end);
        return NULL;
    }
    return end;
}

bool pair_open(void *zmq_context, const char *endpoint, int queued, void **out_loop_end,
               void **out_thread_end)
{
    *out_loop_end = pair_end(zmq_context, queued);
    *out_thread_end = pair_end(zmq_context, queued);
    return *out_loop_end && *out_thread_end && zmq_bind(*out_loop_end, endpoint) == 0 &&
           zmq_connect(*out_thread_end, endpoint) == 0;
}

void socket_close(void *socket)
{
    int linger = 0;

    if (!socket) return;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_close(socket);
}
