/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "irt/bank.h"
#include "tools/import.h"
#include "tools/item_reader.h"

#include <criterion/criterion.h>

static struct imported import(const char *csv)
{
    struct import_options options = {0};
    struct imported imported = {0};
    struct faults faults = {0};

    cr_assert_eq(import_csv(slice_str(csv), &options, &imported, &faults), OK);
    return imported;
}

Test(item_reader, makes_a_bank_of_imported_items)
{
    struct imported imported = import("id,model,a,b\nq,2PL,1.25,-0.5\nr,2PL,0.75,0.385\n");
    struct item_reader *reader = item_reader_new(2, 1.702);
    struct faults faults = {0};
    struct bank *bank = NULL;

    for (size_t i = 0; i < 2; i++) {
        item_reader_add_bytes(reader, imported_item(&imported, i), &faults);
    }
    cr_assert_eq(item_reader_finish(reader, &bank, &faults), OK);
    item_reader_free(reader);
    cr_assert_eq(bank_n_item(bank), 2);
    cr_expect_str_eq(bank_id(bank, 1), "r");
    cr_expect_float_eq(bank_item(bank, 1)->a, 1.702 * 0.75, 1e-15);
    bank_free(bank);
    imported_done(&imported);
}

Test(item_reader, names_what_is_wrong)
{
    struct imported imported = import("id,model,a,b\nq,2PL,-1.25,-0.5\nr,2PL,0.75,0.385\n");
    struct item_reader *reader = item_reader_new(1, 1.0);
    struct faults faults = {0};
    struct bank *bank = NULL;

    for (size_t i = 0; i < 2; i++) {
        item_reader_add_bytes(reader, imported_item(&imported, i), &faults);
    }
    item_reader_add_bytes(reader, slice_str("\xc1"), &faults);
    cr_expect_eq(item_reader_finish(reader, &bank, &faults), INVALID_BANK);
    cr_expect_null(bank);
    cr_assert_eq(faults.n, 3);
    cr_expect_str_eq(faults.list[0].item, "q");
    cr_expect_str_eq(faults.list[1].text, "there are more than the 1 items promised");
    faults_done(&faults);
    item_reader_free(reader);
    imported_done(&imported);
}
