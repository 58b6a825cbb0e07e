/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts of exposure in the shared store: one row for each test and bank, which any node reads,
 * adds to and writes back where nobody has written it meanwhile. What is in `counts` is
 * server/tally_share.h's. */
#ifndef STORE_SHARED_COUNTS_H
#define STORE_SHARED_COUNTS_H

#include "store/shared.h"

struct shared_counts {
    struct slice tenant, test, bank;
    uint64_t version;  // goes up by one each time they are written; 0: there are none
    struct slice counts;
};

/* Read the rows of those in `list` [n] whose version is another than `version`. `visit` gets the
 * number i of each; `shared` may be used in it. */
MUST_CHECK enum status shared_counts_look(
    struct shared *shared, const struct shared_counts *list, size_t n,
    void (*visit)(void *context, size_t i, uint64_t version, struct slice counts), void *context);

/* Write counts as the version behind counts->version. *out_done is false where that is not the one
 * that is there. IO_ERROR: they may be written. */
MUST_CHECK enum status shared_counts_store(struct shared *shared,
                                           const struct shared_counts *counts, bool *out_done);

#endif
