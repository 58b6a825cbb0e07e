/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a session takes of the daemon's memory, when it has begun and at its last question, and
 * what an item takes. Memory is the process's own (RssAnon): pages of the store's file, which the
 * system takes back when it needs them, are told beside it. Each on a daemon of its own. */
#include "bench/load/load.h"
#include "bench/load/machine.h"

enum { CLIENTS = 256, ANSWERS = 29, BAR_SESSIONS = 100000 };  // of the default test's 30 answers

#define SESSION_KIB 2.0

struct found {
    double n, own_kib, file_kib;  // own, file: of one
};

static struct found per(double n, struct machine_memory from, struct machine_memory to)
{
    return (struct found){n, (to.own_kib - from.own_kib) / n, (to.file_kib - from.file_kib) / n};
}

/* Sessions are begun, answered `n_answer` times, and left. Connections are made before. */
static struct found measure_sessions(struct load *load, size_t n_session, int64_t n_answer)
{
    static struct drive_result result;
    struct served served;
    struct drive_plan plan;
    struct machine_memory from;
    struct author_stats stats;
    struct found found;

    served_start(load, "/tmp", false, &served);
    plan = load_closed(daemon_target(&served.daemon, NULL), &talk_ping, CLIENTS, 0.2);
    drive_run(&plan, &result);
    from = machine_memory(served.daemon.pid);
    plan = load_closed(plan.target, &talk_test, CLIENTS, 0.0);
    plan.title = n_answer > 0 ? "memory: sessions at their end" : "memory: sessions begun";
    plan.n_session = n_session;
    plan.n_answer = n_answer > 0 ? n_answer : DRIVE_NO_ANSWER;
    drive_run(&plan, &result);
    author_stats(served.author, &stats);
    found = per((double)stats.live, from, machine_memory(served.daemon.pid));
    served_stop(&served);
    return found;
}

static struct found measure_items(struct load *load, size_t n_item)
{
    struct daemon daemon;
    struct thetad *author;
    struct machine_memory from;
    struct found found;
    struct thetad_state state;
    struct thetad_start start = {.test = "bench", .examinee = "pupil"};

    daemon_start(&daemon, &(struct daemon_options){load->thetad, "/tmp", false, NULL});
    author = author_new(daemon.author_url);
    from = machine_memory(daemon.pid);
    author_load(author, n_item);
    if (thetad_session_start(author, &start, &state) != THETAD_OK) {
        fprintf(stderr, "bench: session.start: %s\n", thetad_error_message(author));
    }
    found = per((double)n_item, from, machine_memory(daemon.pid));
    thetad_close(author);
    daemon_stop(&daemon);
    return found;
}

static void tell(const struct load *load, const char *what, const struct found *found)
{
    json_t *all = json_object_get(load->figures, "memory");

    if (!all) {
        all = json_object();
        json_object_set_new(load->figures, "memory", all);
        if (!load->options.json) {
            printf("\n%-34s %9s %12s %12s\n", "one of", "how many", "own, bytes", "file, bytes");
        }
    }
    if (!load->options.json) {
        printf("%-34s %9.0f %12.0f %12.0f\n", what, found->n, 1024.0 * found->own_kib,
               1024.0 * found->file_kib);
    }
    json_object_set_new(all, what,
                        json_pack("{s:f, s:f, s:f}", "n", found->n, "own_bytes",
                                  1024.0 * found->own_kib, "file_bytes", 1024.0 * found->file_kib));
}

static void run(struct load *load)
{
    size_t n_session = (size_t)load_choose(load, (double)load->n_session, 100000, 10000);
    size_t n_item = (size_t)load_choose(load, (double)load->n_item, 100000, 10000);
    struct found begun = measure_sessions(load, n_session, 0);
    struct found last = measure_sessions(load, n_session, ANSWERS);
    struct found items = measure_items(load, n_item);

    tell(load, "sessions, begun", &begun);
    tell(load, "sessions, 29 answers given", &last);
    tell(load, "items (3PL, lists included)", &items);
    if (n_session < BAR_SESSIONS) {
        if (!load->options.json) {
            printf("the bars are of %d sessions: fewer bear what the process takes by itself\n",
                   BAR_SESSIONS);
        }
        return;
    }
    bars_at_most(&load->bars, "memory of a session that has begun", "KiB", begun.own_kib,
                 SESSION_KIB);
    bars_at_most(&load->bars, "memory of a session after 29 answers", "KiB", last.own_kib,
                 SESSION_KIB);
}

const struct load_part load_memory = {"memory", "what a session and an item take", run};
