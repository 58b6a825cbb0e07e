/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reference values: a CSV file with one header line, read whole. A column that is not there, or a
 * cell that should be a number and is none, fails the test. */
#ifndef SUPPORT_TABLE_H
#define SUPPORT_TABLE_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

struct table;

/* The file tests/golden/<name>. It must be there. */
struct table *table_golden(const char *name);
/* A published bank that is not in this tree: NULL, and a word on stderr, where it is not present
 * beside it. */
struct table *table_published(const char *name);
void table_free(struct table *table);

size_t table_n_row(const struct table *table);
const char *table_path(const struct table *table);
bool table_has(const struct table *table, const char *column);
/* Rows count from 0. */
const char *table_text(const struct table *table, size_t row, const char *column);
double table_number(const struct table *table, size_t row, const char *column);
size_t table_count(const struct table *table, size_t row, const char *column);

/* The blank-separated numbers of `text` into out [max]; returns how many there are. */
size_t list_read(const char *text, size_t *out, size_t max);

#endif
