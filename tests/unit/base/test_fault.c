/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fault.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(fault, tells_item_field_and_text)
{
    struct faults faults = {0};

    faults_add(&faults, "q17", "a", "must be above 0, is %.17g", -2.385);
    faults_add(&faults, NULL, NULL, "the bank has no items");
    cr_assert(faults.n == 2 && faults.total == 2);
    cr_expect_str_eq(faults.list[0].item, "q17");
    cr_expect_str_eq(faults.list[0].field, "a");
    cr_expect(strncmp(faults.list[0].text, "must be above 0, is -2.38", 25) == 0);
    cr_expect_str_eq(faults.list[1].item, "");
    cr_expect_str_eq(faults.list[1].field, "");
    faults_done(&faults);
    cr_expect(!faults.list && faults.n == 0 && faults.total == 0);
}

Test(fault, cuts_what_does_not_fit)
{
    char longest[400];
    struct fault fault;

    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    fault_set(&fault, longest, longest, "%s", longest);
    cr_expect(strlen(fault.item) == LIMIT_ID);
    cr_expect(strlen(fault.field) == LIMIT_ID);
    cr_expect(strlen(fault.text) == FAULT_TEXT - 1);
}

Test(fault, keeps_the_first_thousand_and_counts_the_rest)
{
    struct faults faults = {0};

    for (int i = 0; i < LIMIT_FAULTS + 77; i++) faults_add(&faults, "q", NULL, "fault %d", i);
    cr_expect(faults.n == LIMIT_FAULTS && faults.total == LIMIT_FAULTS + 77);
    for (int i = 0; i < LIMIT_FAULTS; i++) {
        char text[32];

        snprintf(text, sizeof(text), "fault %d", i);
        cr_expect_str_eq(faults.list[i].text, text);
    }
    faults_done(&faults);
}
