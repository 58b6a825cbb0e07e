/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/thread.h"

#include <errno.h>
#include <signal.h>
#include <zmq.h>

bool thread_start(struct thread *thread, void *(*run)(void *), void *argument)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&thread->id, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    thread->running = error == 0;
    if (error) errno = error;
    return thread->running;
}

void thread_join(struct thread *thread)
{
    pthread_join(thread->id, NULL);
    thread->running = false;
}

void socket_close(void *socket)
{
    int linger = 0;

    if (!socket) return;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_close(socket);
}
