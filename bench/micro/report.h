/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was measured, as a table, as JSON and as a picture; and the bars it is held to. */
#ifndef BENCH_MICRO_REPORT_H
#define BENCH_MICRO_REPORT_H

#include "bench/common/bars.h"
#include "bench/common/options.h"

enum { REPORT_ROWS = 256 };

/* One line: what `what` costs. */
struct report_row {
    const char *what, *model, *criterion;
    size_t n_item;
    double ns, slow_ns;  // slow_ns: by the reference in the same run, NaN where there is none
};

struct report {
    size_t n_row;
    struct report_row row[REPORT_ROWS];
    struct bars bars;
    size_t n_examinee;
    double examinee_ns, million_s;  // million_s is of two cores by the processor time
    bool is_extrapolated;
};

void report_add(struct report *report, struct report_row row);

/* On standard output, and where the options name a folder, as micro.json and micro.svg, which draws
 * cost against the size of the bank, there. */
void report_tell(const struct report *report, const struct options *options);

#endif
