/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sessions that a verification has found to be erased, and what their tombstones say. */
#ifndef SERVER_TOMBS_H
#define SERVER_TOMBS_H

#include "proto/writer.h"
#include "server/ledger.h"
#include "store/erased.h"

struct tomb;

struct tombs {
    struct tomb *told;  // [n_told] in the order they were met, at most LIMIT_FAULTS
    size_t n_told, cap;
    uint64_t n;  // of all
};

/* NO_MEMORY. */
MUST_CHECK enum status tombs_note(struct tombs *tombs, const struct owner *owner,
                                  const struct tombstone *tombstone);
void tombs_done(struct tombs *tombs);

/* As an array of maps: those of `tenant`, of all where that is NULL. */
void tombs_write(const struct tombs *tombs, const struct slice *tenant, struct writer *out);

#endif
