/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of the daemon around its cycles: sockets, signals, reload, the end. */
#include "server/loop.h"
#include "server/clock.h"
#include "server/cycle.h"
#include "server/endpoint.h"
#include "server/frames.h"
#include "server/inherited.h"
#include "server/notify.h"
#include "server/sweep.h"
#include "server/upkeep.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>
#include <zmq.h>

enum {
    QUIET_MS = 100,  // no message for so long ends a drain
    KEY_FILES = 64,  // read between two cycles: half a millisecond
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

static void begin_drain(struct loop *loop)
{
    struct server *server = loop->server;

    if (server->draining) return;
    server->draining = true;
    loop->drain_us = loop->quiet_us = clock_us();
    notify("STOPPING=1");
    notify_patience(server->config.drain_ms + QUIET_MS);
    log_line(LOG_INFO, "draining", "pending=%zu", loop->n_pending);
    metrics_publish(loop->metrics, loop);
    for (int s = 0; s < CONFIG_ENDPOINTS; s++) {
        if (!loop->router[s]) continue;
        frames_unbind(loop->router[s]);
        wait_wake(&loop->wait, loop->router_source[s]);
    }
}

/* A new log level and new limits, if the file has any that are good. */
static bool reload_config(struct loop *loop)
{
    struct server *server = loop->server;
    struct config config;
    struct fault fault = {0};

    if (config_load(loop->config_path, &config, &fault)) {
        log_line(LOG_ERROR, "configuration refused, the old one stays", "field=%s error=\"%s\"",
                 fault.field, fault.text);
        return false;
    }
    server->config.log_level = config.log_level;
    server->config.drain_ms = config.drain_ms;
    server->config.quota = config.quota;
    log_set_level(config.log_level);
    return true;
}

/* What was asked for is done: the keys are as they are in the folder, or it is told what holds. */
static void end_reload(struct loop *loop, enum status status, const struct fault *fault)
{
    if (status) {
        log_line(LOG_ERROR, access_failure(status), "field=%s error=\"%s\"", fault->field,
                 fault->text);
    } else if (loop->access) {
        log_line(LOG_INFO, "keys read", "n=%zu folder=\"%s\"", access_n_key(loop->access),
                 loop->server->config.key_dir);
    }
    if (loop->has_reloaded) {
        log_line(LOG_INFO, "configuration reloaded", "file=%s", loop->config_path);
    }
}

/* A new log level, new limits and the keys; endpoints and the store stay as they are. */
static void reload(struct loop *loop)
{
    struct fault fault = {0};
    enum status st = OK;

    if (!loop->config_path) return;
    loop->reload_again = access_is_reading(loop->access);
    if (loop->reload_again) return;
    loop->has_reloaded = reload_config(loop);
    if (loop->access) st = access_reload(loop->access, &loop->server->config, &fault);
    if (!access_is_reading(loop->access)) end_reload(loop, st, &fault);
}

/* Thousands of key files are read between the cycles. A reload that was asked for meanwhile may be
 * for files that had been read by then. */
static void go_on_reload(struct loop *loop)
{
    struct fault fault = {0};
    enum status st;
    bool done;

    if (!access_is_reading(loop->access)) return;
    st = access_go_on(loop->access, KEY_FILES, &done, &fault);
    if (!done) return;
    end_reload(loop, st, &fault);
    if (loop->reload_again) reload(loop);
}

static void take_signals(struct loop *loop)
{
    struct signalfd_siginfo info;

    if (!wait_is_awake(&loop->wait, loop->signal_source)) return;
    wait_sleep(&loop->wait, loop->signal_source);
    while (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGHUP)
            reload(loop);
        else
            begin_drain(loop);
    }
}

static bool drained(const struct loop *loop, int64_t now_us)
{
    const struct district *district = loop->server->district;
    bool quiet = loop->n_pending == 0 && loop->inbox.n == 0 &&
                 (!district || district_is_idle(district)) &&
                 now_us - loop->quiet_us > QUIET_MS * 1000;

    return quiet || now_us - loop->drain_us > loop->server->config.drain_ms * 1000;
}

static bool add_sources(struct loop *loop)
{
    bool good = true;

    for (int s = 0; s < CONFIG_ENDPOINTS; s++) {
        if (!loop->router[s]) continue;
        loop->router_source[s] = wait_add(&loop->wait, loop->router[s], -1);
        good = good && loop->router_source[s] >= 0;
    }
    for (int h = 0; h < N_HELPER; h++) {
        loop->helper_source[h] = wait_add(&loop->wait, helper_socket(loop->helper[h]), -1);
        good = good && loop->helper_source[h] >= 0;
    }
    for (int k = 0; k < N_LINE && loop->server->district; k++) {
        struct line *line = district_line(loop->server->district, (enum line_kind)k);

        loop->line_source[k] = wait_add(&loop->wait, line_socket(line), -1);
        good = good && loop->line_source[k] >= 0;
    }
    loop->signal_source = wait_add(&loop->wait, NULL, loop->signal_fd);
    return good;
}

static void look_at_connections(struct loop *loop)
{
    int64_t now_us = clock_us();
    uint64_t n_before;
    size_t n_cut;

    if (!loop->unfinished || now_us - loop->look_us < TICK_MS * 1000) return;
    loop->look_us = now_us;
    n_cut = unfinished_look(loop->unfinished, now_us);
    if (n_cut > 0 && refusals_add(&loop->refusals, "unfinished", now_us, &n_before)) {
        log_line(LOG_WARN, "connections were cut: a message without end", "n=%zu before=%llu",
                 n_cut, (unsigned long long)n_before);
    }
}

static int wait_ms(const struct loop *loop)
{
    const struct district *district = loop->server->district;

    if (access_is_reading(loop->access)) return 0;
    if (loop->inbox.n > 0 || (district && district_next_ready(district))) return 0;
    if (!sessions_are_awake(loop->server->sessions)) return 0;
    return loop->server->draining ? QUIET_MS / 2 : TICK_MS;
}

static void run(struct loop *loop)
{
    bool good = add_sources(loop);

    while (good && !loop->done) {
        good = wait_next(&loop->wait, wait_ms(loop));
        if (!good) break;
        take_signals(loop);
        go_on_reload(loop);
        cycle(loop);
        look_at_connections(loop);
        if (loop->server->draining && drained(loop, clock_us())) loop->done = true;
    }
    if (good) return;
    log_line(LOG_ERROR, "cannot wait for messages", "error=\"%s\"", zmq_strerror(errno));
    loop->exit_code = EX_OSERR;
}

static bool watch_connections(struct loop *loop, const char *url, bool has_keys)
{
    uint64_t room = has_keys ? UNFINISHED_CURVE : UNFINISHED_PLAIN;
    struct sockaddr_storage address;

    endpoint_address(url, "tcp://", &address);
    return unfinished_new(endpoint_port(&address), room, &loop->unfinished) == OK;
}

/* `fd`: where systemd listens there already, else -1. */
static int bind_endpoint(struct loop *loop, int socket, int fd, struct fault *fault)
{
    const struct config *config = &loop->server->config;
    const struct endpoint_config *endpoint = &config->endpoint[socket];
    const char *secret = loop_has_keys(loop, socket) ? access_secret_key(loop->access) : NULL;
    const char *by = fd >= 0 ? "systemd" : "thetad";
    char roles[CONFIG_ROLES];

    if (!endpoint->url[0]) return EX_OK;
    if (frames_bind(loop->zmq, endpoint, fd, secret, &loop->router[socket], fault)) {
        return EX_UNAVAILABLE;
    }
    if (socket == TCP_ENDPOINT && !watch_connections(loop, endpoint->url, secret)) return EX_OSERR;
    if (secret) {
        log_line(LOG_INFO, "listening",
                 "endpoint=%s security=CURVE keys=%zu roles=\"by key\" by=%s", endpoint->url,
                 access_n_key(loop->access), by);
    } else {
        log_line(LOG_INFO, "listening",
                 "endpoint=%s security=none reach=\"this machine\" "
                 "roles=\"%s\" by=%s",
                 endpoint->url, config_roles_text(endpoint->roles, roles), by);
    }
    return EX_OK;
}

static int open_metrics(struct loop *loop, struct fault *fault)
{
    const char *url = loop->server->config.metrics;

    if (!url[0]) return EX_OK;
    if (metrics_start(loop->zmq, url, &loop->metrics, fault)) return EX_UNAVAILABLE;
    log_line(LOG_INFO, "listening", "endpoint=%s for=metrics", url);
    metrics_publish(loop->metrics, loop);
    return EX_OK;
}

static int open_sockets(struct loop *loop, struct fault *fault)
{
    struct server *server = loop->server;
    sigset_t set = own_signals();
    int code = EX_OK, fd[CONFIG_ENDPOINTS];
    enum status st;

    if (inherited_find(&server->config, fd, fault)) return EX_CONFIG;
    loop->zmq = zmq_ctx_new();
    if (!loop->zmq) return EX_OSERR;
    zmq_ctx_set(loop->zmq, ZMQ_BLOCKY, 0);
    loop->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (loop->signal_fd < 0) return EX_OSERR;
    for (int h = 0; h < N_HELPER; h++) {
        if (helper_start(loop->zmq, helper_names[h], server->env, &loop->helper[h])) {
            return EX_OSERR;
        }
        if (server->district) helper_share(loop->helper[h], server->config.store_url);
    }
    if (server->district && district_start(server->district, loop->zmq)) return EX_OSERR;
    if (server->district && server->config.retain_days > 0 &&
        sweep_start(server->config.store_url, server->config.retain_days, &loop->sweep)) {
        return EX_OSERR;
    }
    if (access_open(loop->zmq, &server->config, &loop->access, fault)) return EX_CONFIG;
    st = access_take_kept(loop->access, server->env, &server->batch);
    if (st) {
        fault_set(fault, NULL, "data_dir", "what the keys have used cannot be read");
        return st == CORRUPT ? EX_DATAERR : EX_IOERR;
    }
    for (int s = 0; s < CONFIG_ENDPOINTS && code == EX_OK; s++) {
        code = bind_endpoint(loop, s, fd[s], fault);
    }
    return code ? code : open_metrics(loop, fault);
}

static void close_sockets(struct loop *loop)
{
    for (int h = 0; h < N_HELPER; h++) helper_stop(loop->helper[h]);
    if (loop->server->district) district_stop(loop->server->district);
    sweep_stop(loop->sweep);
    metrics_stop(loop->metrics);
    for (int s = 0; s < CONFIG_ENDPOINTS; s++) {
        if (loop->router[s]) zmq_close(loop->router[s]);
    }
    access_close(loop->access);
    unfinished_free(loop->unfinished);
    if (loop->zmq) zmq_ctx_term(loop->zmq);
    if (loop->signal_fd >= 0) close(loop->signal_fd);
    cycle_drop_pending(loop);
    inbox_done(&loop->inbox);
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
        run(loop);
        if (!loop->exit_code) {
            journal_anchor(&server->journal, &server->batch);
            access_keep(loop->access, server->env, &server->batch, SIZE_MAX);
            cycle_commit(loop);
        }
        if (!loop->exit_code) upkeep_committed(server, true);
        log_line(LOG_INFO, "stopped", "answers=%llu", (unsigned long long)server->stats.answers);
        code = loop->exit_code;
    }
    close_sockets(loop);
    decoder_done(&loop->decoder);
    free(loop);
    return code;
}
