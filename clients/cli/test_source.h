/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A test and its bank, made ready to work with here: from the daemon, or from files. */
#ifndef CLI_TEST_SOURCE_H
#define CLI_TEST_SOURCE_H

#include "clients/cli/args.h"
#include "session/plan.h"

/* Options of a command that takes a test or a bank from files. */
#define TEST_SOURCE_OPTIONS OPTION_BANK_FILE, OPTION_DOCUMENT, OPTION_FORMAT, OPTION_MODEL, OPTION_D
enum { TEST_SOURCE_N_OPTION = 5 };

/* Start from {0}. */
struct test_source {
    struct bank *bank;
    char label[2 * LIMIT_ID];  // of the bank: its name and version, or its file
    uint32_t *retired;         // [n_retired], indices
    uint32_t n_retired;
    struct test test;
    struct plan *plan;  // NULL where only a bank was asked for
};

/* The test called `name` and the newest version of its bank from the daemon or, where --bank is
 * given, both from files; then `name` is NULL. EX_OK, or told on stderr and the exit code; the
 * source is to be freed in any case. */
MUST_CHECK int test_source_load(struct cli *cli, const struct args *args, const char *name,
                                struct test_source *out);
/* A bank alone. */
MUST_CHECK int test_source_load_bank(struct cli *cli, const struct args *args, const char *name,
                                     struct test_source *out);
/* One version of a bank from the daemon. */
MUST_CHECK int test_source_load_version(struct cli *cli, const char *name, int64_t version,
                                        struct test_source *out);
/* An error unless the bank has one dimension: what is drawn and simulated is along theta. */
MUST_CHECK int test_source_need_one(const struct test_source *source);
void test_source_done(struct test_source *source);

/* What is wrong, as a table on stderr, after the line "<what>: <n> faults". Returns EX_DATAERR. */
int test_source_refuse(const char *what, const struct faults *faults);

#endif
