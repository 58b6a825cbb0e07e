/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake_pq.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct pg_statement statements[] = {
    {.sql = "SELECT 1"},
    {.sql = "SELECT $1, $2", .n_param = 2, .type = {PG_INT8, PG_TEXT}},
};

static struct pg pg;
static struct fault fault;

static void start(void)
{
    fake_start();
    pg = (struct pg){.statements = statements};
    fault = (struct fault){0};
    cr_assert_eq(pg_connect(&pg, "host=a,b", &fault), OK);
}

static void stop(void)
{
    pg_disconnect(&pg);
    fake_stop();
}

TestSuite(pg, .init = start, .fini = stop);

static enum status run(unsigned number)
{
    struct pg_call call = {.number = number, .param = {slice_str("12345678"), slice_str("text")}};
    PGresult *rows = NULL;
    enum status st = pg_run(&pg, &call, &rows, &fault);

    cr_expect_eq(rows == NULL, st != OK);
    PQclear(rows);
    return st;
}

static const char *value_of(const char *key)
{
    const char *value = NULL;

    for (size_t i = 0; fake.keys[i]; i++) {
        if (strcmp(fake.keys[i], key) == 0) value = fake.values[i];
    }
    return value;
}

/* What the administrator says stands behind the defaults, and so over them. */
Test(pg, connects_to_whom_takes_writes)
{
    size_t n = 0;

    cr_expect_str_eq(value_of("target_session_attrs"), "read-write");
    cr_expect_str_eq(value_of("connect_timeout"), "3");
    cr_expect_null(value_of("passfile"));
    while (fake.keys[n]) n++;
    cr_expect_str_eq(fake.keys[n - 1], "dbname");
    cr_expect_str_eq(fake.values[n - 1], "host=a,b");
}

Test(pg, takes_the_passfile_that_systemd_gives)
{
    char folder[] = "/tmp/thetad-test-XXXXXX", path[64];
    FILE *file;

    cr_assert_not_null(mkdtemp(folder));
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    cr_assert_eq(pg_connect(&pg, "host=a", &fault), OK);
    cr_expect_null(value_of("passfile"));
    snprintf(path, sizeof(path), "%s/pgpass", folder);
    file = fopen(path, "w");
    cr_assert_not_null(file);
    fclose(file);
    cr_assert_eq(pg_connect(&pg, "host=a", &fault), OK);
    cr_expect_not_null(value_of("passfile"));
    remove(path);
    remove(folder);
}

Test(pg, reads_urls)
{
    static const struct {
        const char *url, *says;  // NULL: it is good
    } urls[] = {
        {"host=10.0.0.21,10.0.0.22,10.0.0.23 dbname=thetad user=thetad sslmode=verify-full", NULL},
        {"host=a,b port=5432,5433 passfile=/etc/thetad/pgpass", NULL},
        {"postgresql://thetad@a:5432,b:5433/thetad?target_session_attrs=read-write", NULL},
        {"", NULL},
        {"host=a password=secret", "passfile"},
        {"postgresql://thetad:secret@a/thetad", "passfile"},
        {"host", "PostgreSQL: missing"},
        {"hosts=a,b", "hosts"},
        {"host='a", "PostgreSQL: unterminated"},
        {"postgresql://[::1/x", "PostgreSQL: "},
    };

    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        bool good = pg_url_is_good(urls[i].url, &fault);

        cr_expect_eq(good, urls[i].says == NULL, "%s", urls[i].url);
        if (good) continue;
        cr_expect(strstr(fault.text, urls[i].says), "%s: %s", urls[i].url, fault.text);
        cr_expect_null(strstr(fault.text, "secret"));
        cr_expect_null(strchr(fault.text, '\n'));
    }
}

Test(pg, cannot_connect)
{
    static const enum fake_call calls[] = {FAKE_NO_MEMORY, FAKE_CONNECT, FAKE_NONBLOCKING};

    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        fake.fails = calls[i];
        fault = (struct fault){0};
        cr_expect_eq(pg_connect(&pg, "host=a", &fault), IO_ERROR);
        cr_expect_null(pg.conn);
        cr_expect(strstr(fault.text, "PostgreSQL: "), "%s", fault.text);
        fake.after = 0;
    }
    cr_expect_eq(run(0), IO_ERROR);
    cr_expect_str_eq(fault.text, "PostgreSQL: there is no connection");
    cr_expect_eq(pg_execute(&pg, "SELECT 1", &fault), IO_ERROR);
    cr_expect_eq(pg_socket(&pg), -1);
    cr_expect_not(pg_was_notified(&pg));
}

Test(pg, prepares_once)
{
    cr_expect_eq(run(1), OK);
    cr_expect_eq(run(1), OK);
    cr_expect_eq(run(0), OK);
    cr_expect_eq(fake.n_prepare, 2);
    cr_expect_eq(fake.n_run, 3);
    cr_expect(slice_equal_str(buf_slice(&fake.param[1]), "text"));
    /* A new connection knows nothing. */
    cr_assert_eq(pg_connect(&pg, "host=a", &fault), OK);
    cr_expect_eq(run(1), OK);
    cr_expect_eq(fake.n_prepare, 3);
}

/* Whatever fails, in the first or the second of the two exchanges that a statement has: its outcome
 * is unknown, and there is no connection any more. */
Test(pg, lets_go_of_what_failed)
{
    static const struct {
        enum fake_call call;
        enum status status;
    } ways[] = {
        {FAKE_PREPARE, IO_ERROR}, {FAKE_QUERY, IO_ERROR},     {FAKE_FLUSH, IO_ERROR},
        {FAKE_BLOCKED, IO_ERROR}, {FAKE_CONSUME, IO_ERROR},   {FAKE_SILENT, IO_ERROR},
        {FAKE_REFUSED, IO_ERROR}, {FAKE_NO_TABLE, NOT_FOUND}, {FAKE_WARNED, IO_ERROR},
        {FAKE_CLOSED, IO_ERROR},
    };

    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        for (int after = 0; after < 2; after++) {
            bool once = after > 0 && (ways[i].call == FAKE_PREPARE || ways[i].call == FAKE_QUERY);

            fake.fails = FAKE_NONE;
            cr_assert_eq(pg_connect(&pg, "host=a", &fault), OK);
            fake.fails = ways[i].call;
            fake.after = once ? 0 : after;
            fault = (struct fault){0};
            cr_expect_eq(run(1), ways[i].status, "%d after %d", (int)ways[i].call, after);
            cr_expect_null(pg.conn);
            cr_expect(fault.text[0]);
        }
    }
}

Test(pg, gives_up_when_it_is_to_end)
{
    atomic_bool quit = true;

    pg.quit = &quit;
    cr_expect_eq(run(0), IO_ERROR);
    cr_expect_null(pg.conn);
}

Test(pg, executes_text)
{
    cr_expect_eq(pg_execute(&pg, "BEGIN", &fault), OK);
    cr_expect_str_eq(fake.sql, "BEGIN");
    fake.fails = FAKE_NO_TABLE;
    cr_expect_eq(run(0), NOT_FOUND);
    cr_assert_eq(pg_connect(&pg, "host=a", &fault), OK);
    fake.fails = FAKE_REFUSED;
    fake.after = 0;
    cr_expect_eq(pg_execute(&pg, "COMMIT", &fault), IO_ERROR);
    cr_expect_str_eq(fault.text, "PostgreSQL: ERROR:  it will not");
    cr_expect_null(pg.conn);
}

/* An engine that has no LISTEN refuses it, and is as good as before. */
Test(pg, listens)
{
    cr_expect_eq(pg_listen(&pg, "news", &fault), OK);
    cr_expect_str_eq(fake.sql, "LISTEN news");
    cr_expect_geq(pg_socket(&pg), 0);
    cr_expect_not(pg_was_notified(&pg));
    fake.n_notification = 3;
    cr_expect(pg_was_notified(&pg));
    cr_expect_not(pg_was_notified(&pg));
    fake.fails = FAKE_REFUSED;
    cr_expect_eq(pg_listen(&pg, "news", &fault), OK);
    cr_expect_not_null(pg.conn);
    fake.fails = FAKE_CONSUME;
    fake.after = 0;
    cr_expect_not(pg_was_notified(&pg));
    cr_expect_null(pg.conn);
    cr_expect_eq(pg_listen(&pg, "news", &fault), IO_ERROR);
    fake.fails = FAKE_NONE;
    cr_assert_eq(pg_connect(&pg, "host=a", &fault), OK);
    fake.fails = FAKE_SILENT;
    cr_expect_eq(pg_listen(&pg, "news", &fault), IO_ERROR);
    cr_expect_null(pg.conn);
}

Test(pg, reads_integers)
{
    struct fake_field row[] = {fake_int4(0xfffffff6), fake_int8(1234567890123), fake_text("abc"),
                               fake_bytes(NULL, 0)};
    struct pg_call call = {.number = 0};
    PGresult *rows;

    fake.rows = (struct fake_rows){row, 1, 4};
    cr_assert_eq(pg_run(&pg, &call, &rows, &fault), OK);
    cr_expect_eq(pg_int(rows, 0, 0), -10);
    cr_expect_eq(pg_int(rows, 0, 1), 1234567890123);
    cr_expect_eq(pg_int(rows, 0, 2), 0);
    cr_expect_eq(pg_int(rows, 0, 3), 0);
    cr_expect(slice_equal_str(pg_bytes(rows, 0, 2), "abc"));
    PQclear(rows);
}

Test(pg, writes_arrays)
{
    static const uint8_t empty[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25};
    static const uint8_t two[] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 2, 0, 0,
                                  0, 1, 0, 0, 0, 4, 0, 0, 1, 2, 0, 0,  0, 4, 0, 0, 0, 9};
    struct buf out = {0};

    pg_array(&out, PG_TEXT, 0);
    cr_assert_eq(out.n, sizeof(empty));
    cr_expect_arr_eq(out.data, empty, sizeof(empty));
    buf_clear(&out);
    pg_array(&out, PG_INT4, 2);
    pg_element_int4(&out, 258);
    pg_element_int4(&out, 9);
    cr_assert_eq(out.n, sizeof(two));
    cr_expect_arr_eq(out.data, two, sizeof(two));
    buf_done(&out);
}
