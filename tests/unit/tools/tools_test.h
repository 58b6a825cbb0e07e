/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the importers' tests share: import a text, look at the items and the faults. */
#ifndef TOOLS_TEST_H
#define TOOLS_TEST_H

#include "tools/import.h"

#include <criterion/criterion.h>

struct trial {
    enum status st;
    struct imported imported;
    struct faults faults;
};

struct trial try_import(const char *csv, const struct import_options *options);
/* The same with no options at all. */
struct trial try_plain(const char *csv);
void trial_done(struct trial *trial);

/* The items are `n`, of that format, and there is no fault. */
void expect_imported(const struct trial *trial, const char *format, size_t n);
/* Item i is this JSON, in which ' stands for ". */
void expect_item(const struct trial *trial, size_t i, const char *json);
/* The import is refused, and the first `n` faults are these and no more. */
void expect_faults(const struct trial *trial, const char *const *texts, size_t n);

/* Refused with exactly this one fault. */
void expect_refused(const char *csv, const struct import_options *options, const char *text);

/* A file of ../shared beside the source tree; NULL data, and a printed word, where there is none.
 */
struct buf shared_file(const char *path);

#endif
