/* SPDX-License-Identifier: GPL-3.0-or-later */
/* swarm: thousands of examinees in one process, who take tests as fast as they are told to. By a
 * rate they are open loop: requests become due by the clock, whether or not replies have come, and
 * a latency counts from when its request was due. Without a rate they are closed loop: so many
 * requests are under way at any time. What was acknowledged is asked for again at the end and
 * compared. Prints one map in JSON. */
#include "base/limits.h"
#include "base/rng.h"
#include "proto/reader.h"
#include "proto/writer.h"
#include "server/clock.h"
#include "server/stats.h"
#include "tests/torture/idle.h"
#include "tests/torture/moments.h"
#include "tests/torture/needles.h"
#include "tests/torture/zmtp.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AUDIT_WINDOW = 256, DRAIN_US = 20000000, BURST = 4096 };
enum { PAUSE_DOUBLINGS = 5, PAUSE_FIRST_US = 100000, PAUSE_MOST_US = 2000000, PAUSE_SEED = 2385 };
enum kind { START, ANSWER, N_KIND };

struct options {
    const char *endpoint, *test, *prefix, *needles;
    double rate, seconds, warm;
    size_t n_student, n_connection, window;
    int pid;
    bool raw, obey, fill;
};

struct student {
    uint32_t n_session;  // of those begun so far, the last of which it is in
    uint32_t seq;        // of the question it has, 0: none, its next request is a start
    uint32_t n_busy;     // in a row, of those that its last request was told
    bool waiting, right;
    enum kind kind;
    int64_t due_us, sent_us, again_us;  // again: not before that, after a busy
    char item[LIMIT_ID + 1];
};

/* What came of one kind of requests, after the warm-up. */
struct tally {
    uint64_t ok, busy, other;
};

struct swarm {
    struct options options;
    struct peers *peers;
    struct needles *needles;
    struct decoder decoder;
    struct student *student;  // [n_student]
    struct idle *idle;        // those that wait for no reply
    size_t n_waiting;
    bool counting, auditing;
    struct tally tally[N_KIND];
    struct latency accepted, sent, refused;  // latencies; of the accepted also from when they left
    struct moments moments[2];
    double cpu_s;  // of the daemon
    uint64_t n_reply, n_finished, n_skipped, n_canary, n_audited, n_lost;
    int64_t retry_least_ms, retry_most_ms;
    char first_error[200], first_lost[200];
    struct buf body;
};

static void put_session(const struct swarm *swarm, struct writer *out, uint32_t who)
{
    char text[LIMIT_ID + 1];

    snprintf(text, sizeof(text), "%.30s-%06u-%06u", swarm->options.prefix, who,
             swarm->student[who].n_session);
    put_text(out, "session", text);
}

static void put_response(const struct swarm *swarm, struct writer *out,
                         const struct student *student)
{
    size_t n = strlen(student->item);
    char text[LIMIT_ID];

    if (!swarm->options.raw) {
        put_int(out, "response", student->right);
        return;
    }
    snprintf(text, sizeof(text), "CANARY-%s-%s", student->right ? "KEY" : "NOT",
             student->item + (n > 3 ? n - 3 : 0));
    put_text(out, "response", text);
}

static void begin(struct swarm *swarm, struct writer *out, size_t n, uint32_t who, const char *op)
{
    buf_clear(&swarm->body);
    *out = writer_of(&swarm->body);
    write_map(out, n);
    put_int(out, "v", 1);
    put_int(out, "id", who);
    put_text(out, "op", op);
    put_session(swarm, out, who);
}

static void send_body(struct swarm *swarm, uint32_t who, int64_t due_us)
{
    struct student *student = &swarm->student[who];

    student->waiting = true;
    student->due_us = due_us;
    student->sent_us = clock_us();
    swarm->n_waiting++;
    peers_put(swarm->peers, who % swarm->options.n_connection, buf_slice(&swarm->body));
}

static void ask(struct swarm *swarm, uint32_t who, int64_t due_us)
{
    struct student *student = &swarm->student[who];
    struct writer out;

    student->kind = student->seq ? ANSWER : START;
    if (student->kind == START) {
        begin(swarm, &out, 7, who, "session.start");
        put_text(&out, "test", swarm->options.test);
        put_text(&out, "examinee", "e");
        put_int(&out, "seed", who);
    } else {
        uint64_t draw = (uint64_t)student->n_session << 32 | student->seq;

        student->right = rng_uniform(who, draw) < 0.5;
        begin(swarm, &out, 7, who, "session.answer");
        put_int(&out, "seq", student->seq);
        put_text(&out, "item", student->item);
        put_response(swarm, &out, student);
    }
    send_body(swarm, who, due_us);
}

/* For its session as it is. */
static void ask_state(struct swarm *swarm, uint32_t who)
{
    struct writer out;

    begin(swarm, &out, 4, who, "session.get");
    send_body(swarm, who, clock_us());
}

/* What a good reply says of the session. */
struct state {
    int64_t seq;
    char item[LIMIT_ID + 1];  // "" where it has ended
};

static bool find_int(const msgpack_object *map, const char *key, int64_t max, int64_t *out)
{
    const msgpack_object *value = map_find(map, key);

    return value && object_int(value, 0, max, out);
}

static bool find_str(const msgpack_object *map, const char *key, struct slice *out)
{
    const msgpack_object *value = map_find(map, key);

    return value && object_str(value, out);
}

static struct state state_of(const msgpack_object *root)
{
    const msgpack_object *item = map_find(root, "item");
    struct state state = {0};
    struct slice id;

    if (!find_int(root, "seq", LIMIT_ANSWERS + 1, &state.seq)) state.seq = -1;
    if (!item || !find_str(item, "id", &id) || !slice_to_text(id, state.item, sizeof(state.item))) {
        state.item[0] = '\0';
    }
    return state;
}

/* After the last answer the session that comes next is another one. */
static void take_state(struct swarm *swarm, struct student *student, const msgpack_object *root)
{
    struct state state = state_of(root);

    memcpy(student->item, state.item, sizeof(student->item));
    student->seq = (uint32_t)state.seq;
    if (student->item[0]) return;
    student->seq = 0;
    student->n_session++;
    swarm->n_finished += swarm->counting;
}

static void measure(struct swarm *swarm, const struct student *student, size_t n_byte, uint32_t seq)
{
    int64_t now_us = clock_us();

    latency_add(&swarm->accepted, now_us - student->due_us);
    latency_add(&swarm->sent, now_us - student->sent_us);
    if (student->kind != ANSWER) return;
    moments_add(&swarm->moments[student->right], seq, (double)(now_us - student->sent_us), n_byte);
}

static bool is_busy(const msgpack_object *root)
{
    const msgpack_object *error = map_find(root, "error");
    struct slice code = {0};

    return error && find_str(error, "code", &code) && slice_equal_str(code, "busy");
}

/* What a client waits beyond what it was told: anywhere below a bound that doubles from 0.1 to 2 s
 * (clients/README.md). */
static int64_t pause_us(struct student *student, uint64_t draw)
{
    uint32_t n = student->n_busy < PAUSE_DOUBLINGS ? student->n_busy : PAUSE_DOUBLINGS;
    double bound_us = PAUSE_FIRST_US * (double)(1U << n);

    student->n_busy++;
    if (bound_us > PAUSE_MOST_US) bound_us = PAUSE_MOST_US;
    return (int64_t)(bound_us * rng_uniform(PAUSE_SEED, draw));
}

static void take_error(struct swarm *swarm, struct student *student, const msgpack_object *root)
{
    const msgpack_object *error = map_find(root, "error");
    struct tally *tally = &swarm->tally[student->kind];
    int64_t now_us = clock_us(), retry_ms = 0;
    struct slice code = slice_str("none"), text = slice_str("none");

    find_str(error, "code", &code);
    find_str(error, "message", &text);
    if (slice_equal_str(code, "busy") && find_int(error, "retry_after_ms", LIMIT_INT, &retry_ms)) {
        tally->busy += swarm->counting;
        if (swarm->counting) latency_add(&swarm->refused, now_us - student->sent_us);
        student->again_us = now_us + retry_ms * 1000 + pause_us(student, swarm->n_reply);
        if (retry_ms < swarm->retry_least_ms) swarm->retry_least_ms = retry_ms;
        if (retry_ms > swarm->retry_most_ms) swarm->retry_most_ms = retry_ms;
        return;
    }
    tally->other++;
    if (swarm->first_error[0]) return;
    snprintf(swarm->first_error, sizeof(swarm->first_error), "%.*s: %.*s", (int)code.n,
             (const char *)code.data, (int)text.n, (const char *)text.data);
}

/* Everything that was acknowledged is as it was told. */
static void audit(struct swarm *swarm, uint32_t who, const msgpack_object *root, bool ok)
{
    struct student *student = &swarm->student[who];
    struct state state = state_of(root);

    swarm->n_audited++;
    if (ok && state.seq == student->seq && strcmp(state.item, student->item) == 0) return;
    swarm->n_lost++;
    snprintf(swarm->first_lost, sizeof(swarm->first_lost), "%u: told %u %s, now %lld %s", who,
             student->seq, student->item, (long long)state.seq, state.item);
}

static void take_reply(struct swarm *swarm, struct student *student, const msgpack_object *root,
                       bool ok, size_t n_byte)
{
    uint32_t seq = student->seq;

    if (!ok) {
        take_error(swarm, student, root);
        return;
    }
    take_state(swarm, student, root);
    student->n_busy = 0;
    if (!swarm->counting) return;
    swarm->tally[student->kind].ok++;
    measure(swarm, student, n_byte, seq);
}

static void take(void *context, struct slice body)
{
    struct swarm *swarm = context;
    struct fault fault = {0};
    msgpack_object root;
    int64_t who;
    const msgpack_object *ok;
    struct student *student;

    swarm->n_reply++;
    if (swarm->needles && needles_find(swarm->needles, body).n > 0) swarm->n_canary++;
    if (decode(&swarm->decoder, body, &root, &fault) ||
        !find_int(&root, "id", (int64_t)swarm->options.n_student - 1, &who)) {
        snprintf(swarm->first_error, sizeof(swarm->first_error), "a reply that is none of ours");
        return;
    }
    student = &swarm->student[who];
    if (!student->waiting) return;
    student->waiting = false;
    swarm->n_waiting--;
    ok = map_find(&root, "ok");
    if (swarm->auditing && is_busy(&root)) {
        ask_state(swarm, (uint32_t)who);  // a refusal tells nothing of the session
        return;
    }
    if (swarm->auditing)
        audit(swarm, (uint32_t)who, &root, ok && ok->via.boolean);
    else
        take_reply(swarm, student, &root, ok && ok->via.boolean, body.n);
    idle_put(swarm->idle, (uint32_t)who, swarm->options.obey ? student->again_us : 0);
}

static bool exchange(struct swarm *swarm, int timeout_ms)
{
    if (peers_exchange(swarm->peers, timeout_ms, take, swarm)) return true;
    snprintf(swarm->first_error, sizeof(swarm->first_error), "a connection was lost");
    return false;
}

/* The requests that are due; those for which nobody is idle are skipped, and counted. */
static void ask_by_rate(struct swarm *swarm, int64_t from_us, uint64_t *n_due)
{
    int64_t now_us = clock_us();
    uint64_t due = (uint64_t)((double)(now_us - from_us) * swarm->options.rate / 1e6);

    for (size_t n = 0; *n_due < due && n < BURST; n++, ++*n_due) {
        int64_t due_us = from_us + (int64_t)((double)*n_due * 1e6 / swarm->options.rate);
        int64_t who = idle_take(swarm->idle, now_us);

        if (who < 0)
            swarm->n_skipped += swarm->counting;
        else
            ask(swarm, (uint32_t)who, due_us);
    }
}

static void ask_by_window(struct swarm *swarm)
{
    while (swarm->n_waiting < swarm->options.window) {
        int64_t now_us = clock_us(), who = idle_take(swarm->idle, now_us);

        if (who < 0) return;
        ask(swarm, (uint32_t)who, now_us);
    }
}

/* Begin everybody's session, before anything is counted. */
static void fill(struct swarm *swarm)
{
    for (uint32_t who = 0; who < swarm->options.n_student; who++) {
        int64_t next = idle_take(swarm->idle, clock_us());

        if (next >= 0) ask(swarm, (uint32_t)next, clock_us());
        while (swarm->n_waiting >= AUDIT_WINDOW && exchange(swarm, 1000)) continue;
    }
    while (swarm->n_waiting > 0 && exchange(swarm, 1000)) continue;
}

/* Processor time that the daemon has used so far. */
static double cpu_s(int pid)
{
    char path[32];
    unsigned long user, system;
    FILE *file;
    int n = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    file = pid ? fopen(path, "r") : NULL;
    if (file) {
        n = fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                   &system);
        fclose(file);
    }
    return n == 2 ? (double)(user + system) / (double)sysconf(_SC_CLK_TCK) : 0;
}

static double run(struct swarm *swarm)
{
    int64_t from_us = clock_us(), now_us = from_us;
    int64_t count_us = from_us + (int64_t)(swarm->options.warm * 1e6);
    int64_t end_us = count_us + (int64_t)(swarm->options.seconds * 1e6);
    uint64_t n_due = 0;
    bool good = true;

    for (; good && now_us < end_us; now_us = clock_us()) {
        if (!swarm->counting && now_us >= count_us) {
            swarm->counting = true;
            swarm->cpu_s = -cpu_s(swarm->options.pid);
        }
        if (swarm->options.rate > 0)
            ask_by_rate(swarm, from_us, &n_due);
        else
            ask_by_window(swarm);
        good = exchange(swarm, swarm->options.rate > 0 ? 0 : 1);
    }
    swarm->counting = false;
    swarm->cpu_s += cpu_s(swarm->options.pid);
    return (double)(now_us - count_us) / 1e6;
}

/* Until nothing is under way, or no more comes. The number of those without a reply. */
static size_t drain(struct swarm *swarm)
{
    int64_t end_us = clock_us() + DRAIN_US;

    while (swarm->n_waiting > 0 && clock_us() < end_us && exchange(swarm, 100)) continue;
    return swarm->n_waiting;
}

static void ask_again(struct swarm *swarm)
{
    swarm->auditing = true;
    for (uint32_t who = 0; who < swarm->options.n_student; who++) {
        if (swarm->student[who].waiting || !swarm->student[who].seq) continue;
        ask_state(swarm, who);
        while (swarm->n_waiting >= AUDIT_WINDOW && exchange(swarm, 1000)) continue;
    }
    drain(swarm);
}

static void print_latency(const char *name, const struct latency *stats)
{
    printf("\"%s\": {\"p50\": %llu, \"p99\": %llu, \"p999\": %llu, \"max\": %llu}, ", name,
           (unsigned long long)latency_quantile(stats, 0.5),
           (unsigned long long)latency_quantile(stats, 0.99),
           (unsigned long long)latency_quantile(stats, 0.999), (unsigned long long)stats->max_us);
}

static void print(const struct swarm *swarm, double seconds, size_t n_silent)
{
    static const char *const names[N_KIND] = {"start", "answer"};

    printf("{\"seconds\": %.3f, \"cpu_s\": %.3f, ", seconds, swarm->cpu_s);
    for (int k = 0; k < N_KIND; k++) {
        const struct tally *tally = &swarm->tally[k];

        printf("\"%s\": {\"ok\": %llu, \"busy\": %llu, \"other\": %llu}, ", names[k],
               (unsigned long long)tally->ok, (unsigned long long)tally->busy,
               (unsigned long long)tally->other);
    }
    print_latency("accepted_us", &swarm->accepted);
    print_latency("from_send_us", &swarm->sent);
    print_latency("refused_us", &swarm->refused);
    printf("\"replies\": %llu, \"finished\": %llu, \"skipped\": %llu, \"silent\": %zu, "
           "\"retry_after_ms\": [%lld, %lld], ",
           (unsigned long long)swarm->n_reply, (unsigned long long)swarm->n_finished,
           (unsigned long long)swarm->n_skipped, n_silent, (long long)swarm->retry_least_ms,
           (long long)swarm->retry_most_ms);
    printf("\"canaries\": %llu, \"welch_t\": %.3f, \"n_right\": %.0f, \"n_wrong\": %.0f, "
           "\"sizes_apart\": %d, ",
           (unsigned long long)swarm->n_canary, moments_t(&swarm->moments[1], &swarm->moments[0]),
           swarm->moments[1].n, swarm->moments[0].n,
           moments_n_apart(&swarm->moments[1], &swarm->moments[0]));
    printf("\"audited\": %llu, \"lost\": %llu, \"first_lost\": \"%s\", \"first_error\": \"%s\"}\n",
           (unsigned long long)swarm->n_audited, (unsigned long long)swarm->n_lost,
           swarm->first_lost, swarm->first_error);
}

static const struct argp_option option_list[] = {
    {"endpoint", 'e', "URL", 0, "ipc://... or tcp://ADDRESS:PORT, without keys", 0},
    {"test", 't', "NAME", 0, "which test they take", 0},
    {"prefix", 'p', "TEXT", 0, "of the sessions' ids", 0},
    {"rate", 'r', "N", 0, "requests by the second, open loop; 0: closed loop", 0},
    {"window", 'w', "N", 0, "closed loop: requests under way", 0},
    {"seconds", 's', "S", 0, "how long", 0},
    {"warm", 'W', "S", 0, "how long before that, uncounted", 0},
    {"students", 'n', "N", 0, "at most", 0},
    {"connections", 'c', "N", 0, "that they share", 0},
    {"needles", 'N', "FILE", 0, "what no reply may hold, a line each, in hexadecimal", 0},
    {"raw", 'R', NULL, 0, "answers are keys or not, instead of scores", 0},
    {"pid", 'P', "N", 0, "of the daemon, whose processor time is told", 0},
    {"fill", 'f', NULL, 0, "first begin everybody's session", 0},
    {"obey", 'o', NULL, 0, "after a busy come back when it says so and a client's own pause later",
     0},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case 'e':
        options->endpoint = value;
        return 0;
    case 't':
        options->test = value;
        return 0;
    case 'p':
        options->prefix = value;
        return 0;
    case 'r':
        options->rate = strtod(value, NULL);
        return 0;
    case 'w':
        options->window = strtoul(value, NULL, 10);
        return 0;
    case 's':
        options->seconds = strtod(value, NULL);
        return 0;
    case 'W':
        options->warm = strtod(value, NULL);
        return 0;
    case 'n':
        options->n_student = strtoul(value, NULL, 10);
        return 0;
    case 'c':
        options->n_connection = strtoul(value, NULL, 10);
        return 0;
    case 'N':
        options->needles = value;
        return 0;
    case 'R':
        options->raw = true;
        return 0;
    case 'f':
        options->fill = true;
        return 0;
    case 'P':
        options->pid = atoi(value);
        return 0;
    case 'o':
        options->obey = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool prepare(struct swarm *swarm)
{
    struct options *options = &swarm->options;

    if (options->needles && !(swarm->needles = needles_read(options->needles))) return false;
    swarm->student = calloc(options->n_student, sizeof(*swarm->student));
    swarm->idle = idle_new(options->n_student);
    if (!swarm->student || !swarm->idle || decoder_init(&swarm->decoder)) return false;
    for (uint32_t who = 0; who < options->n_student; who++) idle_put(swarm->idle, who, 0);
    swarm->retry_least_ms = LIMIT_INT;
    swarm->peers = peers_open(options->endpoint, options->n_connection);
    return swarm->peers != NULL;
}

int main(int argc, char **argv)
{
    static struct swarm swarm = {.options = {.test = "torture",
                                             .prefix = "swarm",
                                             .seconds = 1,
                                             .n_student = 1000,
                                             .n_connection = 64,
                                             .window = 256}};
    struct argp argp = {option_list, parse, NULL, "Many examinees at once.", NULL, NULL, NULL};
    double seconds;
    size_t n_silent;

    argp_parse(&argp, argc, argv, 0, NULL, &swarm.options);
    if (!swarm.options.endpoint || swarm.options.n_student == 0 || !prepare(&swarm)) return 1;
    if (swarm.options.fill) fill(&swarm);
    seconds = run(&swarm);
    n_silent = drain(&swarm);
    ask_again(&swarm);
    print(&swarm, seconds, n_silent);
    peers_close(swarm.peers);
    needles_free(swarm.needles);
    decoder_done(&swarm.decoder);
    free(swarm.student);
    idle_free(swarm.idle);
    buf_done(&swarm.body);
    return 0;
}
