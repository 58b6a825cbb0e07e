/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/helper.h"
#include "base/handoff.h"
#include "base/planted.h"
#include "estimate/estimator.h"
#include "server/log.h"
#include "server/pulse.h"
#include "server/thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

/* What the thread works with. It is all made before the thread is, which then owns it. */
struct worker {
    void *socket;
    struct tools tools;
    struct decoder decoder;
    bool has_decoder;
    struct buf reply;
    struct pulse pulse;
    atomic_bool quit;  // asks still in the queue are left
};

struct helper {
    void *loop_end;
    struct worker worker;
    struct thread thread;
    size_t n_out;
};

static bool send_pair(void *socket, const struct job *job, struct slice bytes)
{
    return zmq_send(socket, job, sizeof(*job), ZMQ_SNDMORE) >= 0 &&
           zmq_send(socket, bytes.data, bytes.n, 0) >= 0;
}

static int64_t work_s(const struct request *request)
{
    return request->work_s ? request->work_s : PULSE_WORK_S;
}

/* One ask, or none for a moment. False at the end: an empty message, or a closed socket. */
static bool serve_one(struct worker *worker)
{
    struct job job;
    zmq_msg_t body;
    bool more;
    int got;

    pulse_give(&worker->pulse, PULSE_IDLE_S);
    got = zmq_recv(worker->socket, &job, sizeof(job), 0);
    if (got < 0 && errno == EAGAIN) return true;
    if (got != (int)sizeof(job) || worker->quit) return false;
    while (planted("helper stuck")) sleep(1);
    pulse_give(&worker->pulse, work_s(job.request));
    handoff_take(&worker->socket);
    zmq_msg_init(&body);
    more = zmq_msg_recv(&body, worker->socket, 0) >= 0;
    if (more) {
        buf_clear(&worker->reply);
        call_work(&worker->decoder, slice_of(zmq_msg_data(&body), zmq_msg_size(&body)), &job,
                  &worker->tools, &worker->reply);
        handoff_give(&worker->reply);
        more = send_pair(worker->socket, &job, buf_slice(&worker->reply));
        if (!more) job_done(&job);
    }
    zmq_msg_close(&body);
    return more;
}

static void *run(void *argument)
{
    while (serve_one(argument)) continue;
    return NULL;
}

static void worker_done(struct worker *worker)
{
    socket_close(worker->socket);
    if (worker->has_decoder) decoder_done(&worker->decoder);
    shared_done(&worker->tools.shared);
    estimate_workspace_free(worker->tools.workspace);
    tools_end_runs(&worker->tools);
    buf_done(&worker->reply);
}

static bool open_sockets(void *zmq_context, const char *name, struct helper *helper)
{
    void **socket = &helper->worker.socket;
    int rest_ms = PULSE_REST_MS;
    char endpoint[64];

    snprintf(endpoint, sizeof(endpoint), "inproc://%s", name);
    return pair_open(zmq_context, endpoint, PAIR_QUEUED, &helper->loop_end, socket) &&
           zmq_setsockopt(*socket, ZMQ_RCVTIMEO, &rest_ms, sizeof(rest_ms)) == 0;
}

enum status helper_start(void *zmq_context, const char *name, struct env *env, struct helper **out)
{
    struct helper *helper = calloc(1, sizeof(*helper));

    if (!helper) return NO_MEMORY;
    pulse_give(&helper->worker.pulse, PULSE_IDLE_S);
    helper->worker.tools.env = env;
    helper->worker.tools.workspace = estimate_workspace_new();
    helper->worker.has_decoder = decoder_init(&helper->worker.decoder) == OK;
    if (!helper->worker.tools.workspace || !helper->worker.has_decoder ||
        !open_sockets(zmq_context, name, helper) ||
        !thread_start(&helper->thread, run, &helper->worker)) {
        log_line(LOG_ERROR, "the helper cannot start", "error=\"%s\"", zmq_strerror(errno));
        helper_stop(helper);
        return NO_MEMORY;
    }
    *out = helper;
    return OK;
}

void helper_share(struct helper *helper, const char *url)
{
    shared_init(&helper->worker.tools.shared, url, &helper->worker.quit);
}

/* Work that is done and that the loop has not taken any more. */
static void drop_done(struct helper *helper)
{
    struct buf reply = {0};
    struct job job;

    while (helper_take(helper, 0, &job, &reply)) job_done(&job);
    buf_done(&reply);
}

void helper_stop(struct helper *helper)
{
    if (!helper) return;
    if (helper->thread.running) {
        helper->worker.quit = true;
        zmq_send(helper->loop_end, "", 0, ZMQ_DONTWAIT);
        thread_join(&helper->thread);
        drop_done(helper);
    }
    worker_done(&helper->worker);
    socket_close(helper->loop_end);
    free(helper);
}

void *helper_socket(const struct helper *helper)
{
    return helper->loop_end;
}

bool helper_ask(struct helper *helper, const struct job *job, struct slice body)
{
    handoff_give(&helper->worker.socket);
    if (!send_pair(helper->loop_end, job, body)) return false;
    helper->n_out++;
    return true;
}

bool helper_take(struct helper *helper, int wait_ms, struct job *out_job, struct buf *reply)
{
    zmq_pollitem_t item = {.socket = helper->loop_end, .events = ZMQ_POLLIN};
    zmq_msg_t bytes;
    int got_job;
    bool got;

    if (wait_ms > 0 && zmq_poll(&item, 1, wait_ms) <= 0) return false;
    got_job = zmq_recv(helper->loop_end, out_job, sizeof(*out_job), ZMQ_DONTWAIT);
    if (got_job != (int)sizeof(*out_job)) return false;
    handoff_take(&helper->worker.reply);
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

const struct thread *helper_thread(const struct helper *helper)
{
    return &helper->thread;
}

bool helper_is_alive(const struct helper *helper, int64_t now_us)
{
    return pulse_is_alive(&helper->worker.pulse, now_us);
}
