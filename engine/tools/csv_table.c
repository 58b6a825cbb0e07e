/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libcsv in strict mode does the parsing; this file collects what it reports. Offsets, not
 * pointers, are kept because the text moves as it grows. libcsv is asked to report every line end,
 * so that blank lines are counted and the row numbers agree with a spreadsheet's. */
#include "tools/csv_table.h"

#include <csv.h>
#include <string.h>
#include <strings.h>

struct collector {
    struct csv_table *table;
    struct faults *faults;
    size_t row;                       // number of the row being read
    size_t cells[CSV_TABLE_COLUMNS];  // its cells
    size_t n_cell;
    bool filled;    // some cell of it has text
    bool skip;      // blanks part the cells, so several of them are one gap
    bool unnamed;   // rows may begin with a cell that the header does not name
    bool after_cr;  // a line feed now ends no row of its own
};

static const char *text_at(const struct csv_table *table, size_t offset)
{
    return (const char *)table->text.data + offset;
}

static size_t text_add(struct csv_table *table, const void *text, size_t n)
{
    size_t at = table->text.n;

    buf_append(&table->text, text, n);
    buf_append(&table->text, "", 1);
    return at;
}

static void take_cell(void *cell, size_t n, void *context)
{
    struct collector *in = context;

    in->after_cr = false;
    if (!cell && in->skip) return;
    if (n > 0) in->filled = true;
    if (in->n_cell < CSV_TABLE_COLUMNS) {
        in->cells[in->n_cell] = text_add(in->table, cell ? cell : "", cell ? n : 0);
    }
    in->n_cell++;
}

static void take_header(struct collector *in)
{
    struct csv_table *table = in->table;

    if (in->n_cell > CSV_TABLE_COLUMNS - 1) {
        faults_add(in->faults, NULL, NULL, "%srow %zu: %zu columns, at most %d", table->label,
                   in->row, in->n_cell, CSV_TABLE_COLUMNS - 1);
        in->n_cell = CSV_TABLE_COLUMNS - 1;
    }
    memcpy(table->names, in->cells, in->n_cell * sizeof(*in->cells));
    table->n_name = table->n_column = in->n_cell;
}

static void take_data(struct collector *in)
{
    struct csv_table *table = in->table;

    if (table->n_row == 0 && in->unnamed && in->n_cell == table->n_name + 1) {
        table->n_column = table->n_name + 1;
    }
    if (in->n_cell != table->n_column) {
        faults_add(in->faults, NULL, NULL, "%srow %zu: %zu cells, the header has %zu%s",
                   table->label, in->row, in->n_cell, table->n_name,
                   in->n_cell > table->n_column ? " (a decimal comma? row names without a name?)"
                                                : "");
        return;
    }
    if (table->n_row == LIMIT_ITEMS) {
        faults_add(in->faults, NULL, NULL, "%srow %zu: more than %d rows", table->label, in->row,
                   LIMIT_ITEMS);
        return;
    }
    buf_append(&table->cells, in->cells, in->n_cell * sizeof(*in->cells));
    buf_append(&table->rows, &in->row, sizeof(in->row));
    table->n_row++;
}

static void take_row(int line_end, void *context)
{
    struct collector *in = context;

    if (line_end == '\n' && in->after_cr && in->n_cell == 0) {
        in->after_cr = false;
        return;
    }
    in->after_cr = line_end == '\r';
    in->row++;
    if (in->filled) {
        if (in->table->n_name == 0)
            take_header(in);
        else
            take_data(in);
    }
    in->n_cell = 0;
    in->filled = false;
}

/* What parts the cells: the first of these that the first line has outside quotes. */
static char delimiter_of(struct slice bytes)
{
    const char *candidates = ",\t; ";
    bool seen[256] = {false};
    bool quoted = false, begun = false;

    for (size_t i = 0; i < bytes.n; i++) {
        uint8_t byte = bytes.data[i];
        bool line_end = byte == '\n' || byte == '\r';

        if (line_end && begun && !quoted) break;
        if (!line_end) begun = true;
        if (byte == '"') quoted = !quoted;
        if (!quoted) seen[byte] = true;
    }
    for (const char *c = candidates; *c; c++) {
        if (seen[(uint8_t)*c]) return *c;
    }
    return ',';
}

static void check_names(const struct csv_table *table, struct faults *faults)
{
    for (size_t i = 0; i < table->n_column; i++) {
        const char *name = csv_table_name(table, i);

        if (i > 0 && !*name) {
            faults_add(faults, NULL, NULL, "%scolumn %zu has no name", table->label, i + 1);
        }
        if (csv_table_column(table, name) < i) {
            faults_add(faults, NULL, name, "%scolumn %s stands twice", table->label, name);
        }
    }
}

static enum status parse(struct collector *in, struct slice bytes)
{
    const unsigned char options = CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL | CSV_EMPTY_IS_NULL;
    char delimiter = delimiter_of(bytes);
    struct csv_parser parser;
    bool good;

    if (csv_init(&parser, options) != 0) return NO_MEMORY;
    csv_set_delim(&parser, (unsigned char)delimiter);
    in->skip = delimiter == ' ';
    in->unnamed = delimiter == ' ' || delimiter == '\t';
    good = csv_parse(&parser, bytes.data, bytes.n, take_cell, take_row, in) == bytes.n &&
           csv_fini(&parser, take_cell, take_row, in) == 0;
    if (!good && csv_error(&parser) == CSV_EPARSE) {
        faults_add(in->faults, NULL, NULL,
                   "%srow %zu: a quote that is never closed, or text beside a quoted cell",
                   in->table->label, in->row + 1);
    }
    good = good || csv_error(&parser) == CSV_EPARSE;
    csv_free(&parser);
    return good && !in->table->text.failed && !in->table->cells.failed && !in->table->rows.failed
               ? OK
               : NO_MEMORY;
}

enum status csv_table_read(struct slice bytes, const char *label, struct csv_table *out_table,
                           struct faults *faults)
{
    struct collector in = {.table = out_table, .faults = faults};
    size_t before = faults->total;
    enum status st;

    *out_table = (struct csv_table){.label = label};
    if (bytes.n >= 3 && memcmp(bytes.data, "\xef\xbb\xbf", 3) == 0) {
        bytes = slice_of(bytes.data + 3, bytes.n - 3);
    }
    if (!slice_is_utf8(bytes) || (bytes.n > 0 && memchr(bytes.data, 0, bytes.n))) {
        faults_add(faults, NULL, NULL, "%sthe file is not UTF-8 text: save it as CSV in UTF-8",
                   label);
        return BAD_REQUEST;
    }
    st = parse(&in, bytes);
    if (st) return st;
    if (out_table->n_name == 0 && faults->total == before)
        faults_add(faults, NULL, NULL, "%sthe file is empty", label);
    check_names(out_table, faults);
    return faults->total == before ? OK : BAD_REQUEST;
}

void csv_table_done(struct csv_table *table)
{
    buf_done(&table->text);
    buf_done(&table->cells);
    buf_done(&table->rows);
    *table = (struct csv_table){0};
}

const char *csv_table_name(const struct csv_table *table, size_t column)
{
    size_t shift = table->n_column - table->n_name;

    return column < shift ? "" : text_at(table, table->names[column - shift]);
}

size_t csv_table_column(const struct csv_table *table, const char *name)
{
    for (size_t i = 0; i < table->n_column; i++) {
        if (strcasecmp(csv_table_name(table, i), name) == 0) return i;
    }
    return CSV_TABLE_NONE;
}

const char *csv_table_cell(const struct csv_table *table, size_t row, size_t column)
{
    const size_t *cells = (const size_t *)(const void *)table->cells.data;

    return text_at(table, cells[row * table->n_column + column]);
}

size_t csv_table_row_number(const struct csv_table *table, size_t row)
{
    return ((const size_t *)(const void *)table->rows.data)[row];
}
