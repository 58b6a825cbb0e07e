/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hello, ping, stats, admin.drain. */
#include "estimate/constant.h"
#include "proto/version.h"
#include "server/audits.h"
#include "server/server.h"

static const char *const features[] = {"session", "bank", "test", "irt"};

/* The names in a table of rows, each of which begins with its name. */
#define WRITE_NAMES(call, key, table)                                                              \
    do {                                                                                           \
        size_t n_row = 0;                                                                          \
        while ((table)[n_row]) n_row++;                                                            \
        write_text(&(call)->out, key);                                                             \
        write_array(&(call)->out, n_row);                                                          \
        for (size_t row = 0; row < n_row; row++) write_text(&(call)->out, (table)[row]->name);     \
    } while (0)

static void write_kinds(struct call *call)
{
    write_text(&call->out, "kinds");
    write_map(&call->out, 7);
    WRITE_NAMES(call, "models", models);
    WRITE_NAMES(call, "estimators", estimators);
    WRITE_NAMES(call, "constant_rules", constant_rules);
    WRITE_NAMES(call, "priors", prior_kinds);
    WRITE_NAMES(call, "criteria", criteria);
    WRITE_NAMES(call, "exposure_rules", exposure_rules);
    WRITE_NAMES(call, "stop_rules", stop_rules);
}

static enum status hello(struct call *call)
{
    reply_begin(call, 6);
    put_text(&call->out, "version", THETAD_VERSION);
    put_int(&call->out, "protocol", PROTOCOL_VERSION);
    write_text(&call->out, "features");
    write_array(&call->out, COUNT_OF(features));
    for (size_t i = 0; i < COUNT_OF(features); i++) write_text(&call->out, features[i]);
    write_kinds(call);
    put_int(&call->out, "server_time_ms", call->now_ms);
    put_bool(&call->out, "draining", server_drains(call->server));
    return OK;
}

static enum status ping(struct call *call)
{
    reply_begin(call, 2);
    put_int(&call->out, "server_time_ms", call->now_ms);
    put_bool(&call->out, "draining", server_drains(call->server));
    return OK;
}

static void write_counters(struct writer *out, const struct stats *stats)
{
    write_text(out, "counters");
    write_map(out, 8);
    put_int(out, "requests", (int64_t)stats->requests);
    put_int(out, "errors", (int64_t)stats->errors);
    put_int(out, "busy", (int64_t)stats->busy);
    put_int(out, "answers", (int64_t)stats->answers);
    put_int(out, "sessions_started", (int64_t)stats->sessions_started);
    put_int(out, "sessions_finished", (int64_t)stats->sessions_finished);
    put_int(out, "commits", (int64_t)stats->commits);
    put_int(out, "dropped", (int64_t)stats->dropped);
}

static void write_gauges(struct writer *out, const struct server *server)
{
    size_t used, map;

    env_usage(server->env, &used, &map);
    write_text(out, "gauges");
    write_map(out, 6);
    put_int(out, "sessions_live", (int64_t)sessions_n_live(server->sessions));
    put_int(out, "banks", (int64_t)registry_n_bank(server->registry));
    put_int(out, "tests", (int64_t)registry_n_test(server->registry));
    put_int(out, "uploads", (int64_t)uploads_n(server->uploads));
    put_int(out, "store_used_bytes", (int64_t)used);
    put_int(out, "store_map_bytes", (int64_t)map);
}

static enum status stats(struct call *call)
{
    const struct stats *stats = &call->server->stats;
    struct writer *out = &call->out;

    reply_begin(call, 4);
    put_int(out, "uptime_ms", (call->now_us - call->server->started_us) / 1000);
    write_counters(out, stats);
    write_gauges(out, call->server);
    write_text(out, "latency_us");
    write_map(out, 4);
    put_int(out, "p50", (int64_t)latency_quantile(&stats->request, 0.5));
    put_int(out, "p99", (int64_t)latency_quantile(&stats->request, 0.99));
    put_int(out, "p999", (int64_t)latency_quantile(&stats->request, 0.999));
    put_int(out, "max", (int64_t)stats->request.max_us);
    return OK;
}

/* Not kept: a daemon that is started anew takes sessions. */
static enum status drain(struct call *call)
{
    struct server *server = call->server;
    const struct sessions *sessions = server->sessions;
    bool on = true, was = server->asked_to_drain;

    read_bool(&call->in, "on", OPTIONAL, &on);
    if (call->in.failed) return BAD_REQUEST;
    server->asked_to_drain = on;
    if (on != was) {
        log_line(LOG_INFO, on ? "no new sessions are taken" : "new sessions are taken again",
                 "by=\"%.*s\"", (int)call->who.n, (const char *)call->who.data);
    }
    reply_begin(call, 2);
    put_bool(&call->out, "draining", server_drains(server));
    put_int(&call->out, "sessions_running",
            (int64_t)(sessions_n_live(sessions) - sessions_n_ended(sessions)));
    return OK;
}

const struct request request_admin_drain = {.op = "admin.drain",
                                            .whole = true,
                                            .when_full = true,
                                            .roles = ROLE_ADMIN,
                                            .max_bytes = LIMIT_REQUEST,
                                            .run = drain,
                                            .audit = audit_op};
const struct request request_hello = {.op = "hello",
                                      .at_once = true,
                                      .when_full = true,
                                      .roles = ROLE_ALL,
                                      .max_bytes = LIMIT_REQUEST,
                                      .run = hello};
const struct request request_ping = {.op = "ping",
                                     .at_once = true,
                                     .when_full = true,
                                     .roles = ROLE_ALL,
                                     .max_bytes = LIMIT_REQUEST,
                                     .run = ping};
const struct request request_stats = {.op = "stats",
                                      .whole = true,
                                      .at_once = true,
                                      .when_full = true,
                                      .roles = ROLE_METRICS,
                                      .max_bytes = LIMIT_REQUEST,
                                      .run = stats};
