/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients/cli/text_table.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

/* Prints and frees the table. */
static void expect_print(struct text_table *table, size_t width, const char *wanted)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    text_table_print(table, width, out);
    fclose(out);
    cr_expect_str_eq(text, wanted);
    free(text);
    text_table_done(table);
}

Test(text_table, aligns_columns)
{
    struct text_table table;

    text_table_init(&table, "lrl");
    text_table_cell(&table, "item");
    text_table_cell(&table, "a");
    text_table_cell(&table, "words");
    text_table_cell(&table, "q%d", 17);
    text_table_number(&table, 3, -2.385);
    text_table_cell(&table, "one");
    text_table_cell(&table, "größer");
    text_table_number(&table, 3, NAN);
    text_table_cell(&table, "two");
    expect_print(&table, 80,
                 "item         a  words\n"
                 "q17     -2.385  one\n"
                 "größer       -  two\n");
}

Test(text_table, breaks_the_last_column_between_words)
{
    struct text_table table;

    text_table_init(&table, "ll");
    text_table_cell(&table, "field");
    text_table_cell(&table, "a text that is too long for one line of a terminal");
    text_table_cell(&table, "x");
    text_table_cell(&table, "short");
    expect_print(&table, 30,
                 "field  a text that is too long\n"
                 "       for one line of a\n"
                 "       terminal\n"
                 "x      short\n");
}

Test(text_table, hides_columns_that_have_only_a_header)
{
    const char *const cells[] = {"item", "set", "b", "tags", "q1", "", "1", "", "q2", "", "2", ""};
    struct text_table table;

    for (int hide = 0; hide < 2; hide++) {
        text_table_init(&table, "llrl");
        table.hide_empty = hide;
        for (size_t i = 0; i < COUNT_OF(cells); i++) text_table_cell(&table, "%s", cells[i]);
        expect_print(&table, 80,
                     hide ? "item  b\nq1    1\nq2    2\n"
                          : "item  set  b  tags\nq1         1  \nq2         2  \n");
    }
}

static void expect_lines(const char *text, const char *wanted)
{
    char *printed = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&printed, &n);

    text_print_lines(slice_str(text), 3, out);
    fclose(out);
    cr_expect_str_eq(printed, wanted);
    free(printed);
}

Test(text_table, prints_lines)
{
    expect_lines("one", "one");
    expect_lines("one\ntwo\r\n\nfour\n", "one\n   two\n   \n   four");
    expect_lines("a\x1b[2J\nb\tc\rd", "a?[2J\n   b?c?d");
    expect_lines("", "");
}

Test(text_table, disarms_control_characters)
{
    struct text_table table;

    text_table_init(&table, "l");
    text_table_slice(&table, slice_str("a\x1b[2Jb\tc\xc2\x9b"
                                       "d\x7f\xc3\xa4"));
    expect_print(&table, 80, "a?[2Jb?c?d?\xc3\xa4\n");
}
