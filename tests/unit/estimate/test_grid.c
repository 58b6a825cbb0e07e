/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/grid.h"

#include "base/limits.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>

Test(grid, nodes_are_equally_spaced_from_end_to_end)
{
    static double theta[LIMIT_NODES];
    static const size_t sizes[] = {2, 3, 33, 61, 512};

    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        struct grid grid = {.min = -2.385, .max = 6.1, .n_node = sizes[s]};
        double step = (6.1 + 2.385) / (double)(sizes[s] - 1);

        grid_nodes(&grid, theta);
        expect_bits(theta[0], -2.385, "the first of %zu", sizes[s]);
        for (size_t q = 0; q < sizes[s]; q++)
            expect_close(theta[q], -2.385 + step * (double)q, 1e-14, "node %zu of %zu", q,
                         sizes[s]);
    }
}

Test(grid, trapezoid_halves_the_ends)
{
    struct grid grid = {.min = -4.0, .max = 4.0, .n_node = 5, .rule = GRID_TRAPEZOID};

    expect_bits(grid_weight(&grid, 0), 0.5, "first");
    expect_bits(grid_weight(&grid, 1), 1.0, "second");
    expect_bits(grid_weight(&grid, 4), 0.5, "last");
    grid.rule = GRID_SUM;
    for (size_t q = 0; q < 5; q++) expect_bits(grid_weight(&grid, q), 1.0, "node %zu", q);
    cr_expect_str_eq(grid_rule_names[GRID_TRAPEZOID], "trapezoid");
    cr_expect_str_eq(grid_rule_names[GRID_SUM], "sum");
}

Test(grid, is_equal_in_every_field)
{
    struct grid grid = {.min = -4.0, .max = 4.0, .n_node = 33, .rule = GRID_TRAPEZOID};
    struct grid other[] = {grid, grid, grid, grid};

    cr_expect(grid_equal(&grid, &other[0]));
    other[0].min = -5.0;
    other[1].max = 5.0;
    other[2].n_node = 34;
    other[3].rule = GRID_SUM;
    for (size_t i = 0; i < COUNT_OF(other); i++)
        cr_expect(!grid_equal(&grid, &other[i]), "field %zu", i);
}
