/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libmicrohttpd does HTTP, without threads of its own: ours waits for its connections and for the
 * next sample in one place, so that nothing here needs a lock. */
#include "server/metrics.h"
#include "server/clock.h"
#include "server/endpoint.h"
#include "server/metrics_text.h"
#include "server/thread.h"

#include <dirent.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

enum {
    CONNECTIONS = 64,        // then the oldest goes, so that who says nothing keeps out nobody
    CONNECTIONS_MORE = 512,  // that come while the oldest ones are on their way out
    CONNECTION_BYTES = 16 << 10,
    TIMEOUT_S = 10,
    QUEUED = 4,  // samples; an older one is worth nothing
    REST_MS = 1000,
};

static const char channel[] = "inproc://metrics";

struct metrics {
    void *loop_end, *thread_end;
    struct thread thread;
    atomic_bool quit;
    /* The thread's. */
    struct MHD_Daemon *http;
    int fd[CONNECTIONS];  // of those that are open, in the order they came
    size_t n_fd;
    struct sample sample;
    double started_s;
    struct buf text;
};

static size_t count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t n = 0;

    if (!folder) return 0;
    while (readdir(folder)) n++;
    closedir(folder);
    return n > 3 ? n - 3 : 0;  // . and .. and the folder's own
}

static uint64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long long pages = 0;

    if (!file) return 0;
    if (fscanf(file, "%*u %llu", &pages) != 1) pages = 0;
    fclose(file);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static struct process_use use_of(const struct metrics *metrics)
{
    struct rlimit fds = {0};
    struct rusage usage = {0};

    getrusage(RUSAGE_SELF, &usage);
    getrlimit(RLIMIT_NOFILE, &fds);
    return (struct process_use){.cpu_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
                                .started_s = metrics->started_s,
                                .resident_bytes = resident_bytes(),
                                .open_fds = count_fds(),
                                .max_fds = fds.rlim_cur};
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned code, struct slice text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        text.n, (void *)(uintptr_t)text.data, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result = MHD_NO;

    if (!response) return MHD_NO;
    if (MHD_add_response_header(response, "Content-Type",
                                "text/plain; version=0.0.4; charset=utf-8") == MHD_YES &&
        MHD_add_response_header(response, "Cache-Control", "no-store") == MHD_YES)
        result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result reply_metrics(struct metrics *metrics, struct MHD_Connection *connection)
{
    struct process_use use = use_of(metrics);

    buf_clear(&metrics->text);
    metrics_write(&metrics->sample, &use, &metrics->text);
    if (!metrics->text.failed) return reply(connection, MHD_HTTP_OK, buf_slice(&metrics->text));
    buf_done(&metrics->text);
    return reply(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, slice_str("no memory\n"));
}

static enum MHD_Result reply_health(struct MHD_Connection *connection, const char *why_not)
{
    char text[64];

    snprintf(text, sizeof(text), "%s\n", why_not ? why_not : "ok");
    return reply(connection, why_not ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, slice_str(text));
}

/* Called at a request's headers and again at its end; a body, if any, is passed over. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_n, void **state)
{
    struct metrics *metrics = context;
    const struct sample *sample = &metrics->sample;
    int64_t now_us = clock_us();

    (void)version, (void)upload;
    if (!*state) {
        *state = metrics;
        return MHD_YES;
    }
    *upload_n = 0;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return reply(connection, MHD_HTTP_METHOD_NOT_ALLOWED, slice_str("GET or HEAD\n"));
    if (strcmp(path, "/metrics") == 0) return reply_metrics(metrics, connection);
    if (strcmp(path, "/livez") == 0) {
        bool alive = metrics_is_alive(sample, now_us);

        return reply_health(connection, alive ? NULL : "the loop does not turn");
    }
    if (strcmp(path, "/readyz") == 0)
        return reply_health(connection, metrics_unready(sample, now_us));
    return reply(connection, MHD_HTTP_NOT_FOUND, slice_str("/metrics, /livez, /readyz\n"));
}

static void forget(struct metrics *metrics, int fd)
{
    size_t i = 0;

    while (i < metrics->n_fd && metrics->fd[i] != fd) i++;
    if (i == metrics->n_fd) return;
    metrics->n_fd--;
    memmove(&metrics->fd[i], &metrics->fd[i + 1], (metrics->n_fd - i) * sizeof(metrics->fd[0]));
}

/* A connection is there, or gone. A peer that sends nothing costs a place for TIMEOUT_S at most,
 * and the next one that comes takes it. */
static void on_connection(void *context, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode what)
{
    struct metrics *metrics = context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    (void)state;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        forget(metrics, info->connect_fd);
        return;
    }
    if (metrics->n_fd == CONNECTIONS) {
        shutdown(metrics->fd[0], SHUT_RDWR);  // libmicrohttpd sees its end, and closes it
        forget(metrics, metrics->fd[0]);
    }
    metrics->fd[metrics->n_fd++] = info->connect_fd;
}

/* The newest sample there is. */
static void take_samples(struct metrics *metrics)
{
    struct sample sample;

    while (zmq_recv(metrics->thread_end, &sample, sizeof(sample), ZMQ_DONTWAIT) ==
           (int)sizeof(sample)) {
        metrics->sample = sample;
    }
}

/* libmicrohttpd may have work left, or a connection whose time is up soon. */
static long wait_ms(struct MHD_Daemon *http)
{
    MHD_UNSIGNED_LONG_LONG ms;

    return MHD_get_timeout(http, &ms) == MHD_YES && ms < REST_MS ? (long)ms : REST_MS;
}

static void *run(void *argument)
{
    struct metrics *metrics = argument;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(metrics->http, MHD_DAEMON_INFO_EPOLL_FD);
    zmq_pollitem_t items[] = {{.socket = metrics->thread_end, .events = ZMQ_POLLIN},
                              {.fd = info->epoll_fd, .events = ZMQ_POLLIN}};

    while (!metrics->quit) {
        if (zmq_poll(items, COUNT_OF(items), wait_ms(metrics->http)) < 0 && errno != EINTR) break;
        take_samples(metrics);
        MHD_run(metrics->http);
    }
    return NULL;
}

static struct MHD_Daemon *open_http(struct metrics *metrics, const char *url)
{
    struct sockaddr_storage address;
    unsigned flags = MHD_USE_EPOLL;

    endpoint_address(url, "http://", &address);
    if (address.ss_family == AF_INET6) flags |= MHD_USE_IPv6;
    errno = 0;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, metrics, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)(CONNECTIONS + CONNECTIONS_MORE),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)TIMEOUT_S, MHD_OPTION_NOTIFY_CONNECTION, on_connection, metrics, MHD_OPTION_END);
}

enum status metrics_start(void *zmq_context, const char *url, struct metrics **out,
                          struct fault *fault)
{
    struct metrics *metrics = calloc(1, sizeof(*metrics));

    if (!metrics) return NO_MEMORY;
    metrics->started_s = (double)clock_wall_ms() / 1000.0;
    metrics->http = open_http(metrics, url);
    if (metrics->http &&
        pair_open(zmq_context, channel, QUEUED, &metrics->loop_end, &metrics->thread_end) &&
        thread_start(&metrics->thread, run, metrics)) {
        *out = metrics;
        return OK;
    }
    fault_set(fault, NULL, "metrics.endpoint", "cannot serve %.80s: %s", url, strerror(errno));
    metrics_stop(metrics);
    return IO_ERROR;
}

void metrics_stop(struct metrics *metrics)
{
    if (!metrics) return;
    metrics->quit = true;
    if (metrics->thread.running) {
        zmq_send(metrics->loop_end, "", 0, ZMQ_DONTWAIT);
        thread_join(&metrics->thread);
    }
    if (metrics->http) MHD_stop_daemon(metrics->http);
    socket_close(metrics->loop_end);
    socket_close(metrics->thread_end);
    buf_done(&metrics->text);
    free(metrics);
}

const struct thread *metrics_thread(const struct metrics *metrics)
{
    return &metrics->thread;
}

void metrics_publish(struct metrics *metrics, const struct loop *loop)
{
    struct sample sample;

    if (!metrics) return;
    sample_take(loop, &sample);
    zmq_send(metrics->loop_end, &sample, sizeof(sample), ZMQ_DONTWAIT);
}
