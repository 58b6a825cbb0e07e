/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/log.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(log, a_value_stays_between_its_quotes)
{
    static const char hostile[] = "a\" level=error\nmsg=\"forged\\ \x7f\xc3\xa4";
    char out[LOG_VALUE];

    cr_expect_str_eq(log_value(slice_str("plain text 7.5:-"), out), "plain text 7.5:-");
    cr_expect_str_eq(log_value(slice_str(hostile), out),
                     "a\\x22 level=error\\x0amsg=\\x22forged\\x5c \\x7f\\xc3\\xa4");
    cr_expect_str_eq(log_value(slice_of("\0", 1), out), "\\x00");
    cr_expect_str_empty(log_value(slice_of(NULL, 0), out));
}

Test(log, a_long_value_is_cut)
{
    char long_text[1000], out[LOG_VALUE];

    memset(long_text, 1, sizeof(long_text));
    log_value(slice_of(long_text, sizeof(long_text)), out);
    cr_expect_lt(strlen(out), (size_t)LOG_VALUE);
    cr_expect_gt(strlen(out), (size_t)LOG_VALUE - 6);
    cr_expect_eq(strlen(out) % 4, 0);
}

/* Whatever a value holds, it is one line. */
Test(log, a_line_is_one_line)
{
    char text[4096] = "";
    int pipes[2], saved = dup(STDERR_FILENO);
    ssize_t n;

    cr_assert_eq(pipe(pipes), 0);
    dup2(pipes[1], STDERR_FILENO);
    log_set_level(LOG_INFO);
    log_line(LOG_WARN, "something", "value=%s", "a\nlevel=error\rb\033[2Jc");
    log_line(LOG_DEBUG, "unseen", "value=%d", 1);
    dup2(saved, STDERR_FILENO);
    close(pipes[1]);
    n = read(pipes[0], text, sizeof(text) - 1);
    cr_assert_gt(n, 0);
    cr_expect_eq(strchr(text, '\n'), text + n - 1, "%s", text);
    cr_expect(strstr(text, "value=a?level=error?b?[2Jc\n"), "%s", text);
}
