/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verification of a store that no daemon has open. */
#ifndef TOOLS_VERIFY_STORE_H
#define TOOLS_VERIFY_STORE_H

#include "base/fault.h"
#include "store/journal.h"

/* A head that was noted before: "EVENT:SEAL". False where the text is none. */
MUST_CHECK bool verify_head_read(const char *text, struct journal_head *out);

/* How far a verification is. */
struct verify_progress {
    void (*show)(size_t n_done, size_t n_total, void *context);
    void *context;
};

/* Verify the store in `folder`. What was found is appended to `out` as log.verify replies it,
 * with the names of all tenants; an error, with a text in `fault`, means that it could not be
 * looked at. Reads what may be damaged pages: call it in a process that may die. */
MUST_CHECK enum status verify_store(const char *folder, const struct journal_head *expected,
                                    struct verify_progress progress, struct buf *out,
                                    struct fault *fault);

#endif
