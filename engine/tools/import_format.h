/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the formats of import.h are made of. One row each, in one table (import.c). */
#ifndef TOOLS_IMPORT_FORMAT_H
#define TOOLS_IMPORT_FORMAT_H

#include "tools/csv_table.h"
#include "tools/draft.h"
#include "tools/import.h"

enum {
    IMPORT_NAMES = 12,                // columns of their own that a format may know
    IMPORT_SERIES = 3,                // families of numbered columns
    IMPORT_NUMBERS = LIMIT_CATS + 1,  // numbers 0 to LIMIT_CATS of such a family
};

struct import_format;

/* One import under way. Columns are CSV_TABLE_NONE where the table does not have them. */
struct import {
    const struct csv_table *table;
    const struct import_format *format;
    struct faults *faults;
    const char *model;     // as asked for, NULL if not
    const char *logistic;  // which of the 1PL to 4PL, once concluded
    char note[FAULT_TEXT];
    size_t id;                                     // column of the ids
    size_t column[IMPORT_NAMES];                   // in the order of format->columns
    size_t series[IMPORT_SERIES][IMPORT_NUMBERS];  // column "<name><k>" of format->series
};

struct import_format {
    const char *name, *about;
    const char *needs[4];   // recognised by these columns,
    const char *one_of[3];  // by one of these where there are any,
    const char *lacks[2];   // and by not having these
    const char *columns[IMPORT_NAMES];
    const char *series[IMPORT_SERIES];
    bool takes_model;      // --model has a meaning
    bool refuses_unknown;  // columns it does not know are no tags
    /* Conclude what must be known of the whole table before the first row. May be NULL. */
    void (*plan)(struct import *in);
    /* Fill in model, parameters and whatever else row `row` says; add a fault where it is wrong. */
    void (*convert)(struct import *in, size_t row, struct draft *draft);
};

extern const struct import_format import_native, import_catr, import_catr_grm, import_catr_gpcm,
    import_catr_mgrm, import_catr_pcm, import_catr_rsm, import_catr_nrm, import_mirt,
    import_mirt_slope, import_testdesign;

/* The text of a cell, "" where the column does not exist. */
const char *import_text(const struct import *in, size_t row, size_t column);
/* The same, with "" for R's NA. */
const char *import_value(const struct import *in, size_t row, size_t column);
/* Read a number quietly: false where there is none. */
bool import_peek(const struct import *in, size_t row, size_t column, double *out);

/* Add a fault at a cell; `column` may be CSV_TABLE_NONE. */
void import_fault(struct import *in, size_t row, size_t column, const char *fmt, ...) PRINTF(4, 5);

/* The number in a cell. False, with a fault, where the cell is empty or holds no finite number. */
bool import_number(struct import *in, size_t row, size_t column, double *out);
/* The numbers of series `s` from column number `first` on, into out [LIMIT_CATS + 1]: how many.
 * They end at the first empty cell; a fault where another follows it. */
size_t import_numbers(struct import *in, size_t row, size_t s, size_t first, double *out);
/* The same, with a fault where there is none at all. */
size_t import_need_numbers(struct import *in, size_t row, size_t s, size_t first, double *out);

/* Items of the 1PL to 4PL: which columns hold a, b, c and d. Where the one of c or d does not exist
 * it is 0 or 1. Rows whose `b` cell is empty are items of another kind. */
struct import_logistic {
    size_t a, b, c, d;
};

/* Set in->logistic to the least model that fits every such row, or to `asked` (NULL: none) if that
 * is no less. */
void import_plan_logistic(struct import *in, const struct import_logistic *columns,
                          const char *asked);
/* Read a, b, c, d into `abcd`. False, with faults, where one of them is not a number. */
bool import_read_logistic(struct import *in, size_t row, const struct import_logistic *columns,
                          double abcd[4]);
/* Put in the draft those of a, b, c, d that in->logistic has. */
void import_put_logistic(const struct import *in, const double abcd[4], struct draft *draft);

#endif
