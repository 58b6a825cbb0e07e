/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Criteria give from an item table what they give by their definitions: the same bits, but for MEI,
 * whose estimates after an answer come from a product instead of a sum of logarithms. */
#include "irt/lanes.h"
#include "num/elementary.h"
#include "select/pick.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { N_ITEM = 61, N_GIVEN = 9, N_TRIAL = 25 };

#define TOLERANCE_MEI 1e-12  // relative

struct scene {
    struct estimate_spec spec;
    struct evidence evidence;
    uint32_t item[N_GIVEN], list[N_ITEM];
    uint8_t score[N_GIVEN];
    uint64_t word[N_ITEM / 64 + 1];
    struct candidates candidates;
    struct criterion_input input;
    double node[LIMIT_NODES];
};

static void draw_candidates(struct scene *scene, struct dice *dice)
{
    scene->candidates = (struct candidates){.n = N_ITEM, .blocked = {scene->word}};
    if (dice_chance(dice, 0.5)) return;
    scene->candidates.n = 0;
    for (uint32_t i = 0; i < N_ITEM; i++) {
        if (dice_chance(dice, 0.4)) scene->list[scene->candidates.n++] = i;
    }
    scene->candidates.list = scene->list;
}

static void scene_draw(struct scene *scene, struct dice *dice, const struct bank *bank,
                       struct estimate_workspace *workspace)
{
    *scene = (struct scene){.spec = estimate_spec_default()};
    scene->spec.grid.n_node = 21 + dice_below(dice, 60);
    scene->spec.grid.rule = dice_below(dice, GRID_N_RULE);
    scene->spec.prior.mean = dice_between(dice, -1.0, 1.0);
    scene->spec.prior.kind = dice_chance(dice, 0.2)   ? &prior_jeffreys
                             : dice_chance(dice, 0.3) ? &prior_uniform
                                                      : &prior_normal;
    scene->evidence = (struct evidence){.bank = bank, .item = scene->item, .score = scene->score};
    for (size_t j = 1 + dice_below(dice, N_GIVEN); j > 0; j--) {
        uint32_t item = (uint32_t)dice_below(dice, N_ITEM);

        evidence_add(&scene->evidence, item,
                     (unsigned)dice_below(dice, bank_item(bank, item)->n_cat), NULL);
    }
    draw_candidates(scene, dice);
    grid_nodes(&scene->spec.grid, scene->node);
    scene->input = (struct criterion_input){.bank = bank,
                                            .theta = dice_between(dice, -3.0, 3.0),
                                            .se = 0.385,
                                            .evidence = &scene->evidence,
                                            .spec = &scene->spec,
                                            .ahead = &estimator_eap,
                                            .workspace = workspace};
}

static bool is_mei(const struct criterion *criterion)
{
    return criterion == &criterion_mei_observed || criterion == &criterion_mei_fisher;
}

static void compare(const struct criterion *criterion, struct scene *scene)
{
    double slow[N_ITEM], fast[N_ITEM];
    struct pick_scratch scratch = {.value = slow};
    struct ranked best;
    struct item_table *table;

    cr_assert(item_table_new(scene->input.bank, criterion->table, scene->node,
                             scene->spec.grid.n_node, &table));
    cr_assert(table);
    scene->input.table = NULL;
    pick_top(criterion, &scene->input, &scene->candidates, &scratch, 1);
    best = scratch.best[0];
    scene->input.table = table;
    scratch.value = fast;
    pick_top(criterion, &scene->input, &scene->candidates, &scratch, 1);
    expect_true(scratch.best[0].item == best.item, "%s: another pick", criterion->name);
    for (size_t j = 0; j < scene->candidates.n; j++) {
        if (is_mei(criterion)) {
            expect_close(fast[j], slow[j], TOLERANCE_MEI * fabs(slow[j]), "%s", criterion->name);
        } else {
            expect_true(num_bits(fast[j]) == num_bits(slow[j]), "%s, item %u: %a, not %a",
                        criterion->name, candidates_item(&scene->candidates, j), fast[j], slow[j]);
        }
    }
    item_table_free(table);
}

Test(item_table, gives_what_the_definition_gives)
{
    struct dice dice = dice_new("item_table", 431);
    struct bank *bank = bank_random(&dice, N_ITEM);
    struct estimate_workspace *workspace = estimate_workspace_new();
    struct scene scene;
    size_t n_criterion = 0;

    cr_assert(workspace);
    for (size_t c = 0; criteria[c]; c++) {
        if (criteria[c]->table == ITEM_TABLE_NONE) continue;
        n_criterion++;
        for (int t = 0; t < N_TRIAL; t++) {
            scene_draw(&scene, &dice, bank, workspace);
            if (scene.candidates.n > 0) compare(criteria[c], &scene);
        }
    }
    cr_expect(n_criterion == 9);
    estimate_workspace_free(workspace);
    bank_free(bank);
}

/* Of another grid it is no use, and is not used. */
Test(item_table, is_of_its_own_nodes_only)
{
    struct dice dice = dice_new("nodes", 432);
    struct bank *bank = bank_random(&dice, N_ITEM);
    double theta[3] = {-1.0, 0.385, 2.0}, other[3] = {-1.0, 0.385, 2.1};
    struct item_table *table;

    cr_assert(item_table_new(bank, ITEM_TABLE_P, theta, 3, &table) && table);
    cr_expect(item_table_serves(table, ITEM_TABLE_P, theta, 3));
    cr_expect(!item_table_serves(table, ITEM_TABLE_P, other, 3));
    cr_expect(!item_table_serves(table, ITEM_TABLE_P, theta, 2));
    cr_expect(!item_table_serves(table, ITEM_TABLE_INFO, theta, 3));
    cr_expect(!item_table_serves(NULL, ITEM_TABLE_P, theta, 3));
    item_table_free(table);
    cr_assert(item_table_new(bank, ITEM_TABLE_NONE, theta, 3, &table) && !table);
    item_table_free(NULL);
    bank_free(bank);
}

/* Every width gives the same bits. */
static void compare_widths(const struct lanes *lanes, const struct item_block *block,
                           const struct lane_nodes *nodes)
{
    const struct lanes *plain = lanes_at(0);
    const double *value = block->value;
    double a[LIMIT_CATS][LANES] = {0}, b[LIMIT_CATS][LANES] = {0};
    double c[LIMIT_CATS][LANES] = {0}, d[LIMIT_CATS][LANES] = {0};

    plain->means(block, nodes, a);
    lanes->means(block, nodes, b);
    cr_expect(memcmp(a, b, sizeof(a)) == 0, "means");
    plain->variances(block, nodes, (const double(*)[LANES])a, c);
    lanes->variances(block, nodes, (const double(*)[LANES])a, d);
    cr_expect(memcmp(c, d, sizeof(c)) == 0, "variances");
    plain->spread(block, nodes, 3.85, c[0]);
    lanes->spread(block, nodes, 3.85, d[0]);
    plain->integral(block, nodes, c[1]);
    lanes->integral(block, nodes, d[1]);
    plain->divergence(block, nodes, (const double(*)[LANES])a, (const double(*)[LANES])b, c[2]);
    lanes->divergence(block, nodes, (const double(*)[LANES])a, (const double(*)[LANES])b, d[2]);
    cr_expect(memcmp(c, d, sizeof(c)) == 0, "spread, integral or divergence");
    for (size_t n = 1; n <= LANE_SUMS; n++) {
        const struct lane_span span = {.from = n,
                                       .to = nodes->n - n,
                                       .n_sum = n,
                                       .weight = {nodes->weight, nodes->node, value}};

        plain->sums(block, 3, &span, c);
        lanes->sums(block, 3, &span, d);
        plain->squares(block, 4, &span, c + LANE_SUMS);
        lanes->squares(block, 4, &span, d + LANE_SUMS);
        cr_expect(memcmp(c, d, sizeof(c)) == 0, "%zu sums or squares", n);
    }
}

Test(item_table, every_width_has_the_bits_of_the_plain_one)
{
    enum { N_NODE = 61 };
    struct dice dice = dice_new("widths", 433);
    double value[N_NODE * 5 * LANES], node[N_NODE], weight[N_NODE];
    const struct item_block block = {.n_value = 5, .n_node = N_NODE, .value = value};
    const struct lane_nodes nodes = {N_NODE, node, weight};

    for (size_t i = 0; lanes_at(i); i++) {
        for (int t = 0; t < 200; t++) {
            for (size_t j = 0; j < COUNT_OF(value); j++) value[j] = dice_between(&dice, 0.0, 1.0);
            for (size_t q = 0; q < N_NODE; q++) {
                node[q] = -6.0 + 0.2 * (double)q;
                weight[q] = dice_between(&dice, 0.0, 1.0);
            }
            compare_widths(lanes_at(i), &block, &nodes);
        }
    }
}
