/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A school: every student thinks before each answer, and classes of 30 begin their tests at the
 * same moment. The figures are told by what was asked for; nothing is held to a bar. */
#include "bench/load/load.h"
#include "bench/load/machine.h"

#include <math.h>

enum { CLASS = 30 };

struct school {
    size_t n;
    double think_s, spread_s, measured_s;
    struct figures answers, starts;
    struct machine_memory memory;
    double cpu_share;  // of one processor
    uint64_t n_refused;
};

static void tell(const struct load *load, const struct school *school)
{
    if (!load->options.json) {
        printf("%zu students, %g s before an answer, classes of %d that begin within %g s; "
               "%g s measured\n",
               school->n, school->think_s, CLASS, school->spread_s, school->measured_s);
        figures_print_head("what");
        figures_print("session.start, in bursts", &school->starts, NULL);
        figures_print("session.answer", &school->answers, NULL);
        printf("the daemon: %.0f %% of one processor, %.1f MiB of its own, %llu refusals\n",
               100.0 * school->cpu_share, school->memory.own_kib / 1024.0,
               (unsigned long long)school->n_refused);
    }
    json_object_set_new(load->figures, "students",
                        json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:I, s:o, s:o}", "students",
                                  (json_int_t)school->n, "think_s", school->think_s, "spread_s",
                                  school->spread_s, "measured_s", school->measured_s, "cpu_share",
                                  school->cpu_share, "own_kib", school->memory.own_kib, "refused",
                                  (json_int_t)school->n_refused, "starts",
                                  figures_json("session.start", &school->starts), "answers",
                                  figures_json("session.answer", &school->answers)));
}

static void run(struct load *load)
{
    static struct drive_result result;
    struct school school = {.n = (size_t)load_choose(load, (double)load->n_student, 10000, 1000),
                            .think_s = load_choose(load, load->think_s, 5.0, 1.0),
                            .spread_s = load_choose(load, load->spread_s, 5.0, 1.0),
                            .measured_s = load_choose(load, load->measured_s, 20.0, 4.0)};
    struct served disk;
    struct drive_plan plan;

    served_start(load, "/tmp", false, &disk);
    plan = load_closed(daemon_target(&disk.daemon, NULL), &talk_test, school.n, school.measured_s);
    plan.pace = &pace_think;
    plan.title = "students";
    plan.warm_s = 0.0;
    plan.think_s = school.think_s;
    plan.spread_s = school.spread_s;
    plan.class_size = CLASS;
    load_run_whole(load, &plan, disk.daemon.pid, disk.author, &result, &school.answers);
    school.memory = machine_memory(disk.daemon.pid);
    school.cpu_share = school.answers.value[FIGURE_CPU] * school.answers.value[FIGURE_RATE] / 1e6;
    school.n_refused = result.n_refused + result.n_lost;
    figures_times(&result.starts, &school.starts);
    school.starts.value[FIGURE_RATE] = (double)result.n_start / result.seconds;
    school.starts.value[FIGURE_CPU] = school.starts.value[FIGURE_COMMIT] = NAN;
    school.starts.value[FIGURE_OTHERS] = school.answers.value[FIGURE_OTHERS];
    tell(load, &school);
    served_stop(&disk);
}

const struct load_part load_students = {
    "students", "a school: many who think, and classes that begin together", run};
