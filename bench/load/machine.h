/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What processes take of the machine, from /proc and the clocks of processes. */
#ifndef BENCH_LOAD_MACHINE_H
#define BENCH_LOAD_MACHINE_H

#include <stdint.h>
#include <sys/types.h>

/* Memory of a process, in KiB: of its own, and pages of files, which the system takes back when it
 * needs them. */
struct machine_memory {
    double own_kib, file_kib;
};
struct machine_memory machine_memory(pid_t pid);

/* How busy the machine was from one point in time to another. */
struct machine_point {
    int64_t time_ns, busy_ns, ours_ns, cpu_ns;  // cpu_ns: of `pid`
};

/* Now; ours are this process and `pid`, the one that is measured. */
struct machine_point machine_now(pid_t pid);

/* The share of the machine that others used, 0 to 1. */
double machine_others(const struct machine_point *from, const struct machine_point *to);

#endif
