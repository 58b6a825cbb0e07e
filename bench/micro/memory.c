/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory of live sessions and of a bank's items: what the process grows by (its resident set)
 * and what its allocator has handed out, with many of them. A session is measured at its start, in
 * its middle and with all its answers. */
#include "bench/common/bars.h"
#include "bench/common/options.h"
#include "bench/micro/stock.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* DESIGN: bytes of a live session. */
enum { SESSION_BYTES = 2048 };

enum { MANY = 100000, FEW = 10000, SESSIONS_A_COMMIT = 50 };

struct memory {
    double resident, handed_out;
};

static struct memory memory_now(void)
{
    struct mallinfo2 info = mallinfo2();
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long size = 0, resident = 0, shared = 0;

    if (!file || fscanf(file, "%lu %lu %lu", &size, &resident, &shared) != 3) {
        stock_fail("/proc/self/statm", NULL);
    }
    (void)fclose(file);
    /* Pages of files, the store's map above all, are the kernel's to take back. */
    return (struct memory){.resident = (double)(resident - shared) * (double)sysconf(_SC_PAGESIZE),
                           .handed_out = (double)(info.uordblks + info.hblkhd)};
}

struct figures {
    struct memory item, session[3];
};

static struct memory each(struct memory from, size_t n)
{
    struct memory now = memory_now();

    return (struct memory){(now.resident - from.resident) / (double)n,
                           (now.handed_out - from.handed_out) / (double)n};
}

static struct memory measure_items(uint32_t n)
{
    struct config config;
    struct server server;
    struct memory from, out;

    stock_config(&config, NULL);
    stock_fill(&config, n);
    from = memory_now();
    stock_open(&config, &server);
    out = each(from, n);
    server_close(&server);
    stock_remove(&config);
    return out;
}

/* Answer `n_answer` questions in each session. */
static void answer(struct server *server, struct live **live, size_t n, unsigned n_answer)
{
    for (size_t i = 0; i < n; i++) {
        for (unsigned j = 0; j < n_answer; j++) (void)stock_answer(server, live[i], i);
        if (i % SESSIONS_A_COMMIT == 0) stock_commit(server);
    }
    stock_commit(server);
}

static void measure_sessions(size_t n, struct memory out[3])
{
    static const unsigned n_answer[3] = {0, STOCK_ANSWERS / 2, STOCK_ANSWERS - STOCK_ANSWERS / 2};
    struct live **live = calloc(n, sizeof(struct live *));
    struct config config;
    struct server server;
    struct memory from;

    if (!live) stock_fail("no memory", NULL);
    stock_config(&config, NULL);
    stock_fill(&config, STOCK_ITEMS);
    stock_open(&config, &server);
    live[0] = stock_start(&server, n);  // the plan and the batch are not a session's
    answer(&server, live, 1, 1);
    malloc_trim(0);
    from = memory_now();
    for (size_t i = 0; i < n; i++) {
        live[i] = stock_start(&server, i);
        if (i % SESSIONS_A_COMMIT == 0) stock_commit(&server);
    }
    for (int part = 0; part < 3; part++) {
        answer(&server, live, n, n_answer[part]);
        out[part] = each(from, n);
    }
    server_close(&server);
    stock_remove(&config);
    free(live);
}

static void print(const struct figures *figures, size_t n)
{
    static const char *const when[] = {"at its start", "after 15 answers", "after 30 answers"};

    printf("bytes of each of %zu\n%-32s %10s %12s\n", n, "", "resident", "handed out");
    for (int part = 0; part < 3; part++) {
        printf("a live session %-17s %10.0f %12.0f\n", when[part], figures->session[part].resident,
               figures->session[part].handed_out);
    }
    printf("%-32s %10.0f %12.0f\n", "an item (2PL) of a bank", figures->item.resident,
           figures->item.handed_out);
}

static const struct argp_child children[] = {{&options_argp, 0, NULL, 0}, {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key != ARGP_KEY_INIT) return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    return 0;
}

static const struct argp argp = {
    .parser = parse,
    .doc = "Measure the memory of live sessions (1,000 items, EAP on 61 nodes, 30 answers) and of "
           "items: 100,000 of each, 10,000 with --quick. There is one round.",
    .children = children,
};

int main(int argc, char **argv)
{
    struct options options = {.n_round = 1};
    struct figures figures;
    struct bars bars = {0};
    json_t *json;
    size_t n;

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    n = options.quick ? FEW : MANY;
    log_set_level(LOG_ERROR);
    figures.item = measure_items((uint32_t)n);  // first: what it frees would be taken again
    measure_sessions(n, figures.session);
    bars_at_most(&bars, "a live session after 30 answers", " bytes", figures.session[2].resident,
                 SESSION_BYTES);
    if (!options.json) {
        print(&figures, n);
        bars_print(&bars, "a session takes more memory than intended");
    }
    json = json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:o}", "n", (json_int_t)n, "session_start",
                     figures.session[0].resident, "session_middle", figures.session[1].resident,
                     "session_end", figures.session[2].resident, "session_end_handed_out",
                     figures.session[2].handed_out, "item", figures.item.resident, "bars",
                     bars_json(&bars));
    if (options.json) options_print(json);
    options_record(&options, "memory.json", json);
    return options.check && !bars_met(&bars);
}
