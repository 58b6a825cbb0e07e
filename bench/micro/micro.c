/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of an answer cost: the pick by each criterion, the step, and a simulation, over
 * banks of 100 to 100,000 items, beside the slow way in the same run. */
#include "bench/micro/filters.h"
#include "bench/micro/measure.h"
#include "bench/micro/report.h"
#include "bench/micro/subject.h"

#include <argp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SIMULATED = 100000,
    MILLION = 1000000,
    SIMULATION_ITEMS = 500,
    MANY_ITEMS = 10000,  // the most items that every criterion is tried with
    CORES = 2,
};

/* DESIGN: one step at most, in us, and a pick among 100,000 at most this share of a scan. */
#define STEP_US        1.0
#define STEP_LARGE_US  2.0
#define PICK_SHARE     (1.0 / 500.0)
#define MILLION_S      60.0
#define AHEAD_MS       0.1
#define AHEAD_LARGE_MS 1.0

struct micro_options {
    struct options common;
    bool million;
};

static const size_t sizes[] = {100, 1000, 10000, 100000};
enum { N_SIZE = sizeof(sizes) / sizeof(sizes[0]) };

static const struct model *const some_models[] = {&model_2pl, &model_3pl, &model_grm, &model_gpcm};
enum { N_MODEL = sizeof(some_models) / sizeof(some_models[0]) };

static void say(const struct model *model, size_t n_item)
{
    fprintf(stderr, "bench: %s, %zu items\n", model->name, n_item);
}

static void hold_picks(struct report *report, const struct report_row *pick, double step_ns)
{
    bool is_2pl = strcmp(pick->model, "2PL") == 0;

    if (is_2pl && pick->n_item == 1000) {
        bars_at_most(&report->bars, "one step, 2PL, 1,000 items", "us", step_ns / 1e3, STEP_US);
    }
    if (is_2pl && pick->n_item == 100000) {
        bars_at_most(&report->bars, "one step, 2PL, 100,000 items", "us", step_ns / 1e3,
                     STEP_LARGE_US);
        bars_at_most(&report->bars, "a pick among 100,000 / the scan of them", "",
                     pick->ns / pick->slow_ns, PICK_SHARE);
    }
}

static void measure_mfi(struct report *report, const struct micro_options *options,
                        const struct bank *bank, const struct model *model)
{
    struct plan *plan = subject_plan(bank, &criterion_mfi);
    struct pick_cost cost = measure_pick(plan, options->common.n_round);
    struct report_row row = {"pick",    model->name, criterion_mfi.name, bank_n_item(bank),
                             cost.fast, cost.slow};
    double step_ns = measure_step(plan, options->common.n_round);

    report_add(report, row);
    hold_picks(report, &row, step_ns);
    row.what = "step";
    row.ns = step_ns;
    row.slow_ns = NAN;
    report_add(report, row);
    plan_free(plan);
}

static bool looks_ahead(const struct criterion *criterion)
{
    static const struct criterion *const ahead[] = {&criterion_mepv, &criterion_mei_observed,
                                                    &criterion_klp, &criterion_gdip};

    for (size_t i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
        if (criterion == ahead[i]) return true;
    }
    return false;
}

static void hold_criterion(struct report *report, const struct report_row *row,
                           const struct criterion *criterion)
{
    char name[BAR_NAME];

    if (!looks_ahead(criterion) || strcmp(row->model, "2PL") != 0) return;
    if (row->n_item != 1000 && row->n_item != 10000) return;
    snprintf(name, sizeof(name), "a pick by %s, 2PL, %zu items", criterion->name, row->n_item);
    bars_at_most(&report->bars, name, "ms", row->ns / 1e6,
                 row->n_item == 1000 ? AHEAD_MS : AHEAD_LARGE_MS);
}

/* Whether a pick looks at less than all items. */
static bool has_fast_way(const struct plan *plan)
{
    const struct criterion *criterion = plan->test.pick.criterion;

    return criterion->is_info || criterion->bounds || plan->centres;
}

static void measure_criteria(struct report *report, const struct bank *bank,
                             const struct model *model)
{
    for (size_t c = 0; criteria[c]; c++) {
        struct plan *plan;
        struct pick_cost cost;
        struct report_row row = {.what = "criterion", .model = model->name};

        if (criteria[c] == &criterion_mfi || !dims_fit(criteria[c]->dims, 1)) continue;
        plan = subject_plan(bank, criteria[c]);
        cost = measure_pick(plan, 1);
        row.criterion = criteria[c]->name;
        row.n_item = bank_n_item(bank);
        row.ns = cost.fast;
        row.slow_ns = has_fast_way(plan) ? cost.slow : NAN;
        report_add(report, row);
        hold_criterion(report, &row, criteria[c]);
        plan_free(plan);
    }
}

static void measure_banks(struct report *report, const struct micro_options *options)
{
    for (size_t m = 0; m < N_MODEL; m++) {
        for (size_t s = 0; s < N_SIZE; s++) {
            struct bank *bank;

            if (options->common.quick && sizes[s] > 1000) continue;
            say(some_models[m], sizes[s]);
            bank = subject_bank(some_models[m], sizes[s]);
            measure_mfi(report, options, bank, some_models[m]);
            if (sizes[s] <= MANY_ITEMS) measure_criteria(report, bank, some_models[m]);
            bank_free(bank);
        }
    }
}

/* Each filter with the pick by maximum information. */
static void measure_filters(struct report *report, const struct micro_options *options)
{
    for (size_t s = 0; s < N_SIZE; s++) {
        if (sizes[s] < 1000 || (options->common.quick && sizes[s] > 1000)) continue;
        say(&model_2pl, sizes[s]);
        for (size_t f = 0; filter_names[f]; f++) {
            struct pick_cost cost = measure_filter(f, sizes[s], options->common.n_round);

            report_add(report, (struct report_row){"filter", model_2pl.name, filter_names[f],
                                                   sizes[s], cost.fast, cost.slow});
        }
    }
}

static void measure_million(struct report *report, const struct micro_options *options)
{
    struct bank *bank = subject_bank(&model_2pl, SIMULATION_ITEMS);
    struct plan *plan = subject_plan(bank, &criterion_mfi);
    size_t n = options->million ? MILLION : SIMULATED;
    struct simulation_cost cost = measure_simulation(plan, n, CORES);

    report->n_examinee = n;
    report->examinee_ns = cost.cpu_ns;
    report->is_extrapolated = !options->million;
    report->million_s = cost.cpu_ns * MILLION / CORES * 1e-9;
    bars_at_most(&report->bars, "1,000,000 examinees x 30 items, two cores", "s", report->million_s,
                 MILLION_S);
    plan_free(plan);
    bank_free(bank);
}

static const struct argp_option option_list[] = {
    {"million", 'm', NULL, 0, "Simulate all of the million examinees", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct micro_options *options = state->input;

    (void)argument;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->common;
        return 0;
    case 'm':
        options->million = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .doc = "Measure what a pick, a step and a simulated examinee cost: median processor time of 5 "
           "rounds. --quick leaves out banks above 1,000 items.",
    .children = options_children,
};

int main(int argc, char **argv)
{
    static struct report report;
    struct micro_options options = {.common.n_round = 5};

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    measure_banks(&report, &options);
    measure_filters(&report, &options);
    measure_million(&report, &options);
    report_tell(&report, &options.common);
    return options.common.check && !bars_met(&report.bars);
}
