/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A CSV file as a table of texts: one header row of column names, then rows of as many cells. */
#ifndef TOOLS_CSV_TABLE_H
#define TOOLS_CSV_TABLE_H

#include "base/fault.h"
#include "base/slice.h"

enum { CSV_TABLE_COLUMNS = 4096 };

#define CSV_TABLE_NONE ((size_t)-1)

/* Read by the accessors below. Start from {0}. */
struct csv_table {
    const char *label;                // goes before "row" in faults: "" or "attributes "
    struct buf text;                  // every cell with its NUL, back to back
    struct buf cells;                 // size_t [n_row][n_column], offsets into text
    struct buf rows;                  // size_t [n_row], numbers of the rows in the file
    size_t names[CSV_TABLE_COLUMNS];  // offsets into text
    size_t n_name;                    // names in the header
    size_t n_column;  // n_name, or one more where the rows begin with an unnamed cell
    size_t n_row;
};

/* Read `bytes`: UTF-8 with or without a byte order mark; cells apart by commas, tabs, semicolons or
 * blanks, whichever of these the header has first; quotes as in RFC 4180; any line ends. Rows with
 * nothing in them are skipped. Where tabs or blanks part the cells, rows may have one cell more
 * than the header (R's write.table): the first column is then named "". Everything that is wrong is
 * added to `faults`, with the number of the row as a spreadsheet shows it (the header is row 1),
 * and BAD_REQUEST is returned; NO_MEMORY otherwise. The table is to be freed in any case. */
MUST_CHECK enum status csv_table_read(struct slice bytes, const char *label,
                                      struct csv_table *out_table, struct faults *faults);
void csv_table_done(struct csv_table *table);

/* The column of that name, upper or lower case, or CSV_TABLE_NONE. */
size_t csv_table_column(const struct csv_table *table, const char *name);
const char *csv_table_name(const struct csv_table *table, size_t column);
const char *csv_table_cell(const struct csv_table *table, size_t row, size_t column);
size_t csv_table_row_number(const struct csv_table *table, size_t row);

#endif
