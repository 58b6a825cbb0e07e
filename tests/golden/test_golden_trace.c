/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole adaptive tests against catR's, through session_step. */
#include "estimate/constant.h"
#include "estimates.h"
#include "session/session.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOLERANCE 1e-9
/* Below this relative distance of the two best items the choice is a matter of rounding. */
#define TIE 1e-9

struct method {
    const char *name;
    const struct estimator *estimator;
};

static const struct method methods[] = {
    {"EAP", &estimator_eap}, {"BM", &estimator_map}, {"ML", &estimator_ml}, {"WL", &estimator_wle}};

/* One test as it runs beside its reference. */
struct run {
    const struct table *trace;
    const char *responses;  // of the person, one digit per item of the bank
    struct plan *plan;
    struct session *session;
    struct workspace *workspace;
    struct effects effects;
    struct pattern pattern;  // the answers so far
    size_t n_item, n_tie, n_mode, n_stop;
};

static const struct estimator *method_of(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (strcmp(methods[i].name, name) == 0) return methods[i].estimator;
    }
    cr_assert_fail("there is no method %s", name);
    return NULL;
}

static void test_of_trace(struct test *test, const struct estimator *estimator)
{
    test_init(test);
    test->interim.estimator = estimator;
    test->interim.grid =
        (struct grid){.min = -4.0, .max = 4.0, .n_node = 33, .rule = GRID_TRAPEZOID};
    test->final = test->interim;
    test->stop.n_node = 3;
    test->stop.node[0] = (struct stop_node){.join = STOP_ANY, .n_node = 3};
    test->stop.node[1] =
        (struct stop_node){.join = STOP_RULE, .rule = &stop_length, .arg = {20}, .n_node = 1};
    test->stop.node[2] =
        (struct stop_node){.join = STOP_RULE, .rule = &stop_se, .arg = {0.3}, .n_node = 1};
}

static void run_open(struct run *run, const struct test *test, const struct bank *bank)
{
    struct faults faults = {0};
    struct event event = {.kind = EVENT_STARTED, .seed = 41};

    cr_assert(plan_new(test, bank, &run->plan, &faults) == OK);
    pattern_read(&run->pattern, bank, "", "");
    run->workspace = workspace_new(bank_n_item(bank));
    run->session = session_new(run->plan);
    cr_assert(run->session && run->workspace);
    cr_assert(session_step(run->session, &event, run->workspace, &run->effects) == OK);
}

static void run_close(struct run *run)
{
    session_free(run->session);
    workspace_free(run->workspace);
    plan_free(run->plan);
}

/* Whether the reference's ML is a stationary point that is less likely than ours: catR solves for
 * one root of the score and may take a lower mode, or even a minimum. */
static bool is_lower_mode(const struct run *run, size_t row)
{
    double theta[2] = {run->effects.outcome.theta, table_number(run->trace, row, "theta")};
    double loglik[2];

    if (session_plan(run->session)->test.interim.estimator != &estimator_ml) return false;
    evidence_loglik(&run->pattern.evidence, theta, 2, loglik);
    return fabs(theta[0] - theta[1]) > TOLERANCE && loglik[0] > loglik[1] + TOLERANCE;
}

/* One step of the reference: the same item is asked, and the same estimate follows from its answer.
 * False where the two part, at a tie or at a lower mode. */
static bool run_row(struct run *run, size_t row)
{
    const struct table *trace = run->trace;
    uint32_t want = (uint32_t)table_count(trace, row, "item") - 1;
    unsigned score = (unsigned)table_count(trace, row, "response");
    uint32_t seq = (uint32_t)table_count(trace, row, "step");
    bool is_tie = table_has(trace, "info_gap") && table_number(trace, row, "info_gap") <= TIE;
    struct event event = {.kind = EVENT_ANSWERED, .seq = seq, .item = want, .elapsed_ms = -1};

    if (is_tie) run->n_tie++;
    if (run->effects.outcome.item != want && is_tie) return false;
    if (!expect_true(run->effects.outcome.item == want, "%s, row %zu: item %u asked, not %u",
                     table_path(trace), row, run->effects.outcome.item + 1, want + 1)) {
        return false;
    }
    expect_true((unsigned)(run->responses[want] - '0') == score, "%s, row %zu: the response",
                table_path(trace), row);
    event.response = (struct response){.kind = RESPONSE_SCORE, .score = (uint8_t)score};
    cr_assert(session_step(run->session, &event, run->workspace, &run->effects) == OK,
              "%s, row %zu", table_path(trace), row);
    evidence_add(&run->pattern.evidence, want, score, NULL);
    if (is_lower_mode(run, row)) {
        run->n_mode++;
        return false;
    }
    expect_close(run->effects.outcome.theta, table_number(trace, row, "theta"), TOLERANCE,
                 "%s, row %zu: theta", table_path(trace), row);
    expect_close(run->effects.outcome.se, table_number(trace, row, "se"), TOLERANCE,
                 "%s, row %zu: SE", table_path(trace), row);
    run->n_item++;
    return true;
}

static bool is_same_test(const struct table *trace, size_t row, size_t first, const char *key)
{
    return row < table_n_row(trace) &&
           strcmp(table_text(trace, row, "person"), table_text(trace, first, "person")) == 0 &&
           strcmp(table_text(trace, row, key), table_text(trace, first, key)) == 0;
}

/* All steps of the test that begins at `row`; returns the row after its last. `key` names the
 * column that tells a person's tests apart. */
static size_t run_test(struct run *run, size_t row, const char *key)
{
    size_t first = row;
    bool together = true;

    for (; is_same_test(run->trace, row, first, key); row++) {
        if (together) together = run_row(run, row);
    }
    if (!together) return row;
    expect_true(run->effects.outcome.stop != NULL, "%s, row %zu: the test goes on",
                table_path(run->trace), row - 1);
    run->n_stop++;
    return row;
}

struct source {
    const char *name;
    const struct model *model;
    size_t n_row, n_lower_mode, n_tie;
};

static void check_bank(const struct source *source, const struct bank *bank)
{
    const char *name = source->name;
    char path[64];
    struct table *trace, *responses;
    size_t n_item = 0, n_tie = 0, n_mode = 0, n_test = 0, n_stop = 0;

    snprintf(path, sizeof(path), "trace/%s_trace.csv", name);
    trace = table_golden(path);
    snprintf(path, sizeof(path), "trace/%s_responses.csv", name);
    responses = table_golden(path);
    for (size_t row = 0; row < table_n_row(trace); n_test++) {
        struct run run = {.trace = trace};
        struct test test;

        test_of_trace(&test, method_of(table_text(trace, row, "method")));
        run.responses = table_text(responses, table_count(trace, row, "person") - 1, "responses");
        run_open(&run, &test, bank);
        row = run_test(&run, row, "method");
        n_item += run.n_item;
        n_tie += run.n_tie;
        n_mode += run.n_mode;
        n_stop += run.n_stop;
        run_close(&run);
    }
    fprintf(stderr, "%s: %zu of %zu steps in %zu tests compared, %zu to the end\n", name, n_item,
            table_n_row(trace), n_test, n_stop);
    cr_expect(table_n_row(trace) == source->n_row && n_test == 32, "%s", name);
    cr_expect(n_tie == source->n_tie, "%s has %zu ties", name, n_tie);
    cr_expect(n_mode == source->n_lower_mode, "%s: %zu lower modes", name, n_mode);
    cr_expect(n_stop == n_test - n_mode, "%s: %zu tests ended", name, n_stop);
    cr_expect(n_mode > 0 || n_item == source->n_row, "%s: %zu steps", name, n_item);
    table_free(responses);
    table_free(trace);
}

static void check_golden(const struct source *sources, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct bank *bank = bank_golden(sources[i].name, sources[i].model, 1.0);

        check_bank(&sources[i], bank);
        bank_free(bank);
    }
}

Test(golden_trace, whole_tests_of_dichotomous_items_are_as_in_catR)
{
    static const struct source sources[] = {{"1pl", &model_1pl, 640, 0, 0},
                                            {"2pl", &model_2pl, 587, 0, 0},
                                            {"3pl", &model_3pl, 604, 0, 0},
                                            {"4pl", &model_4pl, 640, 0, 0},
                                            {"3pl1000", &model_3pl, 495, 0, 0}};

    check_golden(sources, COUNT_OF(sources));
}

Test(golden_trace, whole_tests_of_polytomous_items_are_as_in_catR)
{
    static const struct source sources[] = {
        {"grm", &model_grm, 640, 0, 0},   {"gpcm", &model_gpcm, 293, 0, 0},
        {"mgrm", &model_mgrm, 640, 0, 0}, {"pcm", &model_pcm, 323, 0, 0},
        {"rsm", &model_rsm, 357, 0, 6},   {"nrm", &model_nrm, 640, 0, 0}};

    check_golden(sources, COUNT_OF(sources));
}

Test(golden_trace, whole_tests_from_published_banks_are_as_in_catR)
{
    static const struct source sources[] = {{"tcals", &model_3pl, 435, 2, 0},
                                            {"cat_pav", &model_gpcm, 413, 0, 0}};

    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        char path[64];
        struct table *table;
        struct bank *bank;

        snprintf(path, sizeof(path), "%s.csv", sources[i].name);
        table = table_published(path);
        if (!table) continue;
        bank = bank_from_table(table, sources[i].model, 1.0);
        check_bank(&sources[i], bank);
        bank_free(bank);
        table_free(table);
    }
}

static void read_targets(const char *config, struct test *test)
{
    struct table *table = table_golden("trace/tcals_content_proportions.csv");

    snprintf(test->content_tag, sizeof(test->content_tag), "group");
    for (size_t row = 0; row < table_n_row(table); row++) {
        struct target *target = &test->targets[test->n_target];

        if (strcmp(table_text(table, row, "config"), config) != 0) continue;
        snprintf(target->value, sizeof(target->value), "%s", table_text(table, row, "group"));
        target->proportion = table_number(table, row, "proportion");
        test->n_target++;
    }
    cr_assert(test->n_target == 5, "config %s has %zu groups", config, test->n_target);
    table_free(table);
}

static void check_balanced(const struct bank *bank)
{
    struct table *trace = table_golden("trace/tcals_content_balanced_trace.csv");
    struct table *responses = table_golden("trace/tcals_responses.csv");
    size_t n_item = 0;

    for (size_t row = 0; row < table_n_row(trace);) {
        struct run run = {.trace = trace};
        struct test test;

        test_of_trace(&test, &estimator_eap);
        test.stop.n_node = test.stop.node[0].n_node = 2;  // the length alone
        read_targets(table_text(trace, row, "config"), &test);
        run.responses = table_text(responses, table_count(trace, row, "person") - 1, "responses");
        run_open(&run, &test, bank);
        row = run_test(&run, row, "config");
        n_item += run.n_item;
        run_close(&run);
    }
    cr_expect(n_item == 320, "%zu steps compared", n_item);
    table_free(responses);
    table_free(trace);
}

Test(golden_trace, content_balanced_tests_are_as_in_catR)
{
    struct table *tcals = table_published("tcals.csv");
    struct bank *bank;

    if (!tcals) return;
    bank = bank_from_table(tcals, &model_3pl, 1.0);
    check_balanced(bank);
    bank_free(bank);
    table_free(tcals);
}

/* A file of tests of 10 or 12 items from tcals, each made ready by `ready` from its kind, which
 * stands in the column `key`. Returns the steps compared. */
static size_t check_kinds(const struct bank *bank, const char *file, const char *key,
                          void (*ready)(const char *kind, struct test *test))
{
    struct table *trace = table_golden(file);
    struct table *responses = table_golden("trace/tcals_responses.csv");
    size_t n_item = 0;

    for (size_t row = 0; row < table_n_row(trace);) {
        struct run run = {.trace = trace};
        struct test test;

        test_of_trace(&test, &estimator_eap);
        test.stop.n_node = test.stop.node[0].n_node = 2;  // the length alone
        ready(table_text(trace, row, key), &test);
        test.final = test.interim;
        run.responses = table_text(responses, table_count(trace, row, "person") - 1, "responses");
        run_open(&run, &test, bank);
        row = run_test(&run, row, key);
        n_item += run.n_item;
        run_close(&run);
    }
    table_free(responses);
    table_free(trace);
    return n_item;
}

/* catR's MEI is ours by the posterior mode; its other criteria have our names. The first item is by
 * information. */
static void ready_criterion(const char *kind, struct test *test)
{
    test->first_pick.criterion = &criterion_mfi;
    test->pick.criterion = criterion_find(slice_str(kind));
    test->stop.node[1].arg[0] = 12;
    cr_assert(test->pick.criterion, "there is no criterion %s", kind);
}

/* What to do while all answers are alike: BM is the posterior mode, WL is Warm's. */
static void ready_constant(const char *kind, struct test *test)
{
    const char *ours = strcmp(kind, "BM") == 0 ? "MAP" : strcmp(kind, "WL") == 0 ? "WLE" : kind;

    test->interim.estimator = &estimator_ml;
    test->interim.constant = constant_rule_find(slice_str(ours));
    test->stop.node[1].arg[0] = 10;
    cr_assert(test->interim.constant, "there is no rule %s", ours);
}

Test(golden_trace, tests_by_other_criteria_are_as_in_catR)
{
    struct table *tcals = table_published("tcals.csv");
    struct bank *bank;

    if (!tcals) return;
    bank = bank_from_table(tcals, &model_3pl, 1.0);
    cr_expect(check_kinds(bank, "trace/tcals_other_criteria_trace.csv", "criterion",
                          ready_criterion) == 240);
    bank_free(bank);
    table_free(tcals);
}

Test(golden_trace, rules_for_constant_patterns_are_as_in_catR)
{
    struct table *tcals = table_published("tcals.csv");
    struct bank *bank;

    if (!tcals) return;
    bank = bank_from_table(tcals, &model_3pl, 1.0);
    cr_expect(check_kinds(bank, "trace/tcals_constant_pattern_ML_trace.csv", "constant_rule",
                          ready_constant) == 150);
    bank_free(bank);
    table_free(tcals);
}
