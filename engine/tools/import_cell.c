/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading cells. A number is what strtod takes of digits, a point and an exponent: the words that
 * strtod also knows (nan, inf) and hexadecimal are refused before it sees them. The process must
 * keep LC_NUMERIC at "C", which is where a program starts. */
#include "tools/import_format.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *import_text(const struct import *in, size_t row, size_t column)
{
    return column == CSV_TABLE_NONE ? "" : csv_table_cell(in->table, row, column);
}

const char *import_value(const struct import *in, size_t row, size_t column)
{
    const char *text = import_text(in, row, column);

    return strcmp(text, "NA") == 0 ? "" : text;
}

static bool number_of(const char *text, double *out)
{
    char *end;
    double value;

    if (!*text || text[strspn(text, "0123456789.+-eE")]) return false;
    value = strtod(text, &end);
    if (*end || !isfinite(value)) return false;
    *out = value;
    return true;
}

bool import_peek(const struct import *in, size_t row, size_t column, double *out)
{
    return number_of(import_value(in, row, column), out);
}

void import_fault(struct import *in, size_t row, size_t column, const char *fmt, ...)
{
    const char *name = column == CSV_TABLE_NONE ? NULL : csv_table_name(in->table, column);
    const char *id = import_text(in, row, in->id);
    char text[FAULT_TEXT];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (name && *name)
        faults_add(in->faults, id, name, "row %zu, column %s: %s",
                   csv_table_row_number(in->table, row), name, text);
    else if (name)
        faults_add(in->faults, id, NULL, "row %zu, column %zu: %s",
                   csv_table_row_number(in->table, row), column + 1, text);
    else
        faults_add(in->faults, id, NULL, "row %zu: %s", csv_table_row_number(in->table, row), text);
}

bool import_number(struct import *in, size_t row, size_t column, double *out)
{
    const char *text = import_value(in, row, column);

    if (number_of(text, out)) return true;
    if (!*text)
        import_fault(in, row, column, "the cell is empty");
    else if (strchr(text, ','))
        import_fault(in, row, column, "not a number: \"%s\" (write the decimal point as a point)",
                     text);
    else
        import_fault(in, row, column, "not a number: \"%s\"", text);
    return false;
}

size_t import_numbers(struct import *in, size_t row, size_t s, size_t first, double *out)
{
    const size_t *columns = in->series[s];
    size_t n = 0;
    size_t k = first;

    for (; k < IMPORT_NUMBERS && columns[k] != CSV_TABLE_NONE; k++) {
        if (!*import_value(in, row, columns[k])) break;
        if (import_number(in, row, columns[k], &out[n])) n++;
    }
    for (size_t later = k + 1; later < IMPORT_NUMBERS; later++) {
        if (!*import_value(in, row, columns[later])) continue;
        import_fault(in, row, columns[later], "column %s%zu before it is empty or missing",
                     in->format->series[s], k);
        break;
    }
    return n;
}

size_t import_need_numbers(struct import *in, size_t row, size_t s, size_t first, double *out)
{
    size_t before = in->faults->total;
    size_t n = import_numbers(in, row, s, first, out);

    if (n == 0 && in->faults->total == before) {
        import_fault(in, row, in->series[s][first], "the cell is empty");
    }
    return n;
}
