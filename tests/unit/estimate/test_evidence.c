/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/evidence.h"

#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>

enum { N = 23, N_NODE = 9 };

Test(evidence, keeps_the_likelihood_of_all_answers)
{
    struct dice dice = dice_new("evidence", 701);
    struct bank *bank = bank_random(&dice, N);
    uint32_t item[N];
    uint8_t score[N];
    double loglik[N_NODE] = {0}, node[N_NODE], theta[N_NODE], want[N_NODE];
    struct evidence evidence = {.bank = bank,
                                .item = item,
                                .score = score,
                                .grid = {.min = -3.0, .max = 3.5, .n_node = N_NODE},
                                .loglik = loglik};

    grid_nodes(&evidence.grid, theta);
    for (uint32_t i = 0; i < N; i++) {
        unsigned k = (unsigned)dice_below(&dice, bank_item(bank, i)->n_cat);

        evidence_add(&evidence, i, k, node);
        cr_assert(evidence.n == i + 1 && item[i] == i && score[i] == k);
        evidence_loglik(&evidence, theta, N_NODE, want);
        for (size_t q = 0; q < N_NODE; q++)
            expect_bits(loglik[q], want[q], "%u answers, node %zu", i + 1, q);
    }
    evidence_clear(&evidence);
    cr_expect(evidence.n == 0);
    for (size_t q = 0; q < N_NODE; q++) expect_bits(loglik[q], 0.0, "cleared, node %zu", q);
    bank_free(bank);
}

/* From a table of the bank the same bits; of another grid it is not used. */
Test(evidence, keeps_the_same_likelihood_from_a_table)
{
    struct dice dice = dice_new("table", 703);
    struct bank *bank = bank_random(&dice, N);
    struct grid grid = {.min = -3.0, .max = 3.5, .n_node = N_NODE}, other = grid;
    uint32_t item[N];
    uint8_t score[N];
    double loglik[N_NODE] = {0}, node[N_NODE], theta[N_NODE], want[N_NODE];
    struct evidence evidence = {
        .bank = bank, .item = item, .score = score, .grid = grid, .loglik = loglik};
    struct answer_table *table;

    cr_assert(answer_table_new(bank, &grid, &table) && table);
    other.max = 3.6;
    cr_expect(!answer_table_row(table, &other, 0, 0) && !answer_table_row(NULL, &grid, 0, 0));
    cr_expect(answer_table_row(table, &grid, 1, 0) != NULL);
    evidence.table = table;
    grid_nodes(&grid, theta);
    for (uint32_t i = 0; i < N; i++) {
        evidence_add(&evidence, i, (unsigned)dice_below(&dice, bank_item(bank, i)->n_cat), node);
        evidence_loglik(&evidence, theta, N_NODE, want);
        for (size_t q = 0; q < N_NODE; q++) {
            expect_bits(loglik[q], want[q], "%u answers, node %zu", i + 1, q);
        }
    }
    answer_table_free(table);
    answer_table_free(NULL);
    bank_free(bank);
}

Test(evidence, likelihood_is_the_sum_over_answers)
{
    struct dice dice = dice_new("sum", 709);
    struct bank *bank = bank_random(&dice, N);
    uint32_t item[N];
    uint8_t score[N];
    struct evidence evidence = {.bank = bank, .item = item, .score = score};
    double theta = 0.385, loglik, sum = 0.0;

    for (uint32_t i = 0; i < N; i++) {
        const struct item *it = bank_item(bank, i);

        evidence_add(&evidence, i, it->n_cat - 1, NULL);
        sum += it->model->log_prob(it, it->n_cat - 1, theta);
    }
    evidence_loglik(&evidence, &theta, 1, &loglik);
    expect_bits(loglik, sum, "log-likelihood");
    bank_free(bank);
}
