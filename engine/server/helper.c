/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/helper.h"
#include "estimate/estimator.h"
#include "server/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <zmq.h>

#define HELPER_ENDPOINT "inproc://helper"

struct helper {
    void *context;
    struct env *env;
    void *loop_end;
    pthread_t thread;
    bool running;
    size_t n_out;
};

/* What the thread needs for its work. */
struct worker {
    void *socket;
    struct env *env;
    struct decoder decoder;
    struct estimate_workspace *workspace;
    struct buf reply;
};

static bool send_pair(void *socket, const struct job *job, struct slice bytes)
{
    return zmq_send(socket, job, sizeof(*job), ZMQ_SNDMORE) >= 0 &&
           zmq_send(socket, bytes.data, bytes.n, 0) >= 0;
}

/* One ask. False at the end: an empty message, or a socket that was closed. */
static bool serve_one(struct worker *worker)
{
    struct job job;
    zmq_msg_t body;
    bool more;

    if (zmq_recv(worker->socket, &job, sizeof(job), 0) != (int)sizeof(job)) return false;
    zmq_msg_init(&body);
    more = zmq_msg_recv(&body, worker->socket, 0) >= 0;
    if (more) {
        buf_clear(&worker->reply);
        call_work(&worker->decoder, slice_of(zmq_msg_data(&body), zmq_msg_size(&body)), &job,
                  worker->env, worker->workspace, &worker->reply);
        more = send_pair(worker->socket, &job, buf_slice(&worker->reply));
    }
    zmq_msg_close(&body);
    return more;
}

static void *run(void *argument)
{
    struct helper *helper = argument;
    struct worker worker = {.env = helper->env};
    int linger = 0;

    worker.socket = zmq_socket(helper->context, ZMQ_PAIR);
    worker.workspace = estimate_workspace_new();
    if (!worker.socket || !worker.workspace || decoder_init(&worker.decoder)) {
        log_line(LOG_ERROR, "the helper cannot start", "error=\"no memory or no socket\"");
        goto done;
    }
    zmq_setsockopt(worker.socket, ZMQ_LINGER, &linger, sizeof(linger));
    if (zmq_connect(worker.socket, HELPER_ENDPOINT) == 0)
        while (serve_one(&worker)) continue;
    else
        log_line(LOG_ERROR, "the helper cannot start", "error=\"%s\"", zmq_strerror(errno));
    decoder_done(&worker.decoder);
done:
    if (worker.socket) zmq_close(worker.socket);
    estimate_workspace_free(worker.workspace);
    buf_done(&worker.reply);
    return NULL;
}

enum status helper_start(void *zmq_context, struct env *env, struct helper **out)
{
    struct helper *helper = calloc(1, sizeof(*helper));
    sigset_t all, before;

    if (!helper) return NO_MEMORY;
    helper->context = zmq_context;
    helper->env = env;
    helper->loop_end = zmq_socket(zmq_context, ZMQ_PAIR);
    if (!helper->loop_end || zmq_bind(helper->loop_end, HELPER_ENDPOINT) != 0) goto failed;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are the loop's
    helper->running = pthread_create(&helper->thread, NULL, run, helper) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!helper->running) goto failed;
    *out = helper;
    return OK;
failed:
    helper_stop(helper);
    return NO_MEMORY;
}

void helper_stop(struct helper *helper)
{
    int linger = 0;

    if (!helper) return;
    if (helper->running) {
        zmq_send(helper->loop_end, "", 0, 0);
        pthread_join(helper->thread, NULL);
    }
    if (helper->loop_end) {
        zmq_setsockopt(helper->loop_end, ZMQ_LINGER, &linger, sizeof(linger));
        zmq_close(helper->loop_end);
    }
    free(helper);
}

void *helper_socket(const struct helper *helper)
{
    return helper->loop_end;
}

bool helper_ask(struct helper *helper, const struct job *job, struct slice body)
{
    if (!send_pair(helper->loop_end, job, body)) return false;
    helper->n_out++;
    return true;
}

bool helper_take(struct helper *helper, bool wait, struct job *out_job, struct buf *reply)
{
    int flags = wait ? 0 : ZMQ_DONTWAIT;
    zmq_msg_t bytes;
    bool got;

    if (zmq_recv(helper->loop_end, out_job, sizeof(*out_job), flags) != (int)sizeof(*out_job)) {
        return false;
    }
    zmq_msg_init(&bytes);
    got = zmq_msg_recv(&bytes, helper->loop_end, 0) >= 0;
    buf_clear(reply);
    if (got) buf_append(reply, zmq_msg_data(&bytes), zmq_msg_size(&bytes));
    zmq_msg_close(&bytes);
    helper->n_out--;
    return got;
}

size_t helper_n_out(const struct helper *helper)
{
    return helper->n_out;
}
