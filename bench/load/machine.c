/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/load/machine.h"
#include "bench/common/sample.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_of(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) != 0) return 0;
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Processor time of a process so far, all its threads; 0 where there is none. */
static int64_t cpu_of(pid_t pid)
{
    clockid_t clock;

    return clock_getcpuclockid(pid, &clock) == 0 ? clock_of(clock) : 0;
}

struct machine_memory machine_memory(pid_t pid)
{
    struct machine_memory memory = {0};
    char path[64], line[128];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file)) {
        sscanf(line, "RssAnon: %lf", &memory.own_kib);
        sscanf(line, "RssFile: %lf", &memory.file_kib);
    }
    if (file) fclose(file);
    return memory;
}

/* All processors since the start: user, nice, system, irq, softirq; not idle, waiting or stolen. */
static int64_t busy_ns(void)
{
    long long user = 0, nice = 0, system = 0, irq = 0, soft = 0;
    FILE *file = fopen("/proc/stat", "r");
    int n = 0;

    if (file) {
        n = fscanf(file, "cpu %lld %lld %lld %*d %*d %lld %lld", &user, &nice, &system, &irq,
                   &soft);
        fclose(file);
    }
    if (n != 5) return 0;
    return (user + nice + system + irq + soft) * (1000000000 / sysconf(_SC_CLK_TCK));
}

struct machine_point machine_now(pid_t pid)
{
    int64_t cpu_ns = cpu_of(pid);

    return (struct machine_point){.time_ns = sample_clock_ns(),
                                  .busy_ns = busy_ns(),
                                  .ours_ns = cpu_ns + clock_of(CLOCK_PROCESS_CPUTIME_ID),
                                  .cpu_ns = cpu_ns};
}

double machine_others(const struct machine_point *from, const struct machine_point *to)
{
    double busy = (double)(to->busy_ns - from->busy_ns - (to->ours_ns - from->ours_ns));
    double all = (double)(to->time_ns - from->time_ns) * (double)sysconf(_SC_NPROCESSORS_ONLN);

    return busy > 0.0 && all > 0.0 ? busy / all : 0.0;
}
