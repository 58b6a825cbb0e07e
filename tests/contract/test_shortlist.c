/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pick by shortlists is that of the slow scan, bit for bit: for every model, wherever theta is,
 * whatever may not be asked, and with items that tie. The bounds it rests on hold; where one did
 * not, this would be seen. */
#include "irt/partition.h"
#include "num/elementary.h"
#include "select/pick.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N_SCENE = 60, N_PICK = 120, MOST_ITEMS = 1500 };

/* An item of `model`, or of all models in turn; now and then the one before once more. */
struct maker {
    struct dice *dice;
    const struct model *model;
    double slope_most;
    struct item_spec last;
};

static void make(size_t i, void *context, struct item_spec *spec)
{
    struct maker *maker = context;
    struct slice id = spec->id;
    size_t n_model = 0;

    while (models[n_model]) n_model++;
    if (i == 0 || !dice_chance(maker->dice, 0.2)) {
        maker->last = (struct item_spec){0};
        spec_random(maker->dice, maker->model ? maker->model : models[i % n_model], &maker->last);
        maker->last.value[SLOT_A] *= dice_between(maker->dice, 1.0, maker->slope_most);
    }
    *spec = maker->last;
    spec->id = id;
}

static struct bank *make_bank(struct dice *dice, size_t n, const struct model *model)
{
    struct maker maker = {.dice = dice, .model = model};

    maker.slope_most = dice_chance(dice, 0.2) ? 12.0 : 1.0;
    return bank_make(n, make, &maker);
}

/* The law of the model's row, by the second derivative of the information. */
Test(shortlist, information_bends_no_more_than_its_model_says)
{
    struct dice dice = dice_new("bend", 401);
    size_t n_checked = 0;

    for (size_t m = 0; models[m]; m++) {
        struct bank *bank = models[m]->bend ? make_bank(&dice, 50, models[m]) : NULL;

        for (size_t i = 0; bank && i < 50; i++) {
            const struct item *item = bank_item(bank, i);

            for (int t = 0; t < 400; t++) {
                double theta = dice_between(&dice, -6.0, 6.0);
                struct curve curve;

                item->model->curve(item, theta, &curve);
                expect_true(-curve_info_d2(&curve) <=
                                item->model->bend(item) * curve_info(&curve) * (1.0 + 1e-9) + 1e-12,
                            "%s at %.17g: I'' = %g, I = %g, bend = %g", models[m]->name, theta,
                            curve_info_d2(&curve), curve_info(&curve), item->model->bend(item));
                n_checked++;
            }
        }
        bank_free(bank);
    }
    cr_expect(n_checked >= 200000);
}

/* Next to every border, some of which the quotient that finds the cell is rounded over: the lists,
 * which stand in the order of their cells, go up with theta, by one at a border. */
Test(shortlist, cells_go_up_with_theta)
{
    enum { ULPS = 3 };
    struct dice dice = dice_new("cells", 407);
    struct bank *bank = make_bank(&dice, 300, &model_2pl);
    struct shortlists *lists;
    struct shortlist before, list;

    cr_assert(shortlists_new(bank, NULL, &lists));
    cr_assert(lists && shortlists_find(lists, 0, -SHORTLIST_REACH, &before));
    for (size_t k = 1; k < SHORTLIST_CELLS; k++) {
        double theta = -SHORTLIST_REACH + (double)k * SHORTLIST_WIDTH;

        for (int i = 0; i < ULPS; i++) theta = nextafter(theta, -10.0);
        for (int i = -ULPS; i <= ULPS; i++, theta = nextafter(theta, 10.0)) {
            const char *side = i < 0 ? "below" : "above";
            size_t cell = i < 0 ? k - 1 : k;

            cr_assert(shortlists_find(lists, 0, theta, &list));
            if (i == 0) continue;  // the border is of both
            cr_expect_eq((size_t)(list.entry - before.entry), cell * list.n, "%s border %zu: %.17g",
                         side, k, theta);
        }
    }
    shortlists_free(lists);
    bank_free(bank);
}

/* How many items have more information somewhere than their shortlist says. */
static size_t count_above(const struct bank *bank, const struct shortlists *lists,
                          struct dice *dice)
{
    size_t n_item = bank_n_item(bank), n_above = 0;
    float *bound = calloc(n_item, sizeof(*bound));

    cr_assert(bound);
    for (int t = 0; t < 400; t++) {
        double theta = dice_between(dice, -SHORTLIST_REACH, SHORTLIST_REACH);
        struct shortlist list;

        cr_assert(shortlists_find(lists, 0, theta, &list));
        for (size_t i = 0; i < n_item; i++) bound[i] = (float)list.rest;
        for (size_t j = 0; j < list.n; j++) bound[list.entry[j].item] = list.entry[j].bound;
        for (size_t i = 0; i < n_item; i++) {
            const struct item *item = bank_item(bank, i);

            n_above += item->model->info(item, theta) > (double)bound[i];
        }
    }
    free(bound);
    return n_above;
}

Test(shortlist, no_item_has_more_information_than_its_bound)
{
    struct dice dice = dice_new("bound", 402);

    for (size_t m = 0; models[m]; m++) {
        struct bank *bank = make_bank(&dice, 300, models[m]);

        if (bank_shortlists(bank)) {
            expect_true(count_above(bank, bank_shortlists(bank), &dice) == 0, "%s",
                        models[m]->name);
        }
        bank_free(bank);
    }
}

/* A place to pick in. */
struct scene {
    struct dice *dice;
    const struct bank *bank;
    struct candidates candidates;
    uint64_t *word;
    struct pick_scratch slow, fast;
};

static void scene_new(struct scene *scene, struct dice *dice, const struct bank *bank)
{
    size_t n = bank_n_item(bank);

    *scene = (struct scene){.dice = dice, .bank = bank, .word = calloc(n / 64 + 1, 8)};
    scene->candidates =
        (struct candidates){.n = n, .blocked = {scene->word}, .shortlists = bank_shortlists(bank)};
    scene->slow.value = calloc(n, sizeof(double));
    scene->fast.value = calloc(n, sizeof(double));
    cr_assert(scene->word && scene->slow.value && scene->fast.value);
}

static void scene_free(struct scene *scene)
{
    free(scene->word);
    free(scene->slow.value);
    free(scene->fast.value);
}

/* None, some, many, or all but a few; or the very items that would be picked. */
static void block(struct scene *scene, const struct criterion_input *input)
{
    const double shares[] = {0.0, 0.05, 0.5, 0.99, 1.0};
    double share = dice_of(scene->dice, shares, 5);
    size_t n = bank_n_item(scene->bank);

    for (size_t w = 0; w <= n / 64; w++) scene->word[w] = 0;
    if (dice_chance(scene->dice, 0.4)) {
        size_t n_best = pick_best(&criterion_mfi, input, &scene->candidates, scene->slow.value,
                                  scene->slow.best, LIMIT_RANDOMESQUE);

        for (size_t j = 0; j < n_best; j++) {
            blocked_set(scene->candidates.blocked, scene->slow.best[j].item);
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (dice_chance(scene->dice, share)) blocked_set(scene->candidates.blocked, i);
    }
}

static double random_theta(struct dice *dice)
{
    double theta = dice_between(dice, -SHORTLIST_REACH, SHORTLIST_REACH);

    if (dice_chance(dice, 0.1)) return dice_between(dice, -LIMIT_THETA, LIMIT_THETA);
    if (dice_chance(dice, 0.1)) return dice_chance(dice, 0.5) ? SHORTLIST_REACH : -SHORTLIST_REACH;
    if (dice_chance(dice, 0.3)) {
        theta = -SHORTLIST_REACH + SHORTLIST_WIDTH * (double)dice_below(dice, SHORTLIST_CELLS);
        return dice_chance(dice, 0.5) ? nextafter(theta, -9.0) : theta;
    }
    return theta;
}

/* Whether the fast pick is the slow one. */
static bool is_same(struct scene *scene, const struct criterion_input *input, size_t n_best)
{
    size_t n_slow = pick_best(&criterion_mfi, input, &scene->candidates, scene->slow.value,
                              scene->slow.best, n_best);
    size_t n_fast = pick_top(&criterion_mfi, input, &scene->candidates, &scene->fast, n_best);

    if (n_slow != n_fast) return false;
    for (size_t j = 0; j < n_slow; j++) {
        const struct ranked *slow = &scene->slow.best[j], *fast = &scene->fast.best[j];

        if (slow->item != fast->item || num_bits(slow->value) != num_bits(fast->value)) {
            return false;
        }
    }
    return true;
}

/* How many of N_PICK random picks differ. */
static size_t count_wrong(struct scene *scene)
{
    size_t n_wrong = 0;

    for (int t = 0; t < N_PICK; t++) {
        struct criterion_input input = {.bank = scene->bank, .theta = random_theta(scene->dice)};
        size_t n_best = dice_chance(scene->dice, 0.5) ? 1 : 1 + dice_below(scene->dice, 64);

        block(scene, &input);
        n_wrong += !is_same(scene, &input, n_best);
    }
    return n_wrong;
}

Test(shortlist, picks_what_the_slow_scan_picks)
{
    struct dice dice = dice_new("pick", 403);

    for (size_t s = 0; s < N_SCENE; s++) {
        size_t n_model = 0;
        struct scene scene;
        struct bank *bank;

        while (models[n_model]) n_model++;
        bank = make_bank(&dice, SHORTLIST_FEW / 2 + dice_below(&dice, MOST_ITEMS),
                         s % 2 ? models[s / 2 % n_model] : NULL);
        scene_new(&scene, &dice, bank);
        expect_true(count_wrong(&scene) == 0, "bank %zu of %zu items", s, bank_n_item(bank));
        scene_free(&scene);
        bank_free(bank);
    }
}

static void compare_groups(struct dice *dice, const struct bank *bank)
{
    size_t n = bank_n_item(bank), n_group = 1 + dice_below(dice, 9);
    uint8_t *group_of = calloc(n, sizeof(*group_of));
    struct partition *groups;
    struct shortlists *lists;
    struct scene scene;

    for (size_t i = 0; i < n; i++) group_of[i] = (uint8_t)dice_below(dice, n_group + 1);
    groups = partition_new(group_of, n, n_group);
    cr_assert(groups && shortlists_new(bank, groups, &lists));
    scene_new(&scene, dice, bank);
    scene.candidates.shortlists = lists;
    for (size_t g = 0; g < n_group; g++) {
        scene.candidates.group = g;
        scene.candidates.list = partition_items(groups, g, &scene.candidates.n);
        expect_true(count_wrong(&scene) == 0, "group %zu of %zu", g, scene.candidates.n);
    }
    scene_free(&scene);
    shortlists_free(lists);
    partition_free(groups);
    free(group_of);
}

Test(shortlist, picks_within_a_group_what_the_slow_scan_picks)
{
    struct dice dice = dice_new("group", 404);

    for (int s = 0; s < 12; s++) {
        struct bank *bank = make_bank(&dice, 1 + dice_below(&dice, MOST_ITEMS), NULL);

        compare_groups(&dice, bank);
        bank_free(bank);
    }
}

static double too_little(const struct item *item)
{
    return -200.0 * item->a * item->a;
}

static double nothing(const struct item *item)
{
    (void)item;
    return 0.0;
}

/* The control: bounds that are too small are found out, by the values and by the picks. */
Test(shortlist, a_wrong_bound_is_found_out)
{
    struct dice dice = dice_new("wrong", 405);
    struct model wrong = model_2pl, flat = model_2pl;
    struct bank *bank;
    struct scene scene;

    flat.bend = nothing;
    bank = make_bank(&dice, 1000, &flat);
    cr_expect(count_above(bank, bank_shortlists(bank), &dice) > 0);
    bank_free(bank);

    wrong.bend = too_little;
    bank = make_bank(&dice, 1000, &wrong);
    cr_expect(count_above(bank, bank_shortlists(bank), &dice) > 0);
    scene_new(&scene, &dice, bank);
    cr_expect(count_wrong(&scene) > 0);
    scene_free(&scene);
    bank_free(bank);
}

/* Without a bound there are no lists, and everything is as before. */
Test(shortlist, a_model_without_a_bound_is_scanned)
{
    struct dice dice = dice_new("none", 406);
    struct model unknown = model_3pl;
    struct bank *bank;
    struct scene scene;

    unknown.bend = NULL;
    bank = make_bank(&dice, 200, &unknown);
    cr_expect(!bank_shortlists(bank));
    scene_new(&scene, &dice, bank);
    cr_expect(count_wrong(&scene) == 0);
    scene_free(&scene);
    bank_free(bank);
}

/* Cheap is the point: of a large bank only a few items are looked at. Their number, not the time,
 * is what can be told. */
Test(shortlist, few_items_are_looked_at)
{
    struct dice dice = dice_new("few", 407);
    struct bank *bank = make_bank(&dice, 20000, &model_3pl);
    struct criterion_input input = {.bank = bank};
    struct scene scene;
    size_t n_looked = 0;

    scene_new(&scene, &dice, bank);
    for (int t = 0; t < 200; t++) {
        struct shortlist list;
        size_t j = 0;

        input.theta = dice_between(&dice, -4.0, 4.0);
        cr_assert(is_same(&scene, &input, 1));
        cr_assert(shortlists_find(bank_shortlists(bank), 0, input.theta, &list));
        while (j < list.n && (double)list.entry[j].bound >= scene.slow.best[0].value) j++;
        n_looked += j;
        cr_expect(list.rest < scene.slow.best[0].value, "at %g", input.theta);
    }
    fprintf(stderr, "looked at %g items a pick\n", (double)n_looked / 200.0);
    cr_expect(n_looked < 200 * 60);
    scene_free(&scene);
    bank_free(bank);
}
