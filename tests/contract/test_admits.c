/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pick that asks only its candidates whether they are admitted, and finds the nearest ones from
 * their centres, is that of the slow scan of all items but those marked beforehand. */
#include "num/elementary.h"
#include "select/exposure.h"
#include "select/pick.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>

enum { N_ITEM = 300, N_GIVEN = 12, N_BANK = 10, N_TRIAL = 20, MOST_BEST = 20 };

struct maker {
    struct dice *dice;
    const struct model *model;
};

/* Now and then an item once more, so that there are ties. */
static void make(size_t i, void *context, struct item_spec *spec)
{
    struct maker *maker = context;
    size_t n_model = 0;

    while (models[n_model]) n_model++;
    spec_random(maker->dice, maker->model ? maker->model : models[i % n_model], spec);
    if (dice_chance(maker->dice, 0.3)) spec->value[SLOT_B] = 0.385;
    spec->exposure = dice_between(maker->dice, 1e-3, 1.0);
}

struct scene {
    struct estimate_spec spec;
    struct evidence evidence;
    uint32_t item[N_GIVEN];
    uint8_t score[N_GIVEN];
    uint64_t word[N_ITEM / 64 + 1], marked[N_ITEM / 64 + 1];
    struct candidates lazy, eager;
    struct criterion_input input;
};

static void scene_draw(struct scene *scene, struct dice *dice, const struct bank *bank,
                       struct estimate_workspace *workspace)
{
    *scene = (struct scene){.spec = estimate_spec_default(), .evidence = {.bank = bank}};
    scene->evidence.item = scene->item;
    scene->evidence.score = scene->score;
    scene->lazy = (struct candidates){.n = N_ITEM,
                                      .blocked = {scene->word},
                                      .shortlists = bank_shortlists(bank),
                                      .admits = exposure_sympson_hetter.admits};
    scene->eager = (struct candidates){.n = N_ITEM, .blocked = {scene->marked}};
    scene->input = (struct criterion_input){.bank = bank,
                                            .theta = dice_between(dice, -3.0, 3.0),
                                            .se = 0.385,
                                            .evidence = &scene->evidence,
                                            .spec = &scene->spec,
                                            .ahead = &estimator_eap,
                                            .pace = {.at = 30.0, .acceleration = 1.0},
                                            .seed = dice_bits(dice),
                                            .draw = 7,
                                            .workspace = workspace};
    for (size_t j = dice_below(dice, N_GIVEN); j > 0; j--) {
        uint32_t item = (uint32_t)dice_below(dice, N_ITEM);

        evidence_add(&scene->evidence, item,
                     (unsigned)dice_below(dice, bank_item(bank, item)->n_cat), NULL);
        blocked_set(scene->lazy.blocked, item);
    }
    for (uint32_t i = 0; i < N_ITEM; i++) {
        bool admitted = exposure_admits(bank_exposure(bank, i), i, scene->input.seed);

        if (!admitted || blocked_has(scene->lazy.blocked, i)) blocked_set(scene->eager.blocked, i);
    }
}

static void compare(const struct criterion *criterion, struct scene *scene, size_t n_best,
                    const struct criterion_input *known)
{
    double value[N_ITEM], other[N_ITEM], bound[N_ITEM];
    struct pick_scratch fast = {.value = value, .bound = bound};
    struct ranked slow[MOST_BEST];
    size_t n_slow = pick_best(criterion, &scene->input, &scene->eager, other, slow, n_best);
    size_t n_fast = pick_top(criterion, known, &scene->lazy, &fast, n_best);

    expect_true(n_fast == n_slow, "%s: %zu items, not %zu", criterion->name, n_fast, n_slow);
    for (size_t j = 0; j < n_slow && j < n_fast; j++) {
        expect_true(slow[j].item == fast.best[j].item &&
                        num_bits(slow[j].value) == num_bits(fast.best[j].value),
                    "%s: place %zu is item %u, not %u", criterion->name, j, fast.best[j].item,
                    slow[j].item);
    }
}

static void compare_bank(const struct criterion *criterion, struct dice *dice,
                         const struct bank *bank, struct estimate_workspace *workspace)
{
    double node[LIMIT_NODES];
    struct estimate_spec spec = estimate_spec_default();
    struct item_table *table;
    struct centres *centres;

    grid_nodes(&spec.grid, node);
    cr_assert(item_table_new(bank, criterion->table, node, spec.grid.n_node, &table));
    cr_assert(centres_new(bank, criterion, &centres));
    cr_expect(!criterion->centre == !centres, "%s", criterion->name);
    for (int t = 0; t < N_TRIAL; t++) {
        struct scene scene;
        struct criterion_input known;

        scene_draw(&scene, dice, bank, workspace);
        if (criterion->table != ITEM_TABLE_NONE) scene.input.table = table;
        known = scene.input;
        known.centres = centres;
        compare(criterion, &scene, 1 + dice_below(dice, t % 2 ? MOST_BEST : 1), &known);
    }
    item_table_free(table);
    centres_free(centres);
}

Test(admits, the_pick_is_that_of_marks_made_before)
{
    struct dice dice = dice_new("admits", 461);
    struct estimate_workspace *workspace = estimate_workspace_new();
    size_t n_criterion = 0, n_centre = 0;

    cr_assert(workspace);
    for (size_t c = 0; criteria[c]; c++) {
        if (criteria[c]->compares || !dims_fit(criteria[c]->dims, 1)) continue;
        n_criterion++;
        n_centre += criteria[c]->centre != NULL;
        for (int t = 0; t < (criteria[c]->table == ITEM_TABLE_NONE ? N_BANK : 2); t++) {
            struct maker maker = {.dice = &dice};
            struct bank *bank;

            if (t % 4 < 2) maker.model = dice_chance(&dice, 0.5) ? &model_3pl : &model_grm;
            bank = bank_make(N_ITEM, make, &maker);
            compare_bank(criteria[c], &dice, bank, workspace);
            bank_free(bank);
        }
    }
    cr_expect(n_criterion >= 14 && n_centre == 2);
    estimate_workspace_free(workspace);
}
