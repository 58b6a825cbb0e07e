/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of text with aligned columns. */
#ifndef CLI_TEXT_TABLE_H
#define CLI_TEXT_TABLE_H

#include "base/macros.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stdio.h>

enum { TEXT_TABLE_COLUMNS = 12 };

/* Start with text_table_init; cells are added row after row. */
struct text_table {
    size_t n_column;
    const char *align;  // 'l' or 'r' for each column
    struct buf text;    // the cells with their NULs
    size_t n_cell;
    bool hide_empty;  // leave out columns that have nothing but a header
};

/* `align` tells the number of columns; the headers are the first row of cells. */
void text_table_init(struct text_table *table, const char *align);
void text_table_cell(struct text_table *table, const char *fmt, ...) PRINTF(2, 3);
/* A text from outside: control characters become '?'. */
void text_table_slice(struct text_table *table, struct slice text);
/* A number with so many decimals, or "-" for NaN. */
void text_table_number(struct text_table *table, int decimals, double value);
/* Print; a last column on the left is broken between words where a line would pass `width`. */
void text_table_print(const struct text_table *table, size_t width, FILE *out);
void text_table_done(struct text_table *table);

/* Columns that a UTF-8 text takes on a terminal, a character to a column. */
size_t text_width(const char *text);
/* Print a text from outside, control characters as '?'. */
void text_print_safe(struct slice text, FILE *out);
/* The same for a text of several lines; those after the first begin with `indent` blanks. */
void text_print_lines(struct slice text, size_t indent, FILE *out);

#endif
