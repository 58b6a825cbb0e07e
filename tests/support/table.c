/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/table.h"

#include <criterion/criterion.h>
#include <csv.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct table {
    char path[PATH_MAX];
    char **cells;  // [n_row + 1][n_column], the header first
    size_t n_cell, cap, n_column;
    size_t column;  // of the cell being read
};

static void on_cell(void *text, size_t n, void *context)
{
    struct table *table = context;

    if (table->n_cell == table->cap) {
        table->cap = table->cap ? 2 * table->cap : 1024;
        table->cells = realloc(table->cells, table->cap * sizeof(*table->cells));
        cr_assert(table->cells, "no memory for %s", table->path);
    }
    table->cells[table->n_cell++] = strndup(n > 0 ? text : "", n);
    table->column++;
}

static void on_row(int end, void *context)
{
    struct table *table = context;

    (void)end;
    if (table->n_column == 0) table->n_column = table->column;
    cr_assert(table->column == table->n_column, "%s: line %zu has %zu cells, the header has %zu",
              table->path, table->n_cell / table->n_column, table->column, table->n_column);
    table->column = 0;
}

static void parse(struct table *table, FILE *file)
{
    struct csv_parser parser;
    char bytes[65536];
    size_t n;

    cr_assert(csv_init(&parser, CSV_APPEND_NULL) == 0);
    while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0) {
        size_t used = csv_parse(&parser, bytes, n, on_cell, on_row, table);

        cr_assert(used == n, "%s: %s", table->path, csv_strerror(csv_error(&parser)));
    }
    csv_fini(&parser, on_cell, on_row, table);
    csv_free(&parser);
    cr_assert(table_n_row(table) > 0, "%s has no rows", table->path);
}

/* NULL where there is no such file. */
static struct table *open_in(const char *folder, const char *name)
{
    struct table *table = calloc(1, sizeof(*table));
    FILE *file;

    cr_assert(table);
    snprintf(table->path, sizeof(table->path), "%s/%s", folder, name);
    file = fopen(table->path, "rb");
    if (!file) {
        free(table);
        return NULL;
    }
    parse(table, file);
    fclose(file);
    return table;
}

struct table *table_golden(const char *name)
{
    struct table *table = open_in(SOURCE_DIR "/tests/golden", name);

    cr_assert(table, "there is no file golden/%s", name);
    return table;
}

struct table *table_published(const char *name)
{
    struct table *table = open_in(SOURCE_DIR "/../shared/banks", name);

    if (!table) fprintf(stderr, "skipped: the published bank %s is not present\n", name);
    return table;
}

void table_free(struct table *table)
{
    if (!table) return;
    for (size_t i = 0; i < table->n_cell; i++) free(table->cells[i]);
    free(table->cells);
    free(table);
}

size_t table_n_row(const struct table *table)
{
    return table->n_cell > 0 ? table->n_cell / table->n_column - 1 : 0;
}

const char *table_path(const struct table *table)
{
    return table->path;
}

static size_t find_column(const struct table *table, const char *column)
{
    size_t c = 0;

    while (c < table->n_column && strcmp(table->cells[c], column) != 0) c++;
    return c;
}

bool table_has(const struct table *table, const char *column)
{
    return find_column(table, column) < table->n_column;
}

const char *table_text(const struct table *table, size_t row, const char *column)
{
    size_t c = find_column(table, column);

    cr_assert(c < table->n_column, "%s has no column %s", table->path, column);
    cr_assert(row < table_n_row(table), "%s has no row %zu", table->path, row);
    return table->cells[(row + 1) * table->n_column + c];
}

double table_number(const struct table *table, size_t row, const char *column)
{
    const char *text = table_text(table, row, column);
    char *end;
    double value = strtod(text, &end);

    cr_assert(end > text && *end == '\0', "%s row %zu, %s: \"%s\" is no number", table->path, row,
              column, text);
    return value;
}

size_t table_count(const struct table *table, size_t row, const char *column)
{
    double value = table_number(table, row, column);

    cr_assert(value >= 0.0 && value == (double)(size_t)value, "%s row %zu, %s: %g is no count",
              table->path, row, column, value);
    return (size_t)value;
}

size_t list_read(const char *text, size_t *out, size_t max)
{
    size_t n = 0;

    while (*text) {
        char *end;

        cr_assert(n < max, "more than %zu numbers in a list", max);
        out[n++] = strtoul(text, &end, 10);
        cr_assert(end > text && (*end == ' ' || *end == '\0'), "\"%s\" is no list of numbers",
                  text);
        text = *end ? end + 1 : end;
    }
    return n;
}
