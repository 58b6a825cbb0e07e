/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/csv_table.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct csv_table read_good(const char *text)
{
    struct faults faults = {0};
    struct csv_table table;
    enum status st = csv_table_read(slice_str(text), "", &table, &faults);

    cr_assert_eq(st, OK, "%s", faults.n ? faults.list[0].text : "");
    cr_expect_eq(faults.total, 0);
    faults_done(&faults);
    return table;
}

static void expect_bad(struct slice bytes, const char *text)
{
    struct faults faults = {0};
    struct csv_table table;

    cr_expect_eq(csv_table_read(bytes, "attributes ", &table, &faults), BAD_REQUEST);
    cr_assert_eq(faults.total, 1, "%zu faults", faults.total);
    cr_expect_str_eq(faults.list[0].text, text);
    faults_done(&faults);
    csv_table_done(&table);
}

static void expect_cells(const char *text)
{
    struct csv_table table = read_good(text);

    cr_assert_eq(table.n_row, 2);
    cr_assert_eq(table.n_column, 3);
    cr_expect_str_eq(csv_table_name(&table, 0), "id");
    cr_expect_eq(csv_table_column(&table, "B"), 1);
    cr_expect_eq(csv_table_column(&table, "x"), CSV_TABLE_NONE);
    cr_expect_str_eq(csv_table_cell(&table, 0, 0), "q1");
    cr_expect_str_eq(csv_table_cell(&table, 0, 1), "2.385");
    cr_expect_str_eq(csv_table_cell(&table, 1, 2), "w");
    csv_table_done(&table);
}

Test(csv_table, reads_every_separator_and_line_end)
{
    expect_cells("id,b,c\nq1,2.385,v\nq2,,w\n");
    expect_cells("id,b,c\r\nq1,2.385,v\r\nq2,,w\r\n");
    expect_cells("id,b,c\rq1,2.385,v\rq2,,w");
    expect_cells("id\tb\tc\nq1\t2.385\tv\nq2\t\tw");
    expect_cells("id;b;c\nq1;2.385;v\nq2;;w");
    expect_cells("\"id\" b  c\n  q1 2.385 \"v\" \nq2 \"\" w\n");
    expect_cells("\xef\xbb\xbfid,b,c\nq1, 2.385 ,v\nq2,,w\n");
}

Test(csv_table, unquotes_cells)
{
    struct csv_table table = read_good("id,\"a, \"\"b\"\"\"\nq,\"two\nlines, one cell\"\n");

    cr_expect_str_eq(csv_table_name(&table, 1), "a, \"b\"");
    cr_expect_str_eq(csv_table_cell(&table, 0, 1), "two\nlines, one cell");
    csv_table_done(&table);
}

Test(csv_table, counts_rows_as_a_spreadsheet_does)
{
    struct csv_table table = read_good("\r\nid,b\r\n\r\nq1,1\r\n,\r\nq2,\"x\r\ny\"\r\nq3,3\r\n");

    cr_assert_eq(table.n_row, 3);
    cr_expect_eq(csv_table_row_number(&table, 0), 4);
    cr_expect_eq(csv_table_row_number(&table, 1), 6);
    cr_expect_eq(csv_table_row_number(&table, 2), 7);
    csv_table_done(&table);
}

Test(csv_table, takes_row_names_of_write_table)
{
    struct csv_table table = read_good("\"a\" \"b\"\n\"Item 1\" 1.1 -2\n\"Item 2\" 1 NA\n");

    cr_assert_eq(table.n_column, 3);
    cr_expect_str_eq(csv_table_name(&table, 0), "");
    cr_expect_str_eq(csv_table_name(&table, 2), "b");
    cr_expect_str_eq(csv_table_cell(&table, 1, 0), "Item 2");
    cr_expect_str_eq(csv_table_cell(&table, 1, 2), "NA");
    csv_table_done(&table);
}

Test(csv_table, refuses)
{
    expect_bad(slice_str(""), "attributes the file is empty");
    expect_bad(slice_str("\n\n"), "attributes the file is empty");
    expect_bad(slice_of("a\0b", 3),
               "attributes the file is not UTF-8 text: save it as CSV in UTF-8");
    expect_bad(slice_str("a,\xff\n"),
               "attributes the file is not UTF-8 text: save it as CSV in UTF-8");
    expect_bad(slice_str("id,b\nq,1,5\n"), "attributes row 2: 3 cells, the header has 2 (a decimal "
                                           "comma? row names without a name?)");
    expect_bad(slice_str("id,b,c\nq,1\n"), "attributes row 2: 2 cells, the header has 3");
    expect_bad(slice_str("id,b\nq,1\nr,\"2\n"),
               "attributes row 3: a quote that is never closed, or text beside a quoted cell");
    expect_bad(slice_str("id,b\nq,\"1\"2\n"),
               "attributes row 2: a quote that is never closed, or text beside a quoted cell");
    expect_bad(slice_str("id,b,B\nq,1,2\n"), "attributes column B stands twice");
    expect_bad(slice_str("id,,b\nq,1,2\n"), "attributes column 2 has no name");
}

Test(csv_table, refuses_too_many_columns)
{
    struct buf text = {0};

    for (int i = 0; i < CSV_TABLE_COLUMNS; i++) {
        char name[16];
        int n = snprintf(name, sizeof(name), "%sc%d", i ? "," : "", i);

        buf_append(&text, name, (size_t)n);
    }
    expect_bad(buf_slice(&text), "attributes row 1: 4096 columns, at most 4095");
    buf_done(&text);
}
