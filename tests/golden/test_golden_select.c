/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Criteria, the items they choose and decisions to stop against catR's. */
#include "estimates.h"
#include "select/pick.h"
#include "session/stop.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The tolerances that README.md states: relative, but absolute for GDI and GDIP, which are
 * differences of nearly equal numbers. */
#define TOLERANCE       1e-9
#define TOLERANCE_GDI   1e-13
#define TOLERANCE_DRAWN 1e-12
/* Below this relative distance of the two best items the choice is a matter of rounding. */
#define TIE 1e-8

enum { N_ITEM = 200, N_STATE = 6, N_SHOWN = 5 };

struct source {
    const char *name;
    const struct model *model;
    uint32_t n_item;  // in play: the first of the bank
    size_t n_value, n_chosen;
};

/* One model's bank, and an examinee somewhere in a test. */
struct scene {
    struct bank *bank;
    struct table *states;
    uint32_t n_item;
    struct estimate_spec spec;
    struct estimate_workspace *workspace;
    struct pattern pattern;
    struct criterion_input input;
    uint64_t word[(N_ITEM + 63) / 64];
    struct candidates candidates;
};

static struct table *open(const char *name, const char *what)
{
    char path[80];

    snprintf(path, sizeof(path), "select/%s_%s.csv", name, what);
    return table_golden(path);
}

/* EAP on 33 trapezoid nodes; MEI looks ahead by the posterior mode. */
static void scene_open(struct scene *scene, const struct source *source)
{
    *scene = (struct scene){.bank = bank_golden(source->name, source->model, 1.0),
                            .states = open(source->name, "states"),
                            .n_item = source->n_item,
                            .workspace = estimate_workspace_new()};
    scene->spec = estimate_spec_default();
    scene->spec.grid = (struct grid){.min = -4.0, .max = 4.0, .n_node = 33, .rule = GRID_TRAPEZOID};
    cr_assert(scene->workspace && table_n_row(scene->states) == N_STATE);
}

static void scene_close(struct scene *scene)
{
    estimate_workspace_free(scene->workspace);
    table_free(scene->states);
    bank_free(scene->bank);
}

/* Go to a state, and check its estimate. */
static void scene_go(struct scene *scene, size_t state)
{
    size_t row = state - 1;
    struct estimate got;

    cr_assert(table_count(scene->states, row, "state") == state);
    pattern_read(&scene->pattern, scene->bank, table_text(scene->states, row, "items"),
                 table_text(scene->states, row, "responses"));
    memset(scene->word, 0, sizeof(scene->word));
    scene->candidates = (struct candidates){.n = scene->n_item, .blocked = {scene->word}};
    for (size_t j = 0; j < scene->pattern.evidence.n; j++) {
        blocked_set(scene->candidates.blocked, scene->pattern.item[j]);
    }
    scene->input = (struct criterion_input){.bank = scene->bank,
                                            .theta = table_number(scene->states, row, "theta"),
                                            .evidence = &scene->pattern.evidence,
                                            .spec = &scene->spec,
                                            .ahead = &estimator_map,
                                            .workspace = scene->workspace};
    if (scene->pattern.evidence.n == 0) return;
    scene->input.se = table_number(scene->states, row, "se");
    got = estimate_of(&scene->pattern, &scene->spec);
    expect_close(got.theta, scene->input.theta, 1e-10, "state %zu: theta", state);
    expect_close(got.se, scene->input.se, 1e-10, "state %zu: SE", state);
}

static const struct criterion *criterion_of(const char *name)
{
    const struct criterion *criterion =
        criterion_find(slice_str(strcmp(name, "MEI_obs") == 0 ? "MEI" : name));

    cr_assert(criterion, "there is no criterion %s", name);
    return criterion;
}

static const char *const columns[] = {"MFI",        "bOpt", "thOpt", "MLWI", "MPWI", "MEI_obs",
                                      "MEI_fisher", "MEPV", "KL",    "KLP",  "GDI",  "GDIP"};

static void compare_value(const struct table *table, size_t row, const char *column, double got)
{
    double want = table_number(table, row, column);
    bool is_absolute = strncmp(column, "GDI", 3) == 0;
    double tolerance = is_absolute ? TOLERANCE_GDI : TOLERANCE * fabs(want);

    /* (A distance may be 0 but for rounding.) */
    expect_true(fabs(got - want) <= tolerance + 1e-14, "%s, row %zu, %s: %.17g, not %.17g",
                table_path(table), row, column, got, want);
}

/* All rows of one column; returns how many were compared. */
static size_t check_column(struct scene *scene, const struct table *table, const char *column)
{
    const struct criterion *criterion = criterion_of(column);
    double value[N_ITEM];
    size_t state = 0, n = 0;

    for (size_t row = 0; row < table_n_row(table); row++) {
        size_t item = table_count(table, row, "item") - 1;

        if (table_count(table, row, "state") != state) {
            state = table_count(table, row, "state");
            scene_go(scene, state);
            criterion->values(&scene->input, &scene->candidates, value);
        }
        cr_assert(item < scene->n_item && !blocked_has(scene->candidates.blocked, item));
        compare_value(table, row, column, value[item]);
        n++;
    }
    return n;
}

static void check_values(const struct source *source)
{
    struct table *table = open(source->name, "criteria");
    struct scene scene;
    size_t n = 0;

    scene_open(&scene, source);
    for (size_t c = 0; c < COUNT_OF(columns); c++) {
        if (table_has(table, columns[c])) n += check_column(&scene, table, columns[c]);
    }
    fprintf(stderr, "%s: %zu values compared\n", source->name, n);
    cr_expect(n == source->n_value, "%s: %zu values", source->name, n);
    scene_close(&scene);
    table_free(table);
}

static const struct source sources[] = {
    {"1pl", &model_1pl, 60, 3840, 72},   {"2pl", &model_2pl, 60, 3840, 72},
    {"3pl", &model_3pl, 200, 13920, 72}, {"4pl", &model_4pl, 60, 3840, 72},
    {"grm", &model_grm, 60, 2560, 48},   {"gpcm", &model_gpcm, 60, 2560, 48},
    {"mgrm", &model_mgrm, 40, 1600, 48}, {"pcm", &model_pcm, 40, 1600, 48},
    {"rsm", &model_rsm, 40, 1600, 48},   {"nrm", &model_nrm, 40, 1600, 48},
};

Test(golden_select, criteria_are_as_in_catR)
{
    for (size_t i = 0; i < COUNT_OF(sources); i++) check_values(&sources[i]);
}

/* The five best are those of randomesque, as a set: in the bank's order. Where the fifth and the
 * sixth are as good as equal either may be in it. */
static bool is_same_set(const struct ranked *best, const char *want)
{
    size_t item[N_SHOWN], n_same = 0;

    cr_assert(list_read(want, item, N_SHOWN) == N_SHOWN, "\"%s\" is no set of five", want);
    for (size_t i = 0; i < N_SHOWN; i++) {
        for (size_t j = 0; j < N_SHOWN; j++) n_same += item[i] == best[j].item + 1u;
    }
    return n_same == N_SHOWN;
}

static bool is_tie(const struct ranked *a, const struct ranked *b)
{
    return fabs(a->value - b->value) <= TIE * fabs(b->value);
}

static void check_choice(struct scene *scene, const struct table *table, size_t row)
{
    const char *column = table_text(table, row, "criterion");
    const struct criterion *criterion = criterion_of(column);
    struct ranked best[N_SHOWN + 1];
    double value[N_ITEM];
    size_t n;

    scene_go(scene, table_count(table, row, "state"));
    n = pick_best(criterion, &scene->input, &scene->candidates, value, best, N_SHOWN + 1);
    cr_assert(n == N_SHOWN + 1);
    compare_value(table, row, "value", best[0].value);
    if (table_number(table, row, "relative_gap_to_second") > TIE) {
        expect_true(best[0].item + 1u == table_count(table, row, "item"),
                    "%s, row %zu, %s: item %u chosen", table_path(table), row, column,
                    best[0].item + 1);
    } else {
        expect_true(is_tie(&best[1], &best[0]), "%s, row %zu, %s: no tie", table_path(table), row,
                    column);
    }
    if (is_tie(&best[N_SHOWN], &best[N_SHOWN - 1])) return;
    expect_true(is_same_set(best, table_text(table, row, "randomesque5_set")),
                "%s, row %zu, %s: randomesque", table_path(table), row, column);
}

Test(golden_select, choices_are_as_in_catR)
{
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        struct table *table = open(sources[i].name, "chosen");
        struct scene scene;

        scene_open(&scene, &sources[i]);
        cr_expect(table_n_row(table) == sources[i].n_chosen, "%s", sources[i].name);
        for (size_t row = 0; row < table_n_row(table); row++) check_choice(&scene, table, row);
        scene_close(&scene);
        table_free(table);
    }
}

static void read_pace(struct scene *scene, const struct table *table, size_t row)
{
    bool by_length = strcmp(table_text(table, row, "rule"), "length") == 0;

    scene_go(scene, table_count(table, row, "state"));
    scene->input.pace = (struct pace){.by = by_length ? PACE_LENGTH : PACE_SE,
                                      .acceleration = table_number(table, row, "AP"),
                                      .at = table_number(table, row, "thr"),
                                      .max_items = (unsigned)table_count(table, row, "max_items")};
}

/* catR's uniform draws are replaced by those of the file, so that the formula is written out here
 * with the engine's weight and information. */
static uint32_t choose_progressively(const struct scene *scene, const double *u)
{
    const struct criterion_input *input = &scene->input;
    double W = pace_weight(&input->pace, input->evidence->n, input->se);
    double info[N_ITEM], top = 0.0, best = -1.0;
    uint32_t chosen = PICK_NONE;

    criterion_mfi.values(input, &scene->candidates, info);
    for (uint32_t i = 0; i < scene->n_item; i++) {
        if (!blocked_has(scene->candidates.blocked, i)) top = fmax(top, info[i]);
    }
    for (uint32_t i = 0; i < scene->n_item; i++) {
        double value = W * info[i] + (1.0 - W) * u[i] * top;

        if (blocked_has(scene->candidates.blocked, i) || value <= best) continue;
        best = value;
        chosen = i;
    }
    return chosen;
}

static void check_progressive(const struct source *source)
{
    struct table *table = open(source->name, "progressive");
    struct table *uniform = open(source->name, "progressive_u");
    struct scene scene;
    double u[N_ITEM];

    scene_open(&scene, source);
    cr_expect(table_n_row(table) == 33 && table_n_row(uniform) == source->n_item);
    for (size_t i = 0; i < source->n_item; i++) u[i] = table_number(uniform, i, "u");
    for (size_t row = 0; row < table_n_row(table); row++) {
        uint32_t got;

        read_pace(&scene, table, row);
        got = choose_progressively(&scene, u);
        expect_true(got + 1u == table_count(table, row, "item"), "%s, row %zu: item %u",
                    table_path(table), row, got + 1);
    }
    scene_close(&scene);
    table_free(uniform);
    table_free(table);
}

Test(golden_select, progressive_choices_are_as_in_catR)
{
    static const struct source two[] = {{"3pl", &model_3pl, 200, 0, 0},
                                        {"grm", &model_grm, 60, 0, 0}};

    for (size_t i = 0; i < COUNT_OF(two); i++) check_progressive(&two[i]);
}

/* Each item's value is by the engine's own uniform numbers what the formula above says. */
Test(golden_select, progressive_values_are_those_of_the_formula)
{
    struct table *table = open("grm", "progressive");
    struct scene scene;
    double u[N_ITEM], value[N_ITEM];

    scene_open(&scene, &(struct source){"grm", &model_grm, 60, 0, 0});
    for (size_t row = 0; row < table_n_row(table); row++) {
        struct ranked best;

        read_pace(&scene, table, row);
        scene.input.seed = row;
        for (uint32_t i = 0; i < scene.n_item; i++) u[i] = criterion_uniform(&scene.input, i);
        cr_assert(pick_best(&criterion_progressive, &scene.input, &scene.candidates, value, &best,
                            1) == 1);
        expect_true(best.item == choose_progressively(&scene, u), "row %zu", row);
    }
    scene_close(&scene);
    table_free(table);
}

Test(golden_select, proportional_probabilities_are_as_in_catR)
{
    struct table *table = open("grm", "proportional");
    struct scene scene;
    double value[N_ITEM];
    size_t n = 0;

    scene_open(&scene, &(struct source){"grm", &model_grm, 60, 0, 0});
    for (size_t row = 0; row < table_n_row(table); row++) {
        size_t item = table_count(table, row, "item") - 1;

        read_pace(&scene, table, row);
        criterion_proportional.values(&scene.input, &scene.candidates, value);
        expect_close(value[item], table_number(table, row, "prob"), TOLERANCE_DRAWN,
                     "row %zu: probability of item %zu", row, item + 1);
        n++;
    }
    cr_expect(n == 900);
    scene_close(&scene);
    table_free(table);
}

/* The point of the normal distribution above which alpha / 2 lies, by bisection. */
static double z_of(double alpha)
{
    double low = 0.0, high = 10.0;

    while (high - low > 1e-14) {
        double middle = 0.5 * (low + high);

        if (erfc(middle / sqrt(2.0)) > alpha)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

static double best_info(const struct bank *bank, double theta)
{
    double best = 0.0;

    for (size_t i = 0; i < bank_n_item(bank); i++) {
        best = fmax(best, bank_item(bank, i)->model->info(bank_item(bank, i), theta));
    }
    return best;
}

/* `tcals` may be NULL: then the file's word is taken for the bank's information. */
static bool decide(const struct table *table, size_t row, const struct bank *tcals)
{
    const char *name = table_text(table, row, "rule");
    struct cut cut = {.theta = table_number(table, row, "threshold")};
    struct stop_state state = {.n_answer = (unsigned)table_count(table, row, "n"),
                               .theta = table_number(table, row, "theta"),
                               .se = table_number(table, row, "se"),
                               .best_info = table_number(table, row, "max_info_in_bank"),
                               .cuts = &cut,
                               .n_cut = 1};
    double arg[STOP_PARAMS] = {cut.theta};

    if (tcals) {
        expect_close(best_info(tcals, state.theta), state.best_info, 1e-11, "row %zu", row);
    }
    if (strcmp(name, "length") == 0) return stop_length.met(arg, &state);
    if (strcmp(name, "precision") == 0) return stop_se.met(arg, &state);
    if (strcmp(name, "minInfo") == 0) return stop_min_info.met(arg, &state);
    cr_assert_str_eq(name, "classification");
    arg[0] = z_of(table_number(table, row, "alpha"));
    return stop_classify.met(arg, &state);
}

Test(golden_select, decisions_to_stop_are_as_in_catR)
{
    struct table *table = table_golden("select/tcals_stop_rules.csv");
    struct table *items = table_published("tcals.csv");
    struct bank *tcals = items ? bank_from_table(items, &model_3pl, 1.0) : NULL;
    size_t n_stop = 0;

    cr_expect(table_n_row(table) == 28);
    for (size_t row = 0; row < table_n_row(table); row++) {
        bool want = table_count(table, row, "stop") == 1;

        expect_true(decide(table, row, tcals) == want, "row %zu: not %d", row, want);
        n_stop += want;
    }
    cr_expect(n_stop > 8 && n_stop < 20, "%zu stop", n_stop);
    bank_free(tcals);
    if (items) table_free(items);
    table_free(table);
}
