/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/grid_prior.h"

#include "num/elementary.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>

enum { N_ITEM = 30, N_GIVEN = 12 };

/* The estimate with the prior worked out beforehand is the same to the bit. */
static void compare(struct dice *dice, const struct bank *bank, struct estimate_spec *spec,
                    struct estimate_workspace *workspace)
{
    uint32_t item[N_GIVEN];
    uint8_t score[N_GIVEN];
    double loglik[LIMIT_NODES];
    struct evidence evidence = {
        .bank = bank, .item = item, .score = score, .grid = spec->grid, .loglik = loglik};
    size_t n = dice_below(dice, N_GIVEN + 1);
    struct estimate with, without;
    struct grid_prior *prior;

    evidence_clear(&evidence);
    for (size_t j = 0; j < n; j++) {
        uint32_t i = (uint32_t)dice_below(dice, N_ITEM);

        evidence_add(&evidence, i, (unsigned)dice_below(dice, bank_item(bank, i)->n_cat),
                     workspace->node);
    }
    estimator_eap.solve(spec, &evidence, workspace, &without);
    cr_assert(grid_prior_new(spec, &prior) && prior);
    spec->grid_prior = prior;
    estimator_eap.solve(spec, &evidence, workspace, &with);
    spec->grid_prior = NULL;
    expect_true(num_bits(with.theta) == num_bits(without.theta) &&
                    num_bits(with.se) == num_bits(without.se),
                "%a %a, not %a %a", with.theta, with.se, without.theta, without.se);
    grid_prior_free(prior);
}

Test(grid_prior, changes_no_bit)
{
    struct dice dice = dice_new("grid_prior", 231);
    struct bank *bank = bank_random(&dice, N_ITEM);
    struct estimate_workspace *workspace = estimate_workspace_new();

    cr_assert(workspace);
    for (int t = 0; t < 400; t++) {
        struct estimate_spec spec = estimate_spec_default();

        spec.prior.kind = dice_chance(&dice, 0.5) ? &prior_normal : &prior_uniform;
        spec.prior.mean = dice_between(&dice, -1.0, 1.0);
        spec.prior.sd = dice_between(&dice, 0.2, 2.0);
        spec.grid.n_node = 2 + dice_below(&dice, 120);
        spec.grid.rule = dice_below(&dice, GRID_N_RULE);
        compare(&dice, bank, &spec, workspace);
    }
    estimate_workspace_free(workspace);
    bank_free(bank);
}

/* Jeffreys' prior changes with the answers; maximum likelihood has neither prior nor grid. */
Test(grid_prior, is_not_made_where_it_would_be_wrong)
{
    struct estimate_spec spec = estimate_spec_default();
    struct grid_prior *prior;

    spec.prior.kind = &prior_jeffreys;
    cr_expect(grid_prior_new(&spec, &prior) && !prior);
    spec = estimate_spec_default();
    spec.estimator = &estimator_ml;
    cr_expect(grid_prior_new(&spec, &prior) && !prior);
    grid_prior_free(NULL);
}
