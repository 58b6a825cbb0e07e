/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The load generator: many students against a real daemon, beside the bare ROUTER echo, the bare
 * commit and the bare overwrite in the same run. Ratios are what counts. */
#include "bench/load/load.h"
#include "bench/load/machine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zmq.h>

#define MOST_OTHERS 0.6  // of the machine; above it a run says nothing

enum { TRIES = 2, SOCKETS = 2048 };

static const struct load_part *const parts[] = {&load_throughput, &load_latency,  &load_ways,
                                                &load_calls,      &load_students, &load_curve,
                                                &load_idle,       &load_memory};
enum { N_PART = sizeof(parts) / sizeof(parts[0]) };

void served_start(const struct load *load, const char *parent, bool curve, struct served *out)
{
    daemon_start(&out->daemon, &(struct daemon_options){load->thetad, parent, curve, NULL});
    out->author = author_new(out->daemon.author_url);
    author_load(out->author, LOAD_ITEMS);
}

void served_stop(struct served *served)
{
    thetad_close(served->author);
    daemon_stop(&served->daemon);
}

double load_choose(const struct load *load, double option, double usual, double quick)
{
    if (option > 0.0) return option;
    return load->options.quick ? quick : usual;
}

struct drive_plan load_closed(struct link_target target, const struct talk_kind *talk, size_t n,
                              double measured_s)
{
    return (struct drive_plan){.kind = &link_raw,
                               .target = target,
                               .talk = talk,
                               .pace = &pace_closed,
                               .n_student = n,
                               .warm_s = measured_s / 4.0,
                               .measured_s = measured_s};
}

void load_tell(const struct load *load, size_t n_client, const char *const *label,
               const struct figures *f, size_t n, json_t *rows)
{
    for (size_t kind = 0; kind < n; kind++) {
        json_t *row = figures_json(label[kind], &f[kind]);
        char text[64];

        snprintf(text, sizeof(text), "%4zu  %s", n_client, label[kind]);
        if (!load->options.json) figures_print(text, &f[kind], &f[0]);
        json_object_set_new(row, "clients", json_integer((json_int_t)n_client));
        json_array_append_new(rows, row);
    }
}

/* What is noted at both ends of what is measured. */
struct marks {
    pid_t pid;
    struct thetad *author;
    struct machine_point point[2];
    struct author_stats stats[2];
};

static void mark(void *context, bool begins)
{
    struct marks *marks = context;
    int end = begins ? 0 : 1;

    if (marks->author) author_stats(marks->author, &marks->stats[end]);
    marks->point[end] = machine_now(marks->pid);
}

static void summarize(const struct marks *marks, const struct drive_result *result,
                      struct figures *out)
{
    const struct machine_point *from = &marks->point[0], *to = &marks->point[1];
    double commits = (double)(marks->stats[1].commits - marks->stats[0].commits);

    figures_times(&result->answers, out);
    out->value[FIGURE_RATE] = (double)result->n_answer / result->seconds;
    out->value[FIGURE_CPU] = (double)(to->cpu_ns - from->cpu_ns) / 1e3 / (double)result->n_answer;
    out->value[FIGURE_COMMIT] = marks->author ? (double)result->n_answer / commits : NAN;
    out->value[FIGURE_OTHERS] = machine_others(from, to);
}

static void check(const struct drive_plan *plan, const struct drive_result *result)
{
    if (result->n_refused == 0 && result->n_lost == 0) return;
    fprintf(stderr, "\nbench: %s: %llu requests were refused (%s), %llu had no reply\n",
            plan->title ? plan->title : plan->talk->name, (unsigned long long)result->n_refused,
            result->refusal, (unsigned long long)result->n_lost);
}

void load_run_whole(struct load *load, struct drive_plan *plan, pid_t pid, struct thetad *author,
                    struct drive_result *out_result, struct figures *out)
{
    struct marks marks = {.pid = pid, .author = author};
    int tries = 0;

    plan->mark = mark;
    plan->context = &marks;
    do {
        drive_run(plan, out_result);
        summarize(&marks, out_result, out);
    } while (out->value[FIGURE_OTHERS] > MOST_OTHERS && ++tries < TRIES);
    load->n_void += tries == TRIES;
    check(plan, out_result);
}

void load_run(struct load *load, struct drive_plan *plan, pid_t pid, struct thetad *author,
              struct figures *out)
{
    static struct drive_result result;

    load_run_whole(load, plan, pid, author, &result, out);
}

static const struct load_part *find_part(const char *name)
{
    for (size_t i = 0; i < N_PART; i++) {
        if (strcmp(parts[i]->name, name) == 0) return parts[i];
    }
    return NULL;
}

/* Ten thousand connections on either side. */
static void raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

struct load_options {
    struct load *load;
    const struct load_part *chosen[N_PART];
    size_t n_chosen;
};

enum {
    KEY_SECONDS = 's',
    KEY_STUDENTS = 'n',
    KEY_CLIENTS = 'k',
    KEY_THINK = 256,
    KEY_SPREAD,
    KEY_IDLE,
    KEY_SESSIONS,
    KEY_ITEMS
};

static const struct argp_option option_list[] = {
    {"thetad", 't', "FILE", 0, "The daemon's program", 0},
    {"seconds", KEY_SECONDS, "S", 0, "How long each run is measured", 0},
    {"clients", KEY_CLIENTS, "N", 0, "throughput, ways, calls: only with so many", 1},
    {"students", KEY_STUDENTS, "N", 0, "students: how many (10000)", 1},
    {"think", KEY_THINK, "S", 0, "students: mean time before an answer (5)", 1},
    {"spread", KEY_SPREAD, "S", 0, "students: how long it takes until all have begun (5)", 1},
    {"idle", KEY_IDLE, "N", 0, "idle: connections (10000)", 1},
    {"sessions", KEY_SESSIONS, "N", 0, "memory: sessions (100000)", 1},
    {"items", KEY_ITEMS, "N", 0, "memory: items (100000)", 1},
    {0},
};

static double seconds_of(struct argp_state *state, const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !(value > 0.0 && value < 86400.0)) {
        argp_error(state, "--%s takes a number of seconds above 0, not \"%s\"", name, text);
    }
    return value;
}

static void choose(struct load_options *options, struct argp_state *state, const char *name)
{
    const struct load_part *part = find_part(name);

    if (!part) argp_error(state, "there is no part \"%s\"", name);
    if (options->n_chosen == N_PART) argp_error(state, "a part is named twice");
    options->chosen[options->n_chosen++] = part;
}

static error_t parse_number(int key, char *argument, struct argp_state *state)
{
    struct load *load = ((struct load_options *)state->input)->load;

    switch (key) {
    case KEY_CLIENTS:
        load->n_client = options_number(state, "clients", argument, 1);
        return 0;
    case KEY_STUDENTS:
        load->n_student = options_number(state, "students", argument, 1);
        return 0;
    case KEY_IDLE:
        load->n_idle = options_number(state, "idle", argument, 1);
        return 0;
    case KEY_SESSIONS:
        load->n_session = options_number(state, "sessions", argument, 64);
        return 0;
    case KEY_ITEMS:
        load->n_item = options_number(state, "items", argument, 100);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct load_options *options = state->input;
    struct load *load = options->load;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &load->options;
        return 0;
    case 't':
        load->thetad = argument;
        return 0;
    case KEY_SECONDS:
        load->measured_s = seconds_of(state, "seconds", argument);
        return 0;
    case KEY_THINK:
        load->think_s = seconds_of(state, "think", argument);
        return 0;
    case KEY_SPREAD:
        load->spread_s = seconds_of(state, "spread", argument);
        return 0;
    case ARGP_KEY_ARG:
        choose(options, state, argument);
        return 0;
    case ARGP_KEY_END:
        if (!load->thetad) argp_error(state, "--thetad is needed");
        return 0;
    default:
        return parse_number(key, argument, state);
    }
}

static const char doc[] =
    "Many students at once against a daemon, beside a bare echo and a bare commit. Parts, all of "
    "them unless some are named:\v"
    "  throughput  as many answers as can be had, by the number of clients\n"
    "  latency     how long an answer takes by the load (open loop)\n"
    "  ways        what a commit costs by the way it is made\n"
    "  calls       what the kernel is asked for an answer\n"
    "  students    a school: many who think, and classes that begin together\n"
    "  curve       what encryption costs\n"
    "  idle        what connections cost that say nothing\n"
    "  memory      what a session and an item take\n";

static const struct argp argp = {.options = option_list,
                                 .parser = parse,
                                 .args_doc = "[PART...]",
                                 .doc = doc,
                                 .children = options_children};

static void run(struct load *load, const struct load_part *part)
{
    if (!load->options.json) printf("\n%s: %s\n", part->name, part->about);
    fflush(stdout);
    part->run(load);
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\r%80s\r", "");
    fflush(stdout);
}

static void tell(struct load *load)
{
    json_object_set_new(load->figures, "bars", bars_json(&load->bars));
    json_object_set_new(load->figures, "void", json_integer(load->n_void));
    json_object_set_new(load->figures, "met", json_boolean(bars_met(&load->bars)));
    if (load->options.json)
        options_print(load->figures);
    else
        bars_print(&load->bars, "the daemon adds more than intended to what bounds it, or the "
                                "machine was busy.");
    if (load->n_void > 0) {
        fprintf(stderr,
                "bench: in %u runs others used more than %.0f %% of the machine: what they "
                "say does not count\n",
                load->n_void, 100.0 * MOST_OTHERS);
    }
    options_record(&load->options, "load.json", load->figures);
}

int main(int argc, char **argv)
{
    struct load load = {.options.n_round = 5};
    struct load_options options = {.load = &load};

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    raise_limits();
    load.zmq = zmq_ctx_new();
    zmq_ctx_set(load.zmq, ZMQ_MAX_SOCKETS, SOCKETS);
    load.figures = json_object();
    for (size_t i = 0; options.n_chosen == 0 && i < N_PART; i++) run(&load, parts[i]);
    for (size_t i = 0; i < options.n_chosen; i++) run(&load, options.chosen[i]);
    tell(&load);
    zmq_ctx_term(load.zmq);
    return load.options.check && !bars_met(&load.bars);
}
