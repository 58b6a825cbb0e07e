/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel is asked for an answer: system calls, counted by strace, and how often a thread
 * of the server falls asleep and is woken, as the kernel counts it while nobody traces. Under
 * strace a call costs many times as much, so cycles take more messages than without. */
#include "bench/load/echo.h"
#include "bench/load/load.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { SIZES = 3, CALLS = 10, OTHER = CALLS, TRIES = 30000, TRY_NS = 1000000 };
enum kind { ECHO, COMMIT, PING, ANSWER, KINDS };

static const size_t all_sizes[SIZES] = {1, 64, 1000};
static const char *const labels[KINDS] = {"echo", "echo, a commit a cycle", "ping",
                                          "answer, durable"};
static const char *const calls[CALLS] = {"epoll_wait", "epoll_ctl", "recvfrom", "sendto",
                                         "poll",       "getpid",    "read",     "write",
                                         "pwrite64",   "fdatasync"};

/* Of one answer. */
struct counts {
    double wakes, call[CALLS + 1];
};

struct bench {
    struct load *load;
    struct echo echo[2];
    struct served disk;
    char file[PATH_BYTES];  // of what strace has counted
};

/* One run: the process, and what is noted at both ends. */
struct marks {
    const struct bench *bench;
    pid_t pid, strace;  // strace: 0 while nobody traces
    bool traces;
    double wakes[2];
};

/* The sum over the threads of a process of what a line of their status says. */
static double sum_of_threads(pid_t pid, const char *line, unsigned *out_n_zero)
{
    char path[PATH_BYTES], text[128];
    struct dirent *thread;
    double sum = 0.0, value;
    DIR *folder;

    *out_n_zero = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    folder = opendir(path);
    while (folder && (thread = readdir(folder))) {
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", (int)pid, thread->d_name);
        file = thread->d_name[0] == '.' ? NULL : fopen(path, "r");
        while (file && fgets(text, sizeof(text), file)) {
            if (strncmp(text, line, strlen(line)) != 0) continue;
            value = strtod(text + strlen(line), NULL);
            sum += value;
            if (!(value > 0.0)) ++*out_n_zero;
        }
        if (file) fclose(file);
    }
    if (folder) closedir(folder);
    return sum;
}

static void start_strace(struct marks *marks)
{
    const struct timespec pause = {.tv_nsec = TRY_NS};
    unsigned n_free = 1;
    char pid[16];

    snprintf(pid, sizeof(pid), "%d", (int)marks->pid);
    marks->strace = process_start();
    if (marks->strace == 0) {
        execlp("strace", "strace", "-f", "-q", "-c", "-U", "calls,name", "-o", marks->bench->file,
               "-p", pid, (char *)NULL);
        _exit(EX_UNAVAILABLE);
    }
    for (int i = 0; n_free > 0 && i < TRIES; i++) {
        nanosleep(&pause, NULL);
        sum_of_threads(marks->pid, "TracerPid:", &n_free);
    }
}

static void mark(void *context, bool begins)
{
    struct marks *marks = context;
    unsigned n_zero;

    if (marks->traces && begins) start_strace(marks);
    if (marks->traces && !begins) process_end(marks->strace);
    marks->wakes[begins ? 0 : 1] = sum_of_threads(marks->pid, "voluntary_ctxt_switches:", &n_zero);
}

/* Lines of a count and a name, between a head and a total. NaN where there are none. */
static void read_calls(const struct bench *bench, double n_answer, struct counts *out)
{
    FILE *file = fopen(bench->file, "r");
    char line[128], name[64];
    unsigned long long n;

    for (int c = 0; c <= OTHER; c++) out->call[c] = file ? 0.0 : (double)NAN;
    while (file && fgets(line, sizeof(line), file)) {
        int c = 0;

        if (sscanf(line, "%llu %63s", &n, name) != 2 || strcmp(name, "total") == 0) continue;
        while (c < CALLS && strcmp(calls[c], name) != 0) c++;
        out->call[c] += (double)n / n_answer;
    }
    if (file) fclose(file);
    (void)remove(bench->file);
}

static struct drive_plan plan_of(const struct bench *bench, size_t n, enum kind kind)
{
    const struct talk_kind *const talks[KINDS] = {&talk_echo, &talk_echo, &talk_ping, &talk_test};
    struct link_target target = kind <= COMMIT
                                    ? (struct link_target){.port = bench->echo[kind].port}
                                    : daemon_target(&bench->disk.daemon, NULL);

    return load_closed(target, talks[kind], n,
                       load_choose(bench->load, bench->load->measured_s, 1.0, 0.3));
}

static bool has_strace(void)
{
    return system("command -v strace >/dev/null") == 0;
}

static void count(const struct bench *bench, size_t n, enum kind kind, struct counts *out)
{
    static struct drive_result result;
    struct marks marks = {.bench = bench,
                          .pid = kind <= COMMIT ? bench->echo[kind].pid : bench->disk.daemon.pid};
    struct drive_plan plan = plan_of(bench, n, kind);

    plan.mark = mark;
    plan.context = &marks;
    drive_run(&plan, &result);
    out->wakes = (marks.wakes[1] - marks.wakes[0]) / (double)result.n_answer;
    marks.traces = has_strace();
    if (marks.traces) drive_run(&plan, &result);
    read_calls(bench, (double)result.n_answer, out);
}

static void print_head(void)
{
    printf("\n%-30s %7s %7s", "clients, what; of an answer", "wake-ups", "calls");
    for (int c = 0; c < CALLS; c++) printf(" %10s", calls[c]);
    printf(" %10s\n", "other");
}

static json_t *tell_counts(const struct load *load, size_t n, enum kind kind,
                           const struct counts *counts)
{
    json_t *row = json_pack("{s:s, s:I, s:f}", "what", labels[kind], "clients", (json_int_t)n,
                            "wakes", counts->wakes);
    double sum = 0.0;

    for (int c = 0; c <= OTHER; c++) {
        sum += counts->call[c];
        if (isfinite(sum)) {
            json_object_set_new(row, c < CALLS ? calls[c] : "other", json_real(counts->call[c]));
        }
    }
    if (load->options.json) return row;
    printf("%4zu  %-24s %8.2f", n, labels[kind], counts->wakes);
    if (isfinite(sum)) printf(" %7.2f", sum);
    for (int c = 0; c <= OTHER && isfinite(sum); c++) printf(" %10.2f", counts->call[c]);
    putchar('\n');
    return row;
}

static void run(struct load *load)
{
    size_t chosen = (size_t)load->n_client, n_size = chosen > 0 ? 1 : SIZES;
    const size_t *size = chosen > 0 ? &chosen : all_sizes;
    struct bench bench = {.load = load};
    const struct echo_kind *const echoes[] = {&echo_bare, &echo_commit};
    json_t *rows = json_array();
    struct counts counts;

    served_start(load, "/tmp", false, &bench.disk);
    snprintf(bench.file, sizeof(bench.file), "%s/strace", bench.disk.daemon.folder);
    for (int e = 0; e < 2; e++) {
        echo_start(&bench.echo[e], echoes[e], bench.disk.daemon.folder);
    }
    if (!load->options.json) print_head();
    for (size_t s = 0; s < n_size; s++) {
        for (int kind = 0; kind < KINDS; kind++) {
            count(&bench, size[s], (enum kind)kind, &counts);
            json_array_append_new(rows, tell_counts(load, size[s], (enum kind)kind, &counts));
        }
    }
    json_object_set_new(load->figures, "calls", rows);
    for (int e = 0; e < 2; e++) echo_stop(&bench.echo[e]);
    served_stop(&bench.disk);
}

const struct load_part load_calls = {
    "calls", "what the kernel is asked for an answer (strace, where it is installed)", run};
