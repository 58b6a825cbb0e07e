/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients/cli/text_table.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { GAP = 2, LAST_MIN = 20 };  // between columns; the least that a broken last column gets

void text_table_init(struct text_table *table, const char *align)
{
    *table = (struct text_table){.n_column = strlen(align), .align = align};
    assert(table->n_column <= TEXT_TABLE_COLUMNS);
}

void text_table_done(struct text_table *table)
{
    buf_done(&table->text);
}

/* Whether a control character stands at the front of `text`: C0, DEL, or C1 in its two bytes. */
static bool is_control(struct slice text)
{
    uint8_t byte = text.data[0];

    if (byte == 0xc2) return text.n > 1 && text.data[1] < 0xa0;
    return byte < 0x20 || byte == 0x7f;
}

/* Append with control characters replaced, so that a text cannot steer the terminal. */
static void append_safe(struct buf *out, struct slice text)
{
    while (text.n > 0) {
        bool control = is_control(text);
        size_t n = control && text.data[0] == 0xc2 ? 2 : 1;

        buf_append(out, control ? "?" : (const char *)text.data, 1);
        text.data += n;
        text.n -= n;
    }
}

void text_table_slice(struct text_table *table, struct slice text)
{
    append_safe(&table->text, text);
    buf_append(&table->text, "", 1);
    table->n_cell++;
}

void text_table_cell(struct text_table *table, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    text_table_slice(table, slice_str(text));
}

void text_table_number(struct text_table *table, int decimals, double value)
{
    if (isnan(value))
        text_table_cell(table, "-");
    else
        text_table_cell(table, "%.*f", decimals, value);
}

size_t text_width(const char *text)
{
    size_t n = 0;

    for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

void text_print_safe(struct slice text, FILE *out)
{
    struct buf safe = {0};

    append_safe(&safe, text);
    if (safe.n > 0) fwrite(safe.data, 1, safe.n, out);
    buf_done(&safe);
}

static void print_blanks(size_t n, FILE *out)
{
    fprintf(out, "%*s", (int)n, "");
}

void text_print_lines(struct slice text, size_t indent, FILE *out)
{
    for (;;) {
        const uint8_t *end = text.n > 0 ? memchr(text.data, '\n', text.n) : NULL;
        size_t n = end ? (size_t)(end - text.data) : text.n;
        bool dos = end && n > 0 && text.data[n - 1] == '\r';

        text_print_safe(slice_of(text.data, n - dos), out);
        if (!end) return;
        text = slice_of(end + 1, text.n - n - 1);
        if (text.n == 0) return;  // the caller ends the last line
        fputc('\n', out);
        print_blanks(indent, out);
    }
}

/* Print words, going on at column `indent` whenever `room` columns are full. */
static void print_broken(const char *text, size_t indent, size_t room, FILE *out)
{
    size_t used = 0;

    while (*text) {
        size_t n = strcspn(text, " ");
        char word[512];
        size_t width;

        snprintf(word, sizeof(word), "%.*s", (int)n, text);
        width = text_width(word);
        if (used > 0 && used + 1 + width > room) {
            fputc('\n', out);
            print_blanks(indent, out);
            used = 0;
        }
        if (used > 0) fputc(' ', out);
        fputs(word, out);
        used += width + (used > 0);
        text += n;
        text += strspn(text, " ");
    }
}

/* Columns of width 0 are hidden. */
static void print_row(const struct text_table *table, const char *const *cells,
                      const size_t *widths, size_t width, FILE *out)
{
    size_t column = 0, n_column = table->n_column;

    while (n_column > 0 && widths[n_column - 1] == 0) n_column--;
    for (size_t i = 0; i < n_column; i++) {
        size_t pad = widths[i] - text_width(cells[i]);
        bool last = i + 1 == n_column;

        if (widths[i] == 0) continue;
        if (table->align[i] == 'r') print_blanks(pad, out);
        if (last && table->align[i] == 'l') {
            size_t room = width > column + LAST_MIN ? width - column : LAST_MIN;

            print_broken(cells[i], column, room, out);
        } else {
            fputs(cells[i], out);
        }
        if (!last) print_blanks((table->align[i] == 'l' ? pad : 0) + GAP, out);
        column += widths[i] + GAP;
    }
    fputc('\n', out);
}

/* The widest cell of each column; 0 hides it. */
static void measure(const struct text_table *table, size_t *out_widths)
{
    const char *text = (const char *)table->text.data;
    bool filled[TEXT_TABLE_COLUMNS] = {false};

    for (size_t i = 0; i < table->n_cell; i++) {
        size_t cell = text_width(text), column = i % table->n_column;

        if (cell > out_widths[column]) out_widths[column] = cell;
        if (i >= table->n_column && cell > 0) filled[column] = true;
        text += strlen(text) + 1;
    }
    for (size_t i = 0; i < table->n_column; i++) {
        if (table->hide_empty && !filled[i]) out_widths[i] = 0;
    }
}

void text_table_print(const struct text_table *table, size_t width, FILE *out)
{
    size_t widths[TEXT_TABLE_COLUMNS] = {0};
    const char *cells[TEXT_TABLE_COLUMNS];
    const char *text = (const char *)table->text.data;

    assert(table->n_cell % table->n_column == 0);
    if (table->text.failed) return;
    measure(table, widths);
    for (size_t i = 0; i < table->n_cell; i++) {
        cells[i % table->n_column] = text;
        text += strlen(text) + 1;
        if (i % table->n_column + 1 == table->n_column) {
            print_row(table, cells, widths, width, out);
        }
    }
}
