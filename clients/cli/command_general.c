/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ping, hello, stats. */
#include "clients/cli/args.h"
#include "clients/cli/text_table.h"

#include <stdio.h>
#include <time.h>

static int run_ping(struct cli *cli, const struct args *args)
{
    const msgpack_object *reply;
    struct timespec begin, end;
    double ms;
    int code;

    (void)args;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    code = cli_call(cli, "ping", NULL, &reply);
    if (code) return code;
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (cli->json) return cli_show_json(reply);
    ms = (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
    printf("%s answers in %.2f ms%s\n", cli->endpoint, ms,
           reply_is(reply, "draining") ? "; it takes no new sessions" : "");
    return EX_OK;
}

/* The elements of an array of texts, in one cell. */
static void put_texts(struct text_table *table, const msgpack_object *array)
{
    struct buf line = {0};

    for (size_t i = 0; i < reply_size(array); i++) {
        struct slice text = {0};

        if (i > 0) buf_append(&line, " ", 1);
        if (object_str(&array->via.array.ptr[i], &text)) buf_append(&line, text.data, text.n);
    }
    text_table_slice(table, buf_slice(&line));
    buf_done(&line);
}

static int run_hello(struct cli *cli, const struct args *args)
{
    const msgpack_object *reply, *kinds;
    struct text_table table;
    char when[32];
    int code = cli_call(cli, "hello", NULL, &reply);

    (void)args;
    if (code) return code;
    if (cli->json) return cli_show_json(reply);
    text_table_init(&table, "ll");
    text_table_cell(&table, "version");
    text_table_slice(&table, reply_text(reply, "version"));
    text_table_cell(&table, "protocol");
    text_table_cell(&table, "%lld", (long long)reply_int(reply, "protocol"));
    cli_time_text(reply_int(reply, "server_time_ms"), when);
    text_table_cell(&table, "time there");
    text_table_cell(&table, "%s", when);
    text_table_cell(&table, "features");
    put_texts(&table, reply_array(reply, "features"));
    kinds = reply_map(reply, "kinds");
    for (uint32_t i = 0; kinds && i < kinds->via.map.size; i++) {
        const msgpack_object_kv *pair = &kinds->via.map.ptr[i];

        text_table_slice(&table, slice_of(pair->key.via.str.ptr, pair->key.via.str.size));
        put_texts(&table, pair->val.type == MSGPACK_OBJECT_ARRAY ? &pair->val : NULL);
    }
    text_table_print(&table, CLI_WIDTH, stdout);
    text_table_done(&table);
    return EX_OK;
}

/* One row for each number of a map. */
static void put_numbers(struct text_table *table, const char *group, const msgpack_object *map,
                        const char *unit)
{
    for (uint32_t i = 0; map && i < map->via.map.size; i++) {
        const msgpack_object_kv *pair = &map->via.map.ptr[i];
        double value = 0.0;

        text_table_cell(table, "%s", group);
        text_table_slice(table, slice_of(pair->key.via.str.ptr, pair->key.via.str.size));
        if (object_f64(&pair->val, -1e300, 1e300, &value))
            text_table_cell(table, "%.15g%s", value, unit);
        else
            text_table_cell(table, "-");
    }
}

static int run_stats(struct cli *cli, const struct args *args)
{
    const msgpack_object *reply;
    struct text_table table;
    int code = cli_call(cli, "stats", NULL, &reply);

    (void)args;
    if (code) return code;
    if (cli->json) return cli_show_json(reply);
    text_table_init(&table, "llr");
    text_table_cell(&table, "daemon");
    text_table_cell(&table, "uptime");
    text_table_cell(&table, "%.1f s", reply_number(reply, "uptime_ms") / 1e3);
    put_numbers(&table, "counter", reply_map(reply, "counters"), "");
    put_numbers(&table, "gauge", reply_map(reply, "gauges"), "");
    put_numbers(&table, "latency", reply_map(reply, "latency_us"), " us");
    text_table_print(&table, CLI_WIDTH, stdout);
    text_table_done(&table);
    return EX_OK;
}

const struct command command_ping = {
    .name = "ping",
    .operands = "",
    .about = "Is the daemon there?",
    .details = "Example:\n  theta ping --endpoint tcp://127.0.0.1:7350",
    .run = run_ping,
};

const struct command command_hello = {
    .name = "hello",
    .operands = "",
    .about = "The daemon's version and the kinds it knows",
    .details = "Example:\n  theta hello --json",
    .run = run_hello,
};

const struct command command_stats = {
    .name = "stats",
    .operands = "",
    .about = "Counters, gauges and latencies",
    .details = "Example:\n  theta stats",
    .run = run_stats,
};
