/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bounds of every criterion that has some hold its values, computed as they are, and the pick
 * by bounds is that of the slow scan: for all models, whatever was answered, wherever theta is. */
#include "irt/lane_items.h"
#include "num/elementary.h"
#include "select/pick.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { MOST_ITEMS = 140, MOST_GIVEN = 25, N_BANK = 30, N_SCENE = 12, N_BEST = 5 };

/* Items of one model, or of all in turn; now and then one twice, or a very steep or flat one. */
struct maker {
    struct dice *dice;
    const struct model *model;
    struct item_spec last;
};

static void make(size_t i, void *context, struct item_spec *spec)
{
    struct maker *maker = context;
    struct slice id = spec->id;
    size_t n_model = 0;

    while (models[n_model]) n_model++;
    if (i == 0 || !dice_chance(maker->dice, 0.1)) {
        maker->last = (struct item_spec){0};
        spec_random(maker->dice, maker->model ? maker->model : models[i % n_model], &maker->last);
        if (dice_chance(maker->dice, 0.05)) maker->last.value[SLOT_A] *= 8.0;
        if (dice_chance(maker->dice, 0.05)) maker->last.value[SLOT_A] *= 1e-8;
    }
    *spec = maker->last;
    spec->id = id;
}

struct scene {
    struct estimate_spec spec;
    struct evidence evidence;
    uint32_t item[MOST_GIVEN], list[MOST_ITEMS];
    uint8_t score[MOST_GIVEN];
    double loglik[LIMIT_NODES];
    uint64_t word[MOST_ITEMS / 64 + 1];
    struct candidates candidates;
    struct criterion_input input;
};

static struct grid draw_grid(struct dice *dice)
{
    struct grid grid = {.min = -6.0, .max = 6.0};

    grid.n_node = 11 + dice_below(dice, 90);
    grid.rule = dice_below(dice, GRID_N_RULE);
    if (dice_chance(dice, 0.2)) grid.min = -8.0;
    if (dice_chance(dice, 0.2)) grid.max = 5.0;
    return grid;
}

static void draw_spec(struct dice *dice, const struct grid *grid, struct estimate_spec *spec)
{
    *spec = estimate_spec_default();
    spec->grid = *grid;
    spec->prior.mean = dice_between(dice, -1.0, 1.0);
    spec->prior.kind = dice_chance(dice, 0.2)   ? &prior_jeffreys
                       : dice_chance(dice, 0.2) ? &prior_uniform
                                                : &prior_normal;
}

/* A session so far, on the nodes that `table` is of. */
struct setting {
    const struct bank *bank;
    struct grid grid;
    const struct item_table *table;
    struct estimate_workspace *workspace;
};

static void scene_draw(struct scene *scene, struct dice *dice, const struct setting *setting)
{
    const struct bank *bank = setting->bank;
    struct estimate_workspace *workspace = setting->workspace;
    uint32_t n = (uint32_t)bank_n_item(bank);

    *scene = (struct scene){.evidence = {.bank = bank}};
    draw_spec(dice, &setting->grid, &scene->spec);
    scene->evidence.item = scene->item;
    scene->evidence.score = scene->score;
    scene->evidence.grid = scene->spec.grid;
    if (dice_chance(dice, 0.5)) scene->evidence.loglik = scene->loglik;
    scene->candidates = (struct candidates){.n = n, .blocked = {scene->word}};
    for (size_t j = dice_below(dice, MOST_GIVEN); j > 0; j--) {
        uint32_t item = (uint32_t)dice_below(dice, n);

        evidence_add(&scene->evidence, item,
                     (unsigned)dice_below(dice, bank_item(bank, item)->n_cat), workspace->node);
        blocked_set(scene->candidates.blocked, item);
    }
    if (dice_chance(dice, 0.3)) {
        scene->candidates.list = scene->list;
        scene->candidates.n = 0;
        for (uint32_t i = 0; i < n; i++) {
            if (dice_chance(dice, 0.6)) scene->list[scene->candidates.n++] = i;
        }
    }
    scene->input = (struct criterion_input){.bank = bank,
                                            .theta = dice_between(dice, -3.5, 3.5),
                                            .se = 0.385,
                                            .evidence = &scene->evidence,
                                            .spec = &scene->spec,
                                            .ahead = &estimator_eap,
                                            .workspace = workspace,
                                            .table = setting->table};
}

/* What came of all comparisons: the bounds must be there, and mostly narrow. */
struct tally {
    size_t n_asked, n_bound, n_item, n_wide;
};

static void compare_bounds(const struct criterion *criterion, const struct scene *scene,
                           struct tally *tally)
{
    double low[MOST_ITEMS], high[MOST_ITEMS], value[MOST_ITEMS];

    tally->n_asked++;
    if (!criterion->bounds(&scene->input, &scene->candidates, low, high)) return;
    tally->n_bound++;
    criterion->values(&scene->input, &scene->candidates, value);
    for (size_t j = 0; j < scene->candidates.n; j++) {
        expect_true(value[j] >= low[j] && value[j] <= high[j], "%s, item %u: %a not in [%a, %a]",
                    criterion->name, candidates_item(&scene->candidates, j), value[j], low[j],
                    high[j]);
        tally->n_item++;
        tally->n_wide += high[j] - low[j] > 1e-5 * fabs(value[j]);
    }
}

static void compare_picks(const struct criterion *criterion, const struct scene *scene)
{
    double value[MOST_ITEMS], bound[MOST_ITEMS];
    struct pick_scratch fast = {.value = value, .bound = bound}, slow = {.value = value};
    size_t n_slow, n_fast;

    if (scene->candidates.n == 0) return;
    for (size_t n_best = 1; n_best <= N_BEST; n_best += N_BEST - 1) {
        n_slow = pick_top(criterion, &scene->input, &scene->candidates, &slow, n_best);
        n_fast = pick_top(criterion, &scene->input, &scene->candidates, &fast, n_best);
        cr_assert(n_slow == n_fast);
        for (size_t j = 0; j < n_slow; j++) {
            expect_true(slow.best[j].item == fast.best[j].item &&
                            num_bits(slow.best[j].value) == num_bits(fast.best[j].value),
                        "%s: place %zu is item %u, not %u", criterion->name, j, fast.best[j].item,
                        slow.best[j].item);
        }
    }
}

static void compare(const struct criterion *criterion, struct dice *dice, struct setting *setting,
                    struct tally *tally)
{
    double node[LIMIT_NODES];
    struct item_table *table;
    struct scene scene;

    setting->grid = draw_grid(dice);
    grid_nodes(&setting->grid, node);
    cr_assert(item_table_new(setting->bank, criterion->table, node, setting->grid.n_node, &table));
    cr_assert(table);
    setting->table = table;
    for (int t = 0; t < N_SCENE; t++) {
        scene_draw(&scene, dice, setting);
        compare_bounds(criterion, &scene, tally);
        compare_picks(criterion, &scene);
    }
    item_table_free(table);
}

/* `model` may be NULL: all of them. */
static void compare_bank(struct dice *dice, const struct model *model,
                         struct estimate_workspace *workspace, struct tally *tally)
{
    struct maker maker = {.dice = dice, .model = model};
    struct bank *bank = bank_make(20 + dice_below(dice, MOST_ITEMS - 20), make, &maker);
    struct setting setting = {.bank = bank, .workspace = workspace};

    for (size_t c = 0; criteria[c]; c++) {
        if (criteria[c]->bounds) compare(criteria[c], dice, &setting, &tally[c]);
    }
    bank_free(bank);
}

Test(bounds, hold_the_values_and_leave_the_pick)
{
    enum { MOST_CRITERIA = 64 };
    struct dice dice = dice_new("bounds", 451);
    struct estimate_workspace *workspace = estimate_workspace_new();
    struct tally tally[MOST_CRITERIA] = {0};
    size_t n_criterion = 0, n_model = 0;

    cr_assert(workspace);
    while (models[n_model]) n_model++;
    for (size_t t = 0; t < N_BANK; t++) {
        compare_bank(&dice, t % 3 == 0 ? NULL : models[t % n_model], workspace, tally);
    }
    for (size_t c = 0; criteria[c]; c++) {
        if (!criteria[c]->bounds) continue;
        n_criterion++;
        cr_expect(tally[c].n_bound * 2 >= tally[c].n_asked, "%s: bounds in %zu of %zu cases",
                  criteria[c]->name, tally[c].n_bound, tally[c].n_asked);
        cr_expect(tally[c].n_wide * 5 <= tally[c].n_item, "%s: %zu of %zu bounds are wide",
                  criteria[c]->name, tally[c].n_wide, tally[c].n_item);
    }
    cr_expect(n_criterion == 9);
    estimate_workspace_free(workspace);
}

/* As many easy items as one may have missed, and steep ones above them. */
enum { N_EASY = 12, N_STEEP = 16 };

static void make_easy_or_steep(size_t i, void *context, struct item_spec *spec)
{
    const struct model *const *model = context;
    bool is_easy = i < N_EASY;
    double steps[] = {is_easy ? -3.1 : 0.1 * (double)i - 1.9,
                      is_easy ? -2.6 : 0.1 * (double)i - 1.1};

    spec->model = *model;
    spec->value[SLOT_A] = is_easy ? 0.785 : 12.1;
    spec->value[SLOT_B] = steps[0];
    spec->n_step = model_has(*model, SLOT_B) ? 0 : 2;
    memcpy(spec->steps, steps, sizeof(steps));
}

/* What was answered says -4, and theta is 3.1: of the answer that is likely there, hardly any
 * weight is left. What its rough sums would make of it is far off, and does not count. */
static void compare_far(const struct model *model, const struct criterion *criterion,
                        struct estimate_workspace *workspace, struct tally *tally)
{
    struct bank *bank = bank_make(N_EASY + N_STEEP, make_easy_or_steep, &model);
    struct setting setting = {.bank = bank, .grid = {-6.0, 6.0, 61}, .workspace = workspace};
    struct dice dice = dice_new("far", 453);
    struct item_table *table;
    struct scene scene;

    grid_nodes(&setting.grid, workspace->node);
    cr_assert(item_table_new(bank, criterion->table, workspace->node, 61, &table));
    setting.table = table;
    scene_draw(&scene, &dice, &setting);
    scene.spec.prior = estimate_spec_default().prior;
    scene.evidence.loglik = NULL;
    scene.input.theta = 3.1;
    scene.candidates = (struct candidates){.n = N_EASY + N_STEEP, .blocked = {scene.word}};
    memset(scene.word, 0, sizeof(scene.word));
    evidence_clear(&scene.evidence);
    for (uint32_t i = 0; i < N_EASY; i++) evidence_add(&scene.evidence, i, 0, workspace->node);
    for (uint32_t i = 0; i < N_EASY; i++) blocked_set(scene.candidates.blocked, i);
    compare_bounds(criterion, &scene, tally);
    compare_picks(criterion, &scene);
    item_table_free(table);
    bank_free(bank);
}

Test(bounds, hold_where_hardly_any_weight_is_left)
{
    static const struct model *const models_far[] = {&model_2pl, &model_grm, &model_gpcm};
    struct estimate_workspace *workspace = estimate_workspace_new();

    cr_assert(workspace);
    for (size_t c = 0; criteria[c]; c++) {
        struct tally tally = {0};

        if (!criteria[c]->bounds) continue;
        for (size_t m = 0; m < COUNT_OF(models_far); m++) {
            compare_far(models_far[m], criteria[c], workspace, &tally);
        }
        cr_expect(tally.n_bound > 0, "%s", criteria[c]->name);
    }
    estimate_workspace_free(workspace);
}

/* The curves that bounds are made from, against the models'. */
static void compare_curves(const struct item *item, const struct lane_curves *got, size_t lane,
                           double theta)
{
    struct curve curve;

    item->model->curve(item, theta, &curve);
    for (unsigned k = 0; k < item->n_cat; k++) {
        expect_close(got->p[k][lane], curve.p[k], ROUGH_CURVE, "%s, P_%u at %g", item->model->name,
                     k, theta);
        expect_close(got->observed[k][lane], curve_observed(&curve, k),
                     ROUGH_CURVE * (1.0 + fabs(curve_observed(&curve, k))), "%s, J_%u at %g",
                     item->model->name, k, theta);
    }
    expect_close(got->info[lane], curve_info(&curve), ROUGH_CURVE * (1.0 + curve_info(&curve)),
                 "%s, I at %g", item->model->name, theta);
}

/* What the bounds of the information after an answer rest on. */
static void compare_rate(const struct item *item, double rate, double theta)
{
    double step = 1e-5 / rate;
    struct curve at, next;

    item->model->curve(item, theta, &at);
    item->model->curve(item, theta + step, &next);
    for (unsigned k = 0; k < item->n_cat; k++) {
        double observed = curve_observed(&at, k), change = curve_observed(&next, k) - observed;

        expect_true(fabs(at.r1[k]) <= rate * (1.0 + 1e-9), "%s: rate", item->model->name);
        expect_true(fabs(observed) <= 2.0 * rate * rate, "%s: size", item->model->name);
        expect_true(fabs(change) <= 7.0 * rate * rate * rate * step, "%s: change",
                    item->model->name);
    }
    expect_true(fabs(curve_info(&next) - curve_info(&at)) <= 7.0 * rate * rate * rate * step,
                "%s: change of the expected information", item->model->name);
}

Test(bounds, curves_of_a_block_are_those_of_its_items)
{
    struct dice dice = dice_new("lane_items", 452);

    for (int t = 0; t < 300; t++) {
        struct maker maker = {.dice = &dice, .model = NULL};
        size_t n = 1 + dice_below(&dice, 2 * LANES), n_model = 0, first;
        double theta[LANES];
        struct lane_items items;
        struct lane_curves curves;
        struct bank *bank;

        while (models[n_model]) n_model++;
        if (t % 2) maker.model = models[(size_t)t / 2 % n_model];
        bank = bank_make(n, make, &maker);
        first = (n - 1) / LANES * LANES;
        for (size_t i = 0; i < LANES; i++) theta[i] = dice_between(&dice, -6.0, 6.0);
        cr_assert(lane_items_of(bank, first, &items));
        lane_items_curves(&items, theta, &curves);
        for (size_t i = first; i < n; i++) {
            compare_curves(bank_item(bank, i), &curves, i - first, theta[i - first]);
            compare_rate(bank_item(bank, i), items.rate[i - first], theta[i - first]);
        }
        bank_free(bank);
    }
}
