/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Author: who puts the bank and the test there, and asks the daemon what it has done. */
#ifndef BENCH_LOAD_AUTHOR_H
#define BENCH_LOAD_AUTHOR_H

#include "clients/c/thetad.h"

/* A client at that endpoint. Ends the program with a message where it cannot, as all here. */
struct thetad *author_new(const char *url);

/* A bank "bench" of so many plausible 3PL items, and a test "bench" on it with every default: EAP,
 * MFI, 30 questions. */
void author_load(struct thetad *author, size_t n_item);

/* What the daemon has counted. */
struct author_stats {
    int64_t answers, commits, live;
};
void author_stats(struct thetad *author, struct author_stats *out);

#endif
