/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a blueprint promises, whatever picks: no test holds two enemies, a set is asked in one go
 * and to its end, and the item asked is always one that may be. */
#include "session/explain.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"
#include "tests/support/sitting.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { N_ITEM = 40, N_SET = 7, N_SEED = 2, LENGTH = 16 };

/* What the bank was made of. */
static bool hostile[N_ITEM][N_ITEM];
static size_t set_of[N_ITEM];  // N_SET: none

static const char *const set_names[N_SET] = {"a", "b", "c", "d", "e", "f", "g"};

static void make(size_t i, void *context, struct item_spec *spec)
{
    static char names[N_ITEM][LIMIT_ID];
    struct dice *dice = context;
    const struct model *two[] = {&model_2pl, &model_grm};

    spec_random(dice, two[i % 2], spec);
    spec->exposure = dice_chance(dice, 0.5) ? 0.7 : 1.0;
    spec->n_tag = 1;
    spec->tags[0] = (struct tag){slice_str("half"), slice_str(i % 2 ? "odd" : "even")};
    set_of[i] = dice_below(dice, N_SET + 1);
    if (set_of[i] < N_SET) spec->set = slice_str(set_names[set_of[i]]);
    for (size_t j = 0; j < N_ITEM; j++) {
        if (j == i || !dice_chance(dice, 0.03)) continue;
        snprintf(names[j], sizeof(names[j]), "q%zu", j + 1);
        spec->enemies[spec->n_enemy++] = slice_str(names[j]);
        hostile[i][j] = hostile[j][i] = true;
    }
}

/* The content rules: nothing, proportions; each with and without sets, with and without enemies. */
struct rule {
    bool proportions, sets, enemies_allowed;
    unsigned max_per_set;
};

static const struct rule rules[] = {
    {.proportions = false},
    {.proportions = true},
    {.sets = true},
    {.sets = true, .proportions = true, .max_per_set = 2},
    {.sets = true, .max_per_set = 1},
    {.enemies_allowed = true, .sets = true},
};

static void test_of(struct test *test, const struct criterion *criterion,
                    const struct exposure_rule *exposure, const struct rule *rule)
{
    test_init(test);
    test->interim.grid.n_node = 11;
    test->pick = (struct pick_rule){.criterion = criterion, .n_best = 3};
    test->exposure.rule = exposure;
    test->enemies_allowed = rule->enemies_allowed;
    test->sets_together = rule->sets;
    test->max_per_set = rule->max_per_set;
    stop_any(test, (struct stop_node[]){stop_at(&stop_length, LENGTH)}, 1);
    if (!rule->proportions || exposure->strata) return;
    strcpy(test->content_tag, "half");
    test->n_target = 2;
    test->targets[0] = (struct target){"odd", 0.4};
    test->targets[1] = (struct target){"even", 0.6};
}

/* One session so far. */
struct sample {
    struct sitting sitting;
    uint32_t asked[LENGTH];
    unsigned n;
    char name[96];
};

static bool has_enemy(const struct sample *sample, unsigned n, uint32_t item)
{
    for (unsigned j = 0; j < n; j++) {
        if (hostile[sample->asked[j]][item]) return true;
    }
    return false;
}

static unsigned run_of(const struct sample *sample, unsigned n)
{
    unsigned run = 0;

    while (run < n && set_of[sample->asked[n - 1 - run]] == set_of[sample->asked[n - 1]]) run++;
    return run;
}

static bool is_asked(const struct sample *sample, unsigned n, uint32_t item)
{
    for (unsigned j = 0; j < n; j++) {
        if (sample->asked[j] == item) return true;
    }
    return false;
}

/* Whether set `set` has an item that could have been the n-th, exposure rules left out. */
static bool has_left(const struct sample *sample, const struct rule *rule, unsigned n, size_t set)
{
    for (uint32_t i = 0; i < N_ITEM; i++) {
        if (set_of[i] != set || is_asked(sample, n, i)) continue;
        if (rule->enemies_allowed || !has_enemy(sample, n, i)) return true;
    }
    return false;
}

static void check_sets(const struct sample *sample, const struct rule *rule, bool is_exposed)
{
    for (unsigned n = 1; n < sample->n; n++) {
        size_t before = set_of[sample->asked[n - 1]], now = set_of[sample->asked[n]];
        unsigned run = run_of(sample, n);

        if (before == now || before == N_SET) continue;
        expect_true(rule->max_per_set == run || is_exposed || !has_left(sample, rule, n, before),
                    "%s: question %u leaves a set that has items left", sample->name, n + 1);
        for (unsigned j = n + 1; j < sample->n; j++) {
            expect_true(set_of[sample->asked[j]] != before, "%s: question %u goes back to a set",
                        sample->name, j + 1);
        }
    }
    for (unsigned n = 1; n <= sample->n && rule->max_per_set > 0; n++) {
        expect_true(set_of[sample->asked[n - 1]] == N_SET || run_of(sample, n) <= rule->max_per_set,
                    "%s: too many of a set", sample->name);
    }
}

/* The explanation of the pick that is on the screen: who was a candidate had a right to be. */
static void check_explained(struct sample *sample, const struct event *event,
                            const struct rule *rule)
{
    struct explained_item items[N_ITEM];
    struct explanation why = {.items = items};
    uint32_t now = sitting_view(&sample->sitting).item;

    session_explain(sample->sitting.session, event, sample->sitting.workspace, &why);
    expect_true(items[0].item == now && items[0].part == PART_ASKED, "%s: question %u explained",
                sample->name, sample->n + 1);
    for (size_t i = 0; i < N_ITEM; i++) {
        bool enemy = !rule->enemies_allowed && has_enemy(sample, sample->n, items[i].item);
        bool given = is_asked(sample, sample->n, items[i].item);

        expect_true((items[i].part == PART_GIVEN) == given, "%s: given", sample->name);
        expect_true((items[i].part == PART_ENEMY) == (enemy && !given), "%s: enemy", sample->name);
        expect_true(rule->sets || items[i].part != PART_OTHER_SET, "%s: set", sample->name);
    }
}

static void sit(struct sample *sample, const struct rule *rule, struct dice *dice)
{
    struct event event = sitting_event(&sample->sitting, EVENT_STARTED);

    event.seed = dice_bits(dice);
    cr_assert(sitting_take(&sample->sitting, &event) == OK);
    while (sitting_view(&sample->sitting).state == SESSION_ASKING) {
        uint32_t item = sitting_view(&sample->sitting).item;
        unsigned n_cat = bank_item(sample->sitting.plan->bank, item)->n_cat;

        cr_assert(sample->n < LENGTH);
        check_explained(sample, &event, rule);
        expect_true(!is_asked(sample, sample->n, item), "%s: asked twice", sample->name);
        sample->asked[sample->n++] = item;
        event = sitting_answer_event(&sample->sitting, (unsigned)dice_below(dice, n_cat));
        cr_assert(sitting_take(&sample->sitting, &event) == OK);
    }
}

/* Returns how many enemies met. */
static unsigned check_session(const struct bank *bank, const struct test *test,
                              const struct rule *rule, struct dice *dice)
{
    struct sample sample = {.n = 0};
    unsigned n_met = 0;

    snprintf(sample.name, sizeof(sample.name), "%s, %s, rule %td", test->pick.criterion->name,
             test->exposure.rule->name, rule - rules);
    sitting_open(&sample.sitting, test, bank);
    sit(&sample, rule, dice);
    for (unsigned n = 1; n < sample.n; n++) n_met += has_enemy(&sample, n, sample.asked[n]);
    expect_true(rule->enemies_allowed || n_met == 0, "%s: enemies met", sample.name);
    if (rule->sets) check_sets(&sample, rule, test->exposure.rule->admits != NULL);
    sitting_close(&sample.sitting);
    return n_met;
}

static bool is_slow(const struct criterion *criterion)
{
    return criterion == &criterion_mei_observed || criterion == &criterion_mei_fisher;
}

Test(blueprint, is_kept_by_every_criterion_and_exposure_rule)
{
    struct dice dice = dice_new("blueprint", 641);
    struct bank *bank = bank_make(N_ITEM, make, &dice);
    unsigned n_met = 0, n_session = 0;

    for (size_t c = 0; criteria[c]; c++) {
        for (size_t e = 0; exposure_rules[e]; e++) {
            for (size_t r = 0; r < COUNT_OF(rules) * N_SEED; r++) {
                const struct rule *rule = &rules[r % COUNT_OF(rules)];
                struct test test;

                if (!dims_fit(criteria[c]->dims, 1)) continue;
                if (is_slow(criteria[c]) && (r + e) % 9) continue;
                test_of(&test, criteria[c], exposure_rules[e], rule);
                n_met += check_session(bank, &test, rule, &dice);
                n_session++;
            }
        }
    }
    printf("blueprint: %u sessions, %u enemies met where they may\n", n_session, n_met);
    cr_expect(n_met > 20, "enemies must be able to meet, or nothing is tested");
    bank_free(bank);
}
