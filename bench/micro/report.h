/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was measured, as a table, as JSON and as a picture; and the bars it is held to. */
#ifndef BENCH_MICRO_REPORT_H
#define BENCH_MICRO_REPORT_H

#include <stdbool.h>
#include <stddef.h>

enum { REPORT_ROWS = 256, REPORT_BARS = 16 };

/* One line: what `what` costs. */
struct report_row {
    const char *what, *model, *criterion;
    size_t n_item;
    double ns, slow_ns;  // slow_ns: by the reference in the same run, NaN where there is none
};

/* A figure and the most that it should be. */
struct report_bar {
    const char *name, *unit;
    double value, most;
};

struct report {
    size_t n_row, n_bar;
    struct report_row row[REPORT_ROWS];
    struct report_bar bar[REPORT_BARS];
    size_t n_examinee;
    double examinee_ns, million_s;  // million_s is of two cores by the processor time
    bool is_extrapolated;
};

void report_add(struct report *report, struct report_row row);
void report_hold(struct report *report, struct report_bar bar);

bool report_all_met(const struct report *report);
void report_print(const struct report *report);
void report_print_json(const struct report *report);

/* Cost against the size of the bank, into a file. False where it cannot be written. */
bool report_draw(const struct report *report, const char *path);

#endif
