/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/load/echo.h"
#include "server/wait.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <unistd.h>
#include <zmq.h>

enum { BACKLOG = 4096, MOST = 1024, FRAMES = 2 * MOST + 16, TICK_MS = 500 };

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench: echo: %s: %s\n", what, why);
    _exit(EX_OSERR);  // a child: what its parent has opened is not ours to end
}

/* Messages that wait to be sent back. */
struct held {
    zmq_msg_t frame[FRAMES];
    bool more[FRAMES];
    size_t n_frame, n_message;
};

/* One message more. False where none is there, or there is no room. */
static bool take(void *router, struct held *held, int flags)
{
    size_t n = held->n_frame;
    bool more = true;

    if (held->n_message == MOST) return false;
    while (more) {
        if (n == FRAMES) fail("a message", "of more frames than an id and a body");
        zmq_msg_init(&held->frame[n]);
        if (zmq_msg_recv(&held->frame[n], router, flags) < 0) return false;
        more = held->more[n] = zmq_msg_more(&held->frame[n]);
        n++;
    }
    held->n_frame = n;
    held->n_message++;
    return true;
}

static void send_all(void *router, struct held *held)
{
    for (size_t i = 0; i < held->n_frame; i++) {
        if (zmq_msg_send(&held->frame[i], router, held->more[i] ? ZMQ_SNDMORE : 0) < 0) {
            fail("send", zmq_strerror(zmq_errno()));
        }
    }
    held->n_frame = held->n_message = 0;
}

static void run_bare(void *router, struct limits *limits)
{
    zmq_msg_t frame;

    (void)limits;
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, router, 0) >= 0) {
        if (zmq_msg_send(&frame, router, zmq_msg_more(&frame) ? ZMQ_SNDMORE : 0) < 0) break;
    }
}

static void run_cycles(void *router, struct limits *limits,
                       void (*write)(struct limits *limits, size_t n))
{
    static struct held held;

    while (take(router, &held, 0)) {
        while (take(router, &held, ZMQ_DONTWAIT)) continue;
        write(limits, held.n_message);
        send_all(router, &held);
    }
}

static void run_commit(void *router, struct limits *limits)
{
    run_cycles(router, limits, limits_commit);
}

static void run_log(void *router, struct limits *limits)
{
    run_cycles(router, limits, limits_overwrite);
}

/* The thread that commits, and what the loop tells it by: how many records, and that they are on
 * disk. */
struct committer {
    struct limits *limits;
    int ask, done;  // eventfds
};

static void tell(int fd, uint64_t n)
{
    if (write(fd, &n, sizeof(n)) != sizeof(n)) fail("eventfd", "cannot be written");
}

static void *commit_asked(void *context)
{
    struct committer *committer = context;
    uint64_t n;

    while (read(committer->ask, &n, sizeof(n)) == sizeof(n)) {
        limits_commit(committer->limits, n);
        tell(committer->done, 1);
    }
    return NULL;
}

static void start_committer(struct committer *committer, struct limits *limits)
{
    pthread_t thread;

    *committer =
        (struct committer){limits, eventfd(0, EFD_CLOEXEC), eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (committer->ask < 0 || committer->done < 0 ||
        pthread_create(&thread, NULL, commit_asked, committer) != 0) {
        fail("thread", "cannot be started");
    }
}

/* Two batches: one fills while the other is written. */
static void run_committer(void *router, struct limits *limits)
{
    static struct held batch[2];
    struct held *filling = &batch[0], *written = &batch[1], *full;
    struct committer committer;
    struct wait wait = {0};
    int messages = wait_add(&wait, router, -1), done;
    uint64_t n;

    start_committer(&committer, limits);
    done = wait_add(&wait, NULL, committer.done);
    while (wait_next(&wait, TICK_MS)) {
        while (take(router, filling, ZMQ_DONTWAIT)) continue;
        if (filling->n_message < MOST) wait_sleep(&wait, messages);
        if (wait_is_awake(&wait, done)) {
            wait_sleep(&wait, done);
            if (read(committer.done, &n, sizeof(n)) == sizeof(n)) {
                send_all(router, written);
                wait_wake(&wait, messages);
            }
        }
        if (written->n_message > 0 || filling->n_message == 0) continue;
        full = filling;
        filling = written;
        written = full;
        tell(committer.ask, written->n_message);
    }
}

const struct echo_kind echo_bare = {"echo", false, run_bare};
const struct echo_kind echo_commit = {"echo, a commit a cycle", true, run_commit};
const struct echo_kind echo_committer = {"echo, a thread that commits", true, run_committer};
const struct echo_kind echo_log = {"echo, a log overwritten", true, run_log};

static _Noreturn void serve(const struct echo_kind *kind, const char *url, const char *folder)
{
    void *zmq = zmq_ctx_new();
    void *router = zmq ? zmq_socket(zmq, ZMQ_ROUTER) : NULL;
    struct limits limits;
    int backlog = BACKLOG;

    if (kind->writes) limits_open(&limits, folder);
    if (!router || zmq_setsockopt(router, ZMQ_BACKLOG, &backlog, sizeof(backlog)) != 0 ||
        zmq_bind(router, url) != 0) {
        fail(url, zmq_strerror(zmq_errno()));
    }
    kind->run(router, kind->writes ? &limits : NULL);
    _exit(EX_OK);
}

void echo_start(struct echo *echo, const struct echo_kind *kind, const char *folder)
{
    char path[PATH_BYTES] = "";

    *echo = (struct echo){.port = process_port()};
    snprintf(echo->url, PATH_BYTES, "tcp://127.0.0.1:%u", echo->port);
    if (kind->writes) {
        snprintf(path, sizeof(path), "%s/echo-%u", folder, echo->port);
        make_folder(path);
    }
    echo->pid = process_start();
    if (echo->pid == 0) serve(kind, echo->url, path);
    process_wait("echo", echo->pid, echo->port);
}

void echo_stop(struct echo *echo)
{
    process_end(echo->pid);
}
