/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Importers of CSV tables. The first byte picks the format (0: found by the columns), the second
 * the model; a line of "%%" parts the table from the attributes. Items that come out are messages
 * that the daemon's decoder takes; where none come out, there is a reason. */
#include "irt/model.h"
#include "tests/fuzz/fuzz.h"
#include "tools/import.h"

#include <string.h>

static const char *pick_format(uint8_t byte)
{
    size_t n = 0;

    while (import_format_name(n)) n++;
    return byte % (n + 1) ? import_format_name(byte % (n + 1) - 1) : NULL;
}

static const char *pick_model(uint8_t byte)
{
    size_t n = 0;

    while (models[n]) n++;
    return byte % (n + 1) ? models[byte % (n + 1) - 1]->name : NULL;
}

static struct slice cut(struct slice *table)
{
    const uint8_t *mark = memmem(table->data, table->n, "\n%%\n", 4);
    struct slice rest = {0};

    if (!mark) return rest;
    rest = slice_of(mark + 4, table->n - (size_t)(mark + 4 - table->data));
    table->n = (size_t)(mark + 1 - table->data);
    return rest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct slice table = slice_of(data, n);
    struct import_options options = {.format = pick_format(fuzz_byte(&table))};
    struct imported imported = {0};
    struct faults faults = {0};

    options.model = pick_model(fuzz_byte(&table));
    options.attributes = cut(&table);
    if (import_csv(table, &options, &imported, &faults) == OK) {
        MUST(faults.total == 0);
        fuzz_taken();
        for (size_t i = 0; i < imported.n_item; i++) {
            struct prescan_error error;

            MUST(prescan(imported_item(&imported, i), &error));
        }
    } else {
        MUST(faults.total > 0 && imported.n_item == 0);
    }
    imported_done(&imported);
    faults_done(&faults);
    return 0;
}
