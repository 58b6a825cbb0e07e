/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/tools/markup.h"
#include "tests/unit/tools/simulate_test.h"
#include "tools/simulation_report.h"
#include "tools/test_plot.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char *write_page(const struct trial_run *run)
{
    const struct simulation_report report = {&run->simulation, &run->examinees, &run->result,
                                             &run->summary,    "pool <1>, v2",  "2026-07-21 17:05"};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    cr_assert_eq(simulation_report_write(&report, out), OK);
    fclose(out);
    return text;
}

static void simulate_test(struct trial_run *run)
{
    struct test test = test_of_length(10);

    snprintf(test.name, sizeof(test.name), "quick-3");
    test.n_cut = 1;
    test.cuts[0] = (struct cut){.name = "passed", .theta = 0.25};
    run_prepare(run, bank_spread(40), &test);
    cr_assert_eq(examinees_grid(91, -3.0, 3.0, 1.0, &run->examinees), OK);
    run_go(run);
}

Test(simulation_report, is_one_page_that_needs_nothing_else)
{
    static const char *const external[] = {"http:", "https:", "src=", "href=", "url(", "@import"};
    struct trial_run run;
    char *text;

    simulate_test(&run);
    text = write_page(&run);
    expect_well_formed(text);
    for (size_t i = 0; i < COUNT_OF(external); i++) {
        cr_expect_null(strstr(text, external[i]), "%s", external[i]);
    }
    cr_expect_eq(count_of(text, "<svg"), 8);
    cr_expect_null(strstr(text, "nan"));
    free(text);
    run_done(&run);
}

Test(simulation_report, states_design_and_seed)
{
    static const char *const parts[] = {
        "Simulation of quick-3",
        "seed 20260721",
        "2026-07-21 17:05",
        "pool &lt;1&gt;, v2",
        "91",
        "grid of 7 points from -3 in steps of 1",
        "<td>below all cuts</td>",
        "<th>passed</th>",
        "MFI, one of the 1 best",
        "EAP while the test runs",
        "test overlap rate",
        "most items</th><td>10<",
    };
    struct trial_run run;
    char *text, *again;

    simulate_test(&run);
    text = write_page(&run);
    again = write_page(&run);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        cr_expect_not_null(strstr(text, parts[i]), "%s", parts[i]);
    }
    cr_expect_str_eq(text, again);
    free(text);
    free(again);
    run_done(&run);
}

Test(test_plot, pictures_are_well_formed)
{
    const struct item_spec specs[] = {
        spec_logistic("q1", &model_3pl, (const double[]){1.25, -0.5, 0.2, 1.0}),
        spec_steps("q2", &model_grm, 1.5, (const double[]){-1.25, 0.5, 2.0}, 3),
        spec_steps("q3", &model_gpcm, 0.75, (const double[]){0.25, -0.5}, 2),
    };
    struct bank *bank = bank_of_specs(specs, COUNT_OF(specs), 1.0);
    const uint32_t items[] = {0, 2, 1};
    struct test test = test_of_length(2);
    struct plan *plan = NULL;
    struct faults faults = {0};
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    plot_items(bank, items, COUNT_OF(items), out);
    fclose(out);
    expect_well_formed(text);
    cr_expect_eq(count_of(text, "class=\"chart\""), 6);
    cr_expect_not_null(strstr(text, "q3 (GPCM): probability of each score"));
    free(text);

    cr_assert_eq(plan_new(&test, bank, &plan, &faults), OK);
    out = open_memstream(&text, &n);
    cr_assert_eq(plot_test(plan, out), OK);
    fclose(out);
    expect_well_formed(text);
    cr_expect_not_null(strstr(text, "best 2 items"));
    free(text);
    plan_free(plan);
    bank_free(bank);
}
