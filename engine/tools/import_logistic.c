/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of the 1PL to 4PL a table of a, b, c, d is: other programs do not say. */
#include "tools/import_format.h"

#include <stdio.h>
#include <string.h>

/* Each model has the parameters of those before it. The comparisons are exact on purpose: a fixed
 * parameter is written 1 or 0. */
static const struct rank {
    const char *model, *reason;
} ranks[] = {
    {"1PL", "every a and d is 1 and every c is 0"},
    {"2PL", "every c is 0 and every d is 1"},
    {"3PL", "every d is 1"},
    {"4PL", "some d is not 1"},
};

static size_t rank_of_row(const struct import *in, size_t row,
                          const struct import_logistic *columns)
{
    double value;

    if (import_peek(in, row, columns->d, &value) && value != 1.0) return 3;
    if (import_peek(in, row, columns->c, &value) && value != 0.0) return 2;
    if (import_peek(in, row, columns->a, &value) && value != 1.0) return 1;
    return 0;
}

static void take_asked(struct import *in, const char *asked, size_t least)
{
    size_t rank = 0;

    in->logistic = asked;
    while (rank < COUNT_OF(ranks) && strcmp(ranks[rank].model, asked) != 0) rank++;
    if (rank == COUNT_OF(ranks)) {
        faults_add(in->faults, NULL, "model", "model %s is none of 1PL, 2PL, 3PL, 4PL", asked);
    } else if (rank < least) {
        faults_add(in->faults, NULL, "model", "the table does not fit a %s, it takes a %s", asked,
                   ranks[least].model);
    }
}

void import_plan_logistic(struct import *in, const struct import_logistic *columns,
                          const char *asked)
{
    size_t least = 0, n = 0;

    for (size_t row = 0; row < in->table->n_row; row++) {
        size_t rank;

        if (!*import_value(in, row, columns->b)) continue;
        rank = rank_of_row(in, row, columns);
        if (rank > least) least = rank;
        n++;
    }
    if (asked) {
        take_asked(in, asked, least);
        return;
    }
    in->logistic = ranks[least].model;
    if (n == 0) return;
    snprintf(in->note, sizeof(in->note), "model %s: %s", in->logistic, ranks[least].reason);
}

bool import_read_logistic(struct import *in, size_t row, const struct import_logistic *columns,
                          double abcd[4])
{
    bool good = import_number(in, row, columns->a, &abcd[0]);

    good = import_number(in, row, columns->b, &abcd[1]) && good;
    abcd[2] = 0.0;
    abcd[3] = 1.0;
    if (columns->c != CSV_TABLE_NONE) good = import_number(in, row, columns->c, &abcd[2]) && good;
    if (columns->d != CSV_TABLE_NONE) good = import_number(in, row, columns->d, &abcd[3]) && good;
    return good;
}

void import_put_logistic(const struct import *in, const double abcd[4], struct draft *draft)
{
    char rank = in->logistic[0];

    draft->model = in->logistic;
    if (rank >= '2') draft_number(draft, "a", abcd[0]);
    draft_number(draft, "b", abcd[1]);
    if (rank >= '3') draft_number(draft, "c", abcd[2]);
    if (rank >= '4') draft_number(draft, "d", abcd[3]);
}
