/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Item banks from the CSV files of other programs. */
#ifndef TOOLS_IMPORT_H
#define TOOLS_IMPORT_H

#include "base/fault.h"
#include "base/slice.h"

struct import_options {
    const char *format;       // name of a format, NULL: the first whose columns are there
    const char *model;        // the items' model where the table does not tell it, else NULL
    struct slice attributes;  // a second table, joined by id; of n = 0: none
};

/* Items ready for bank.add. Start from {0}. */
struct imported {
    const char *format;     // name of the format
    char note[FAULT_TEXT];  // what was concluded from the table, "" if nothing
    struct buf bytes;       // item maps, back to back
    struct buf ends;        // size_t [n_item], where each ends in `bytes`
    size_t n_item;
};

/* Turn a CSV table (see csv_table.h) into items: the bank's constant D goes to bank.begin and is
 * not looked at here. Numbers, cells and ids are checked; whether an item makes sense is the
 * daemon's to say. Columns with text that the format does not know become tags, `tag:<name>` makes
 * a tag of any column, other columns of numbers are refused. BAD_REQUEST: `faults`, which is to be
 * empty at first, has everything that is wrong, by row (the header is row 1) and column, and *out
 * is untouched. NO_MEMORY likewise. */
MUST_CHECK enum status import_csv(struct slice bytes, const struct import_options *options,
                                  struct imported *out, struct faults *faults);
void imported_done(struct imported *imported);

/* Item i < n_item, one MessagePack map. */
struct slice imported_item(const struct imported *imported, size_t i);

/* The formats by number: name and one line about each; NULL behind the last. */
const char *import_format_name(size_t i);
const char *import_format_about(size_t i);

#endif
