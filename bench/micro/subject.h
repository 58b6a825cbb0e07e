/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the small benchmarks measure with: banks of random items, and a plan on one. */
#ifndef BENCH_MICRO_SUBJECT_H
#define BENCH_MICRO_SUBJECT_H

#include "session/session.h"

enum { SUBJECT_STRANDS = 4 };
#define SUBJECT_TAG "strand"
const char *subject_strand(size_t g);

/* n plausible items of one model; polytomous ones have five categories. Each has a strand, three
 * enemies, which a test may heed, and a k of Sympson and Hetter. Ends the program on any
 * error, as all here do. */
struct bank *subject_bank(const struct model *model, size_t n);

/* The default test (EAP on 61 nodes, MFI, 30 items) by another criterion, enemies let in. */
struct plan *subject_plan(const struct bank *bank, const struct criterion *criterion);

/* A number that does not change from run to run, uniform between lo and hi. */
double subject_number(uint64_t i, double lo, double hi);

#endif
