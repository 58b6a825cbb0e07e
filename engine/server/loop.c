/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One cycle: drain what has arrived (bounded), step each request, commit once for all of them, send
 * all replies. While it commits the next messages queue up, so batches grow with load by
 * themselves. Nothing that changes anything is told before it is on disk. */
#include "server/loop.h"
#include "server/access.h"
#include "server/clock.h"
#include "server/frames.h"
#include "server/helper.h"
#include "server/notify.h"
#include "server/steady.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>
#include <utlist.h>
#include <zmq.h>

enum {
    CYCLE_MESSAGES = 1024,
    TICK_MS = 500,
    TRIM_TICKS = 20,  // trim the journal on every so many ticks
    TIDY_BUSY = 8,    // sessions to archive in a cycle that serves,
    TIDY_IDLE = 256,  // and on a tick
    TIDY_SHARE = 16,  // and one of so many that have ended
    CYCLE_BYTES = 16 << 20,
    CYCLE_MS = 50,
    KEEP_BYTES = 1 << 20,
    PENDING_MOST = 1024,  // requests waiting for a helper
    QUIET_MS = 100,       // no message for so long ends a drain
};

/* One reply to send when the cycle's writes are on disk. */
struct slot {
    int socket;
    size_t envelope_at, envelope_n, reply_at, reply_n;
    int64_t arrived_us;
};

/* A request that a helper works on. */
struct pending {
    struct job job;
    int socket;
    char user[FRAMES_USER];
    int64_t arrived_us;
    bool sent;
    struct buf envelope, body;
    struct pending *prev, *next;
};

struct loop {
    struct server *server;
    const char *config_path;
    void *zmq;
    void *router[CONFIG_ENDPOINTS];
    struct access *access;  // of TCP; NULL where it has no keys
    struct helper *helper;
    int signal_fd;
    struct decoder decoder;
    struct steady steady;
    struct buf envelope, body, reply, helped;
    struct slot slot[CYCLE_MESSAGES + PENDING_MOST];  // a cycle may have to wait for all helped
    size_t n_slot;
    struct pending *pending;
    size_t n_pending;
    uint64_t next_ticket;
    int64_t watchdog_ms, tick_us, watchdog_us, quiet_us, drain_us;
    uint64_t n_tick;
    int exit_code;
    bool done;
};

/* The signals that the loop takes as messages. */
static sigset_t own_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

void loop_block_signals(void)
{
    sigset_t set = own_signals();

    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* Whether the peers of a socket are known by their keys. */
static bool has_keys(const struct loop *loop, int socket)
{
    return loop->access && socket == TCP_ENDPOINT;
}

/* Without keys every peer is the local school's. */
static struct peer peer_of(struct loop *loop, int socket, const char *user)
{
    int64_t now_us = clock_us();
    struct peer peer = {.tenant = slice_str("local"),
                        .who = slice_str("local"),
                        .now_ms = steady_ms(&loop->steady, clock_wall_ms(), now_us),
                        .now_us = now_us};

    if (has_keys(loop, socket))
        access_identify(loop->access, user, &peer);
    else
        peer.roles = loop->server->config.endpoint[socket].roles;
    return peer;
}

/* A commit that failed leaves memory ahead of the disk: nothing of it may be told, and only a new
 * start from the disk is safe. */
static void die(struct loop *loop, const struct fault *fault)
{
    log_line(LOG_ERROR, "commit failed, going down", "error=\"%s\"", fault->text);
    loop->exit_code = EX_IOERR;
    loop->done = true;
    loop->n_slot = 0;
}

static void finish_helped(struct loop *loop, const struct job *job);

/* All helpers must be at rest while the map grows. */
static void rest_helper(struct loop *loop)
{
    struct job job;

    while (helper_n_out(loop->helper) > 0 && helper_take(loop->helper, true, &job, &loop->helped)) {
        finish_helped(loop, &job);
    }
}

static void commit(struct loop *loop)
{
    struct server *server = loop->server;
    struct fault fault = {0};
    enum status st;

    if (server->batch.n == 0 && !server->batch.bytes.failed) return;
    st = env_commit(server->env, &server->batch, &fault);
    while (st == MAP_FULL) {
        rest_helper(loop);
        if (env_grow(server->env)) break;
        log_line(LOG_WARN, "the store's map was full and was doubled", "writes=%zu",
                 server->batch.n);
        st = env_commit(server->env, &server->batch, &fault);
    }
    if (st)
        die(loop, &fault);
    else
        server->stats.commits++;
}

static void add_slot(struct loop *loop, int socket, size_t envelope_at, size_t reply_at,
                     int64_t arrived_us)
{
    loop->slot[loop->n_slot++] = (struct slot){.socket = socket,
                                               .envelope_at = envelope_at,
                                               .envelope_n = loop->envelope.n - envelope_at,
                                               .reply_at = reply_at,
                                               .reply_n = loop->reply.n - reply_at,
                                               .arrived_us = arrived_us};
}

static void pending_free(struct pending *pending)
{
    buf_done(&pending->envelope);
    buf_done(&pending->body);
    free(pending);
}

/* Keep a request until a helper has done its work. False without memory. */
static bool add_pending(struct loop *loop, const struct job *job, int socket, const char *user,
                        struct slice envelope, int64_t arrived_us)
{
    struct pending *pending = calloc(1, sizeof(*pending));

    assert(loop->n_pending < PENDING_MOST);
    if (!pending) return false;
    pending->job = *job;
    pending->job.ticket = ++loop->next_ticket;
    pending->socket = socket;
    memcpy(pending->user, user, sizeof(pending->user));
    pending->arrived_us = arrived_us;
    buf_append(&pending->envelope, envelope.data, envelope.n);
    buf_append(&pending->body, loop->body.data, loop->body.n);
    buf_append(&pending->body, loop->server->extra.data, loop->server->extra.n);
    if (pending->envelope.failed || pending->body.failed || loop->server->extra.failed) {
        pending_free(pending);
        return false;
    }
    DL_APPEND(loop->pending, pending);
    loop->n_pending++;
    return true;
}

/* Work is handed over after the commit: a helper reads what the requests before it have written. */
static void send_pending(struct loop *loop)
{
    struct pending *pending;

    DL_FOREACH(loop->pending, pending)
    {
        if (pending->sent) continue;
        pending->sent = helper_ask(loop->helper, &pending->job, buf_slice(&pending->body));
        if (!pending->sent) return;
    }
}

static void finish_pending(struct loop *loop, struct pending *pending, const struct job *job)
{
    struct peer peer = peer_of(loop, pending->socket, pending->user);
    size_t envelope_at = loop->envelope.n, reply_at = loop->reply.n;
    struct job done = *job;
    struct slice body = slice_of(pending->body.data, pending->body.n - job->n_extra);

    buf_append(&loop->envelope, pending->envelope.data, pending->envelope.n);
    if (done.request->finish) {
        call_finish(loop->server, &loop->decoder, body, &peer, &done, &loop->reply);
    }
    if (loop->reply.n == reply_at) {
        buf_append(&loop->reply, loop->helped.data, loop->helped.n);
    }
    add_slot(loop, pending->socket, envelope_at, reply_at, pending->arrived_us);
    DL_DELETE(loop->pending, pending);
    loop->n_pending--;
    pending_free(pending);
}

static void finish_helped(struct loop *loop, const struct job *job)
{
    struct pending *pending;

    DL_FOREACH(loop->pending, pending)
    {
        if (pending->job.ticket != job->ticket) continue;
        finish_pending(loop, pending, job);
        return;
    }
}

static void drain_helper(struct loop *loop)
{
    struct job job;

    while (loop->n_slot < CYCLE_MESSAGES && helper_take(loop->helper, false, &job, &loop->helped)) {
        finish_helped(loop, &job);
    }
}

/* One message of a socket. False where there was none. */
static bool serve_message(struct loop *loop, int socket)
{
    size_t envelope_at = loop->envelope.n, reply_at = loop->reply.n;
    struct job job = {0};
    struct job *room = loop->n_pending < PENDING_MOST ? &job : NULL;
    char user[FRAMES_USER] = "";
    enum frames_got got = frames_receive(loop->router[socket], &loop->envelope, &loop->body,
                                         has_keys(loop, socket) ? user : NULL);
    struct peer peer;

    if (got == FRAMES_NONE) return false;
    peer = peer_of(loop, socket, user);
    if (got == FRAMES_NAMED) {
        peer.refused = BAD_REQUEST;
        peer.why = "a client does not set a routing id: it could be another's";
    }
    loop->quiet_us = peer.now_us;
    if (got == FRAMES_BAD) {
        loop->server->stats.dropped++;
        return true;
    }
    if (call_handle(loop->server, &loop->decoder, buf_slice(&loop->body), &peer, &loop->reply,
                    room) == CALL_ASKED) {
        struct slice envelope =
            slice_of(loop->envelope.data + envelope_at, loop->envelope.n - envelope_at);

        if (add_pending(loop, &job, socket, user, envelope, peer.now_us)) {
            loop->envelope.n = envelope_at;
            return true;
        }
        call_refuse(loop->server, &loop->decoder, buf_slice(&loop->body), &peer, NO_MEMORY,
                    &loop->reply);
    }
    add_slot(loop, socket, envelope_at, reply_at, peer.now_us);
    return true;
}

/* Whether the cycle has had enough, by replies, bytes or time. */
static bool is_full(const struct loop *loop, size_t n_message, int64_t from_us)
{
    return n_message >= CYCLE_MESSAGES || loop->n_slot >= CYCLE_MESSAGES ||
           loop->reply.n > CYCLE_BYTES || clock_us() - from_us > CYCLE_MS * 1000;
}

/* Messages of all sockets in turn, so that none starves another. */
static void drain_sockets(struct loop *loop)
{
    int64_t from_us = clock_us();
    size_t n_message = 0;
    bool any = true;

    while (any) {
        any = false;
        for (int s = 0; s < CONFIG_ENDPOINTS; s++) {
            if (is_full(loop, n_message, from_us)) return;
            if (!loop->router[s] || !serve_message(loop, s)) continue;
            any = true;
            n_message++;
        }
    }
}

static void send_replies(struct loop *loop)
{
    struct stats *stats = &loop->server->stats;

    for (size_t i = 0; i < loop->n_slot; i++) {
        const struct slot *slot = &loop->slot[i];
        struct slice envelope = slice_of(loop->envelope.data + slot->envelope_at, slot->envelope_n);
        struct slice reply = slice_of(loop->reply.data + slot->reply_at, slot->reply_n);

        if (!frames_send(loop->router[slot->socket], envelope, reply)) stats->dropped++;
        stats_latency(stats, clock_us() - slot->arrived_us);
    }
}

/* More where more have ended, so that they do not pile up. */
static void tidy(struct loop *loop, size_t n_most)
{
    struct server *server = loop->server;
    enum status st;

    n_most += sessions_n_ended(server->sessions) / TIDY_SHARE;
    st = sessions_tidy(server->sessions, &server->batch, clock_us(), n_most);

    if (st) log_line(LOG_ERROR, "a session could not be archived", "status=%d", (int)st);
}

/* What is due from time to time, in the batch of the cycle. */
static void tick(struct loop *loop, int64_t now_us)
{
    struct server *server = loop->server;
    enum status st;

    loop->tick_us = now_us;
    uploads_tidy(server->uploads, &server->batch, now_us);
    if (loop->n_tick++ % TRIM_TICKS == 0) {
        st = sessions_trim(server->sessions, &server->batch);
        if (st) log_line(LOG_ERROR, "the journal could not be trimmed", "status=%d", (int)st);
        journal_anchor(&server->journal, &server->batch);
    }
    if (loop->watchdog_ms > 0 && now_us - loop->watchdog_us >= loop->watchdog_ms * 1000 / 2) {
        notify("WATCHDOG=1");
        loop->watchdog_us = now_us;
    }
}

/* A rare large reply must not keep its memory for ever. */
static void shrink(struct buf *buf)
{
    if (buf->cap > KEEP_BYTES) buf_done(buf);
    buf_clear(buf);
}

static void cycle(struct loop *loop)
{
    int64_t now_us = clock_us();
    bool due = now_us - loop->tick_us >= TICK_MS * 1000;

    loop->n_slot = 0;
    shrink(&loop->envelope);
    shrink(&loop->reply);
    shrink(&loop->helped);
    if (due) tick(loop, now_us);
    tidy(loop, due ? TIDY_IDLE : TIDY_BUSY);
    drain_helper(loop);
    drain_sockets(loop);
    if (loop->envelope.failed || loop->reply.failed) loop->server->batch.bytes.failed = true;
    commit(loop);
    send_replies(loop);
    if (!loop->done) send_pending(loop);
}

static void begin_drain(struct loop *loop)
{
    struct server *server = loop->server;

    if (server->draining) return;
    server->draining = true;
    loop->drain_us = loop->quiet_us = clock_us();
    notify("STOPPING=1");
    log_line(LOG_INFO, "draining", "pending=%zu", loop->n_pending);
    for (int s = 0; s < CONFIG_ENDPOINTS; s++) {
        if (loop->router[s]) zmq_unbind(loop->router[s], server->config.endpoint[s].url);
    }
}

/* The keys as they are in the folder now, and what a request needs to be within its limits. */
static void reload_keys(struct loop *loop, const struct config *config)
{
    struct fault fault = {0};

    if (!loop->access) return;
    if (access_reload(loop->access, config, &fault)) {
        log_line(LOG_ERROR, "keys not read, the old ones stay", "field=%s error=\"%s\"",
                 fault.field, fault.text);
        return;
    }
    log_line(LOG_INFO, "keys read", "n=%zu folder=\"%s\"", access_n_key(loop->access),
             config->key_dir);
}

/* A new log level, new limits of time and the keys; endpoints and the store stay as they are. */
static void reload(struct loop *loop)
{
    struct server *server = loop->server;
    struct config config;
    struct fault fault = {0};

    if (!loop->config_path) return;
    if (config_load(loop->config_path, &config, &fault)) {
        log_line(LOG_ERROR, "configuration refused, the old one stays", "field=%s error=\"%s\"",
                 fault.field, fault.text);
        reload_keys(loop, &server->config);
        return;
    }
    server->config.log_level = config.log_level;
    server->config.drain_ms = config.drain_ms;
    server->config.quota = config.quota;
    log_set_level(config.log_level);
    reload_keys(loop, &server->config);
    log_line(LOG_INFO, "configuration reloaded", "file=%s", loop->config_path);
}

static void take_signals(struct loop *loop)
{
    struct signalfd_siginfo info;

    while (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGHUP)
            reload(loop);
        else
            begin_drain(loop);
    }
}

static bool drained(const struct loop *loop, int64_t now_us)
{
    bool quiet = loop->n_pending == 0 && now_us - loop->quiet_us > QUIET_MS * 1000;

    return quiet || now_us - loop->drain_us > loop->server->config.drain_ms * 1000;
}

static void serve(struct loop *loop)
{
    zmq_pollitem_t item[CONFIG_ENDPOINTS + 2];
    int n = 0;

    for (int s = 0; s < CONFIG_ENDPOINTS; s++) {
        if (loop->router[s]) item[n++] = (zmq_pollitem_t){loop->router[s], 0, ZMQ_POLLIN, 0};
    }
    item[n++] = (zmq_pollitem_t){helper_socket(loop->helper), 0, ZMQ_POLLIN, 0};
    item[n++] = (zmq_pollitem_t){NULL, loop->signal_fd, ZMQ_POLLIN, 0};
    while (!loop->done) {
        bool draining = loop->server->draining;

        if (zmq_poll(item, n, draining ? QUIET_MS / 2 : TICK_MS) < 0 && errno != EINTR) {
            log_line(LOG_ERROR, "cannot wait for messages", "error=\"%s\"", zmq_strerror(errno));
            loop->exit_code = EX_OSERR;
            break;
        }
        take_signals(loop);
        cycle(loop);
        if (loop->server->draining && drained(loop, clock_us())) loop->done = true;
    }
}

static int bind_endpoint(struct loop *loop, int socket, struct fault *fault)
{
    const struct config *config = &loop->server->config;
    const struct endpoint_config *endpoint = &config->endpoint[socket];
    const char *secret = has_keys(loop, socket) ? access_secret_key(loop->access) : NULL;
    char roles[CONFIG_ROLES];

    if (!endpoint->url[0]) return EX_OK;
    if (frames_bind(loop->zmq, endpoint, secret, &loop->router[socket], fault)) {
        return EX_UNAVAILABLE;
    }
    if (secret) {
        log_line(LOG_INFO, "listening", "endpoint=%s security=CURVE keys=%zu roles=\"by key\"",
                 endpoint->url, access_n_key(loop->access));
    } else {
        log_line(LOG_INFO, "listening",
                 "endpoint=%s security=none reach=\"this machine\" "
                 "roles=\"%s\"",
                 endpoint->url, config_roles_text(endpoint->roles, roles));
    }
    return EX_OK;
}

static int open_sockets(struct loop *loop, struct fault *fault)
{
    struct server *server = loop->server;
    sigset_t set = own_signals();
    int code = EX_OK;

    loop->zmq = zmq_ctx_new();
    if (!loop->zmq) return EX_OSERR;
    zmq_ctx_set(loop->zmq, ZMQ_BLOCKY, 0);
    loop->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (loop->signal_fd < 0) return EX_OSERR;
    if (helper_start(loop->zmq, server->env, &loop->helper)) return EX_OSERR;
    if (access_open(loop->zmq, &server->config, &loop->access, fault)) return EX_CONFIG;
    for (int s = 0; s < CONFIG_ENDPOINTS && code == EX_OK; s++) {
        code = bind_endpoint(loop, s, fault);
    }
    return code;
}

static void close_sockets(struct loop *loop)
{
    struct pending *pending, *next;

    helper_stop(loop->helper);
    for (int s = 0; s < CONFIG_ENDPOINTS; s++) {
        if (loop->router[s]) zmq_close(loop->router[s]);
    }
    access_close(loop->access);
    if (loop->zmq) zmq_ctx_term(loop->zmq);
    if (loop->signal_fd >= 0) close(loop->signal_fd);
    DL_FOREACH_SAFE(loop->pending, pending, next)
    {
        pending_free(pending);
    }
    buf_done(&loop->envelope);
    buf_done(&loop->body);
    buf_done(&loop->reply);
    buf_done(&loop->helped);
}

int loop_run(struct server *server, const char *config_path)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    struct fault fault = {0};
    int code;

    if (!loop || decoder_init(&loop->decoder)) {
        free(loop);
        return EX_OSERR;
    }
    loop->server = server;
    loop->config_path = config_path;
    loop->signal_fd = -1;
    loop->watchdog_ms = notify_watchdog_ms();
    code = open_sockets(loop, &fault);
    if (code) {
        log_line(LOG_ERROR, "cannot serve", "field=%s error=\"%s\"", fault.field, fault.text);
    } else {
        notify("READY=1");
        log_line(LOG_INFO, "ready", "version=%s", THETAD_VERSION);
        serve(loop);
        if (!loop->exit_code) {
            journal_anchor(&server->journal, &server->batch);
            commit(loop);
        }
        log_line(LOG_INFO, "stopped", "answers=%llu", (unsigned long long)server->stats.answers);
        code = loop->exit_code;
    }
    close_sockets(loop);
    decoder_done(&loop->decoder);
    free(loop);
    return code;
}
