/* SPDX-License-Identifier: GPL-3.0-or-later */
/* district init, upgrade: the tables of the shared store. */
#include "clients/cli/args.h"
#include "store/shared.h"

#include <stdio.h>

static int fail(enum status st, const struct fault *fault)
{
    int code = st == IO_ERROR ? EX_UNAVAILABLE : EX_DATAERR;

    return cli_fail(code, "%s", fault->text[0] ? fault->text : status_code(st));
}

static int run_init(struct cli *cli, const struct args *args)
{
    struct fault fault = {0};
    enum status st = shared_create(args->operands[0], &fault);

    (void)cli;
    if (st) return fail(st, &fault);
    printf("the shared store is made, version %d\n", SHARED_FORMAT);
    return EX_OK;
}

static int run_upgrade(struct cli *cli, const struct args *args)
{
    struct fault fault = {0};
    int64_t from = 0;
    enum status st = shared_upgrade(args->operands[0], &from, &fault);

    (void)cli;
    if (st) return fail(st, &fault);
    printf("the shared store is of version %d, was of version %lld\n", SHARED_FORMAT,
           (long long)from);
    return EX_OK;
}

const struct command command_district_init = {
    .name = "district init",
    .operands = "URL",
    .n_operand = 1,
    .about = "Make a district's shared store in an empty PostgreSQL database",
    .details = "URL is what [store] url of the nodes says, as libpq takes it; the password comes "
               "from a passfile. A server that could lose what it has acknowledged, or show a "
               "rotten page, is refused as by a node.\n\n"
               "Example:\n  theta district init 'postgresql://theta@db1,db2/theta'",
    .run = run_init,
};

const struct command command_district_upgrade = {
    .name = "district upgrade",
    .operands = "URL",
    .n_operand = 1,
    .about = "Bring the tables of a district's shared store to this version",
    .details = "Nothing is done where they are of it. Nodes refuse a store of another version, so "
               "this comes between the old daemons and the new ones.\n\n"
               "Example:\n  theta district upgrade 'postgresql://theta@db1,db2/theta'",
    .run = run_upgrade,
};
