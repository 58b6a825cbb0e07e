/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plot item, plot test. */
#include "clients/cli/test_source.h"
#include "tools/test_plot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Where the picture goes; NULL, told on stderr, where that cannot be opened. */
static FILE *open_out(const struct args *args)
{
    const char *path = args->options[OPTION_OUT_FILE];
    FILE *out = path ? fopen(path, "w") : stdout;

    if (!out) cli_fail(EX_CANTCREAT, "%s: %s", path, strerror(errno));
    return out;
}

static int close_out(const struct args *args, FILE *out)
{
    const char *path = args->options[OPTION_OUT_FILE];
    bool failed = fflush(out) != 0 || ferror(out);

    if (path) failed = fclose(out) != 0 || failed;
    if (failed) return cli_fail(EX_IOERR, "%s: cannot write", path ? path : "standard output");
    return EX_OK;
}

/* The items called names[n] into item; told on stderr where one is not there. */
static int find_items(const struct test_source *source, const char *const *names, size_t n,
                      uint32_t *item)
{
    for (size_t i = 0; i < n; i++) {
        long found = bank_find(source->bank, slice_str(names[i]));

        if (found < 0)
            return cli_fail(EX_DATAERR, "bank %s has no item %s", source->label, names[i]);
        item[i] = (uint32_t)found;
    }
    return EX_OK;
}

/* The first operand is the bank's name, unless the bank is a file. */
static int run_item(struct cli *cli, const struct args *args)
{
    size_t first = args->options[OPTION_BANK_FILE] ? 0 : 1;
    size_t n = args->n_operand - first;
    struct test_source source = {0};
    uint32_t item[ARGS_OPERANDS];
    FILE *out = NULL;
    int code;

    if (n == 0) return cli_fail(EX_USAGE, "say which items are to be drawn");
    code = test_source_load_bank(cli, args, args->operands[0], &source);
    if (!code) code = find_items(&source, args->operands + first, n, item);
    if (!code) {
        out = open_out(args);
        if (!out) code = EX_CANTCREAT;
    }
    if (!code) {
        plot_items(source.bank, item, n, out);
        code = close_out(args, out);
    }
    test_source_done(&source);
    return code;
}

static int run_test(struct cli *cli, const struct args *args)
{
    struct test_source source = {0};
    FILE *out = NULL;
    int code = test_source_load(cli, args, args->operands[0], &source);

    if (!code) {
        out = open_out(args);
        if (!out) code = EX_CANTCREAT;
    }
    if (!code) {
        enum status st = plot_test(source.plan, out);

        code = close_out(args, out);
        if (st) code = cli_fail(EX_OSERR, "no memory");
    }
    test_source_done(&source);
    return code;
}

const struct command command_plot_item = {
    .name = "plot item",
    .operands = "[BANK] ITEM...",
    .n_operand = 1,
    .max_operand = ARGS_OPERANDS,
    .about = "Response curves and information of items, as SVG",
    .details = "With --bank FILE the bank is read from that file and BANK is left out.\n\n"
               "Examples:\n  theta plot item algebra q17 q18 --out items.svg\n"
               "  theta plot item --bank algebra.csv q17 > q17.svg",
    .options = {OPTION_BANK_FILE, OPTION_FORMAT, OPTION_MODEL, OPTION_D, OPTION_OUT_FILE},
    .n_option = 5,
    .run = run_item,
};

const struct command command_plot_test = {
    .name = "plot test",
    .operands = "[TEST]",
    .max_operand = 1,
    .about = "Information and standard error that a test's bank allows, as SVG",
    .details =
        "Of the whole bank, and of the best items at each theta, as many as the test asks at "
        "most. With --bank and --document no daemon is needed and TEST is left out.\n\n"
        "Examples:\n  theta plot test algebra-6 --out algebra-6.svg\n"
        "  theta plot test --bank algebra.csv --document algebra-6.json > algebra-6.svg",
    .options = {TEST_SOURCE_OPTIONS, OPTION_OUT_FILE},
    .n_option = TEST_SOURCE_N_OPTION + 1,
    .run = run_test,
};
