/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/macros.h"
#include "tests/unit/tools/markup.h"
#include "tools/session_plot.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *draw(const struct path *path)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    cr_assert_eq(plot_path(path, out), OK);
    fclose(out);
    expect_well_formed(text);
    cr_expect_null(strstr(text, "nan"));
    cr_expect_null(strstr(text, "inf"));
    return text;
}

Test(session_plot, tells_how_each_item_was_answered)
{
    const struct path_step steps[] = {
        {"q1", 0.4, 0.9, 0.1, 1.0},       {"q2", 0.7, 0.8, 0.9, 0.0},
        {"q3", 0.6, 0.7, 1.3, 0.5},       {"q4", 0.6, 0.7, -0.385, NAN},
        {"q5", 0.65, INFINITY, NAN, 1.0}, {"q6", 0.65, NAN, 0.2, 1.0},
    };
    const struct path path = {.title = "session <1>",
                              .captions = {"test t", "ended because a < b"},
                              .steps = steps,
                              .n = COUNT_OF(steps)};
    char *text = draw(&path);

    cr_expect_eq(count_of(text, "class=\"c-point c-p1\""), 1, "wrong");
    cr_expect_eq(count_of(text, "class=\"c-point c-p2\""), 2, "right");
    cr_expect_eq(count_of(text, "class=\"c-point c-p3\""), 1, "partly");
    cr_expect_eq(count_of(text, "class=\"c-point c-p4\""), 1, "waits");
    cr_expect_null(strstr(text, "<title>q5</title>"), "its difficulty is not known");
    cr_expect_not_null(strstr(text, "ended because a &lt; b"));
    cr_expect_not_null(strstr(text, "session &lt;1&gt;"));
    free(text);
}

Test(session_plot, of_a_session_without_items_or_answers)
{
    const struct path_step steps[] = {{"q1", 0.4, 0.9, NAN, 1.0}, {"q2", 0.7, 0.8, NAN, 0.0}};
    struct path path = {.title = "s", .steps = steps, .n = 2};
    char *text = draw(&path);

    cr_expect_eq(count_of(text, "c-point c-p"), 0);
    cr_expect_null(strstr(text, ">right<"), "what is not there has no key");
    free(text);
    path.n = 0;
    free(draw(&path));
}
