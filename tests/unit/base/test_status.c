/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/status.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct row {
    const char *name;
    int number;
    const char *code;
    bool retry;
} rows[] = {
#define ROW(name, number, code, retry) {#name, number, code, retry},
    STATUS_LIST(ROW)
#undef ROW
};

/* What clients and the disk have seen must stay as it is, so it is written down once more. */
Test(status, numbers_and_codes_are_the_published_ones)
{
    static const char *const codes[] = {
        "ok",           "bad_request",  "unknown_op",      "forbidden",    "too_large",
        "unknown_bank", "unknown_test", "unknown_session", "unknown_item", "wrong_item",
        "bad_response", "stale_seq",    "conflict",        "finished",     "exists",
        "invalid_bank", "invalid_test", "exhausted",       "busy",         "retry",
        "draining",     "internal",
    };

    for (size_t i = 0; i < COUNT_OF(codes); i++)
        cr_expect_str_eq(status_code((enum status)i), codes[i]);
    cr_expect(NO_MEMORY == 100 && IO_ERROR == 101 && CORRUPT == 102 && NOT_FOUND == 103);
}

Test(status, every_row_is_told)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        enum status st = (enum status)rows[i].number;

        cr_expect_str_eq(status_code(st), rows[i].code, "%s", rows[i].name);
        cr_expect(status_retry(st) == rows[i].retry, "%s", rows[i].name);
        for (size_t j = 0; j < i; j++)
            cr_expect(rows[j].number != rows[i].number, "%s, %s", rows[i].name, rows[j].name);
    }
}

Test(status, only_what_may_pass_is_to_be_sent_again)
{
    cr_expect(status_retry(BUSY) && status_retry(RETRY) && status_retry(DRAINING));
    cr_expect(status_retry(NO_MEMORY) && status_retry(IO_ERROR));
    cr_expect(!status_retry(OK) && !status_retry(BAD_REQUEST) && !status_retry(CORRUPT));
}

Test(status, our_own_outcomes_are_internal_to_a_client)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].number < 100) continue;
        cr_expect_str_eq(status_code((enum status)rows[i].number), "internal");
    }
}
