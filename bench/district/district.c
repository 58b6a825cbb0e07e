/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tool of bench/district/run.py: students at several nodes, or the bare appends of one
 * connection in the form that a node has them. It says where what is measured begins and where it
 * ends, waits there for a line, and ends with a line of JSON. */
#include "bench/common/options.h"
#include "bench/common/sample.h"
#include "bench/load/drive.h"
#include "bench/load/figures.h"

#include "store/shared.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>

enum { PORTS = 16, RECORD_MOST = 1000, BATCH_MOST = 1000 };

struct district {
    const char *url;  // of the database: bare appends; NULL: students
    struct link_target node[PORTS];
    size_t n_node;
    long n_student, n_batch, n_byte;  // of a record
    long n_each;                      // events of a session
    long n_append;                    // it ends when so many are there; 0: by the clock
    double seconds;
};

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(EX_SOFTWARE);
}

/* What has come to the other end of a connection and from it; a Unix socket does not say. */
static void ask_traffic(int fd, double *out_said, double *out_heard)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof(info);

    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n);
    *out_said = (double)info.tcpi_bytes_acked;
    *out_heard = (double)info.tcpi_bytes_received;
}

/* The parent reads the clocks of all others at both ends of what is measured. */
static void mark(void *context, bool begins)
{
    int c;

    (void)context;
    puts(begins ? "begins" : "ends");
    fflush(stdout);
    do c = getchar();
    while (c != '\n' && c != EOF);
}

struct appends {
    const struct district *district;
    struct shared shared;
    char run[20];  // the beginning of its sessions' names
    long n;        // batches so far
};

/* The next event of each session of a batch; the sessions change when they have enough. */
static void append(struct appends *appends)
{
    static char id[BATCH_MOST][48];
    static uint8_t record[RECORD_MOST], seal[SEAL_BYTES];
    static struct shared_event event[BATCH_MOST];
    static enum shared_fate fate[BATCH_MOST];
    const struct district *district = appends->district;
    struct shared_news news;

    for (long k = 0; k < district->n_batch; k++) {
        int n = snprintf(id[k], sizeof(id[k]), "%s-%ld-%ld", appends->run,
                         appends->n / district->n_each, k);

        event[k] = (struct shared_event){.tenant = slice_of("bare", 4),
                                         .session = slice_of(id[k], (size_t)n),
                                         .n = (uint32_t)(appends->n % district->n_each),
                                         .seal = seal,
                                         .record = slice_of(record, (size_t)district->n_byte)};
        if (event[k].n == 0) event[k].examinee = event[k].session;
    }
    appends->n++;
    if (shared_append(&appends->shared, event, (size_t)district->n_batch, 0, fate, &news) != OK) {
        fail("an append", appends->shared.fault.text);
    }
    for (long k = 0; k < district->n_batch; k++) {
        if (fate[k] == SHARED_REFUSED) fail("an append that was refused", id[k]);
    }
}

/* Until it is enough: the seconds that it took. */
static double append_all(struct appends *appends, struct histogram *times)
{
    const struct district *district = appends->district;
    int64_t from_ns = sample_clock_ns(), now_ns = from_ns;

    for (;;) {
        int64_t last_ns = now_ns;
        bool is_enough = district->n_append > 0
                             ? appends->n * district->n_batch >= district->n_append
                             : (double)(now_ns - from_ns) >= district->seconds * 1e9;

        if (is_enough) return (double)(now_ns - from_ns) * 1e-9;
        append(appends);
        now_ns = sample_clock_ns();
        histogram_add(times, now_ns - last_ns);
    }
}

static json_t *run_appends(const struct district *district)
{
    static struct histogram times;
    struct appends appends = {.district = district};
    struct figures figures = {0};
    double said[2], heard[2], seconds, n;

    if (sodium_init() < 0) fail("appends", "libsodium does not start");
    snprintf(appends.run, sizeof(appends.run), "%llx", (unsigned long long)sample_clock_ns());
    shared_init(&appends.shared, district->url, NULL);
    append(&appends);  // it connects and prepares the statement
    mark(NULL, true);
    ask_traffic(PQsocket(appends.shared.pg.conn), &said[0], &heard[0]);
    n = (double)appends.n;
    seconds = append_all(&appends, &times);
    n = ((double)appends.n - n) * (double)district->n_batch;
    ask_traffic(PQsocket(appends.shared.pg.conn), &said[1], &heard[1]);
    mark(NULL, false);
    shared_done(&appends.shared);
    figures_times(&times, &figures);
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "rate", n / seconds, "events", n, "p50_us",
                     figures.value[FIGURE_P50], "p99_us", figures.value[FIGURE_P99], "said",
                     said[1] - said[0], "heard", heard[1] - heard[0]);
}

static json_t *run_students(const struct district *district)
{
    static struct drive_result result;
    struct figures figures = {0};
    struct drive_plan plan = {.kind = &link_raw,
                              .target = district->node[0],
                              .more = district->node + 1,
                              .n_more = district->n_node - 1,
                              .talk = &talk_test,
                              .pace = &pace_closed,
                              .n_student = (size_t)district->n_student,
                              .warm_s = 0.5,
                              .measured_s = district->seconds,
                              .mark = mark};

    drive_run(&plan, &result);
    figures_times(&result.answers, &figures);
    return json_pack("{s:I, s:I, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:s}", "answers",
                     (json_int_t)result.n_answer, "starts", (json_int_t)result.n_start, "seconds",
                     result.seconds, "p50_us", figures.value[FIGURE_P50], "p99_us",
                     figures.value[FIGURE_P99], "said", (json_int_t)result.said_bytes, "heard",
                     (json_int_t)result.heard_bytes, "refused", (json_int_t)result.n_refused,
                     "lost", (json_int_t)result.n_lost, "refusal", result.refusal);
}

enum {
    KEY_URL = 256,
    KEY_NODE,
    KEY_STUDENTS,
    KEY_BATCH,
    KEY_BYTES,
    KEY_EACH,
    KEY_APPENDS,
    KEY_SECONDS
};

static const struct argp_option options[] = {
    {.name = "appends", .key = KEY_URL, .arg = "URL", .doc = "bare appends to that database"},
    {.name = "batch", .key = KEY_BATCH, .arg = "N", .doc = "of so many each (64)"},
    {.name = "bytes", .key = KEY_BYTES, .arg = "N", .doc = "of a record (100)"},
    {.name = "each", .key = KEY_EACH, .arg = "N", .doc = "events of a session (31)"},
    {.name = "most", .key = KEY_APPENDS, .arg = "N", .doc = "until so many are there"},
    {.name = "node", .key = KEY_NODE, .arg = "PORT", .doc = "students at that one too"},
    {.name = "students", .key = KEY_STUDENTS, .arg = "N", .doc = "so many (64)"},
    {.name = "ms", .key = KEY_SECONDS, .arg = "N", .doc = "how long it is measured (3000)"},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct district *district = state->input;

    if (key == KEY_URL)
        district->url = text;
    else if (key == KEY_NODE && district->n_node < PORTS)
        district->node[district->n_node++].port =
            (uint16_t)options_number(state, "--node", text, 1);
    else if (key == KEY_STUDENTS)
        district->n_student = options_number(state, "--students", text, 1);
    else if (key == KEY_BATCH)
        district->n_batch = options_number(state, "--batch", text, 1);
    else if (key == KEY_BYTES)
        district->n_byte = options_number(state, "--bytes", text, 1);
    else if (key == KEY_EACH)
        district->n_each = options_number(state, "--each", text, 1);
    else if (key == KEY_APPENDS)
        district->n_append = options_number(state, "--most", text, 1);
    else if (key == KEY_SECONDS)
        district->seconds = (double)options_number(state, "--ms", text, 1) / 1e3;
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        options, parse, NULL, "What bench/district/run.py measures with.", NULL, NULL, NULL};
    struct district district = {
        .n_student = 64, .n_batch = 64, .n_byte = 100, .n_each = 31, .seconds = 3.0};
    json_t *json;

    argp_parse(&argp, argc, argv, 0, NULL, &district);
    if (district.n_batch > BATCH_MOST) fail("--batch", "at most 1000");
    if (district.n_byte > RECORD_MOST) fail("--bytes", "at most 1000");
    if (!district.url && district.n_node == 0) fail("bench_district", "no --appends, no --node");
    json = district.url ? run_appends(&district) : run_students(&district);
    options_print(json);
    json_decref(json);
    return 0;
}
