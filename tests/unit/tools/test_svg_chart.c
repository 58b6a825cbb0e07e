/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/macros.h"
#include "tests/support/expect.h"
#include "tests/unit/tools/markup.h"
#include "tools/svg_chart.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Test(svg_axis, ticks_are_round_numbers)
{
    static const struct {
        double lo, hi, step, min, max;
        size_t n_tick;
        int decimals;
    } row[] = {
        {-1.73, 1.75, 0.5, -2.0, 2.0, 9, 1},        {0.0, 0.0, 0.2, -0.6, 0.6, 7, 1},
        {0.903, 0.973, 0.01, 0.9, 0.98, 9, 2},      {3.0, 5417.0, 1000.0, 0.0, 6000.0, 7, 0},
        {INFINITY, -INFINITY, 0.2, 0.0, 1.0, 6, 1},
    };
    const struct svg_axis axis = {"x", NAN, NAN, false};

    for (size_t i = 0; i < COUNT_OF(row); i++) {
        struct svg_scale scale = svg_scale_make(&axis, row[i].lo, row[i].hi, 8);

        expect_close(scale.first, row[i].min, 1e-12, "row %zu: first", i);
        expect_close(scale.min, row[i].min, 1e-12, "row %zu: min", i);
        expect_close(scale.max, row[i].max, 1e-12, "row %zu: max", i);
        expect_close(scale.step, row[i].step, 1e-12, "row %zu: step", i);
        cr_expect_eq(scale.n_tick, row[i].n_tick, "row %zu: %zu ticks", i, scale.n_tick);
        cr_expect_eq(scale.decimals, row[i].decimals, "row %zu: %d", i, scale.decimals);
    }
}

Test(svg_axis, keeps_given_ends_and_whole_ticks)
{
    struct svg_scale fixed = svg_scale_make(&(struct svg_axis){"p", 0.0, 1.0, false}, -9.0, 9.0, 5);
    struct svg_scale whole = svg_scale_make(&(struct svg_axis){"n", NAN, NAN, true}, 1.0, 3.0, 8);

    expect_close(svg_scale_at(&fixed, 0.25), 0.25, 1e-15, "place");
    cr_expect_eq(fixed.n_tick, 6);
    expect_close(whole.step, 1.0, 1e-15, "step");
    expect_close(svg_scale_tick(&whole, 1), 2.0, 1e-15, "tick");
}

static char *draw(const struct svg_chart *chart)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    svg_picture_begin(500, 400, "a <b> & \"c\"", out);
    svg_chart_write(chart, 3, 4, out);
    svg_picture_end(out);
    fclose(out);
    return text;
}

Test(svg_chart, is_well_formed_and_breaks_at_what_is_no_number)
{
    const double x[] = {0.0, 1.0, 2.0, 3.0, 4.0}, y[] = {0.0, 1.0, NAN, 2.0, INFINITY};
    const struct svg_series series[] = {{"a & b", SVG_LINE, x, y, .n = 5},
                                        {NULL, SVG_DOTTED_LINE, x, y, .n = 5},
                                        {"bars", SVG_BARS, x, y, .n = 4},
                                        {"cloud", SVG_DOTS, x, y, .n = 5}};
    const struct svg_chart chart = {
        "<chart>", {"x", NAN, NAN, false}, {"y", 0.0, 2.0, false}, series, COUNT_OF(series)};
    char *text = draw(&chart);

    expect_well_formed(text);
    cr_expect_not_null(strstr(text, "<title>a &lt;b&gt; &amp; &quot;c&quot;</title>"));
    cr_expect_not_null(strstr(text, "a &amp; b"));
    cr_expect_null(strstr(text, "nan"));
    cr_expect_null(strstr(text, "inf"));
    cr_expect_eq(count_of(text, "<rect class=\"c-p"), 2, "a bar of height 0 is none");
    cr_expect_eq(count_of(text, "<circle"), 3 + 3 + 2, "dots, cloud and two keys");
    free(text);
}

Test(svg_chart, draws_areas_and_points_with_names)
{
    const double x[] = {1.0, 2.0, 2.0, 1.0}, y[] = {0.0, 0.5, 1.5, NAN};
    const char *const names[] = {"q1", "<q2>", "q3", "q4"};
    const struct svg_series series[] = {
        {"band", SVG_AREA, x, y, .n = 4},
        {"points", SVG_POINTS, x, y, .n = 4, .names = names},
    };
    const struct svg_chart chart = {
        "chart", {"x", NAN, NAN, false}, {"y", 0.0, 2.0, false}, series, COUNT_OF(series)};
    char *text = draw(&chart);

    expect_well_formed(text);
    cr_expect_null(strstr(text, "nan"));
    cr_expect_eq(count_of(text, "class=\"c-area c-p0\""), 2, "the area and its key");
    cr_expect_eq(count_of(text, "class=\"c-point c-p0\""), 3);
    cr_expect_not_null(strstr(text, "<title>&lt;q2&gt;</title>"));
    cr_expect_null(strstr(text, "q4"), "what has no place has no point");
    free(text);
}
