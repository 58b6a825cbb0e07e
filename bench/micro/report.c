/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/micro/report.h"
#include "base/macros.h"
#include "tools/svg_chart.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { POINTS = 8, SERIES = 12, GAP = 16 };

void report_add(struct report *report, struct report_row row)
{
    assert(report->n_row < REPORT_ROWS);
    report->row[report->n_row++] = row;
}

/* A time in the unit in which it has one to four digits before the point. */
static void print_time(double ns)
{
    static const struct {
        double ns;
        const char *unit;
    } units[] = {{1e9, "s "}, {1e6, "ms"}, {1e3, "us"}, {1.0, "ns"}};
    size_t i = 0;

    while (i < 3 && ns < units[i].ns) i++;
    printf(" %8.2f %s", ns / units[i].ns, units[i].unit);
}

static void print_rows(const struct report *report)
{
    printf("%-9s %-6s %-12s %8s %11s %11s %8s\n", "what", "model", "criterion", "items", "time",
           "slow way", "slow/fast");
    for (size_t i = 0; i < report->n_row; i++) {
        const struct report_row *row = &report->row[i];

        printf("%-9s %-6s %-12s %8zu", row->what, row->model, row->criterion, row->n_item);
        print_time(row->ns);
        if (!isnan(row->slow_ns)) {
            print_time(row->slow_ns);
            printf(" %8.1f", row->slow_ns / row->ns);
        }
        putchar('\n');
    }
}

static void print(const struct report *report)
{
    print_rows(report);
    printf("\nsimulation: %zu examinees, %.1f us each in processor time\n", report->n_examinee,
           report->examinee_ns / 1000.0);
    printf("            1,000,000 take %.1f s on two cores%s\n", report->million_s,
           report->is_extrapolated ? " (extrapolated)" : "");
    bars_print(&report->bars, "slower than intended, or the machine was busy; nothing is wrong "
                              "with the picks.");
}

static json_t *as_json(const struct report *report)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < report->n_row; i++) {
        const struct report_row *row = &report->row[i];
        json_t *out =
            json_pack("{s:s, s:s, s:s, s:I, s:f}", "what", row->what, "model", row->model,
                      "criterion", row->criterion, "items", (json_int_t)row->n_item, "ns", row->ns);

        if (!isnan(row->slow_ns)) json_object_set_new(out, "slow_ns", json_real(row->slow_ns));
        json_array_append_new(rows, out);
    }
    return json_pack("{s:o, s:{s:I, s:f, s:f, s:b}, s:o, s:b}", "rows", rows, "simulation",
                     "examinees", (json_int_t)report->n_examinee, "examinee_ns",
                     report->examinee_ns, "million_s", report->million_s, "extrapolated",
                     report->is_extrapolated, "bars", bars_json(&report->bars), "met",
                     bars_met(&report->bars));
}

/* The series of a chart: rows of one kind by what names them. */
struct drawing {
    struct svg_series series[SERIES];
    double x[SERIES][POINTS], y[SERIES][POINTS];
    size_t n;
};

static void plot(struct drawing *drawing, const char *name, size_t n_item, double ns)
{
    size_t s = 0, at;

    while (s < drawing->n && strcmp(drawing->series[s].name, name) != 0) s++;
    if (s == SERIES) return;
    if (s == drawing->n) {
        drawing->series[drawing->n++] = (struct svg_series){
            .name = name, .mark = SVG_DOTTED_LINE, .x = drawing->x[s], .y = drawing->y[s]};
    }
    at = drawing->series[s].n;
    if (at == POINTS) return;
    drawing->x[s][at] = log10((double)n_item);
    drawing->y[s][at] = log10(ns);
    drawing->series[s].n++;
}

static void write_chart(const char *title, struct drawing *drawing, double x, FILE *out)
{
    struct svg_chart chart = {
        .title = title,
        .x = {.label = "log10 of the number of items", .min = NAN, .max = NAN, .whole = true},
        .y = {.label = "log10 of the time in ns", .min = 0.0, .max = NAN},
        .series = drawing->series,
        .n_series = drawing->n};

    svg_chart_write(&chart, x, 0, out);
}

/* Of the criteria those that look ahead or weigh by the posterior: all would be too many lines. */
static bool is_drawn(const char *criterion)
{
    static const char *const drawn[] = {"MPWI", "MEI", "MEPV", "KLP", "GDIP"};

    for (size_t i = 0; i < COUNT_OF(drawn); i++) {
        if (strcmp(criterion, drawn[i]) == 0) return true;
    }
    return false;
}

static void draw(const struct report *report, FILE *out)
{
    struct drawing picks = {0}, others = {0};

    for (size_t i = 0; i < report->n_row; i++) {
        const struct report_row *row = &report->row[i];
        bool is_pick = strcmp(row->what, "pick") == 0;

        if (is_pick) plot(&picks, row->model, row->n_item, row->ns);
        if (is_pick && strcmp(row->model, "3PL") == 0) {
            plot(&picks, "3PL, slow way", row->n_item, row->slow_ns);
        }
        if (strcmp(row->what, "criterion") == 0 && strcmp(row->model, "3PL") == 0 &&
            is_drawn(row->criterion)) {
            plot(&others, row->criterion, row->n_item, row->ns);
        }
    }
    svg_picture_begin(2 * SVG_CHART_WIDTH + GAP, SVG_CHART_HEIGHT, "Cost of a pick", out);
    write_chart("A pick by maximum information", &picks, 0, out);
    write_chart("A pick by other criteria, 3PL", &others, SVG_CHART_WIDTH + GAP, out);
    svg_picture_end(out);
}

void report_tell(const struct report *report, const struct options *options)
{
    json_t *json = as_json(report);

    if (options->json)
        options_print(json);
    else
        print(report);
    if (options->folder) {
        FILE *out = options_file(options, "micro.svg");

        draw(report, out);
        fclose(out);
    }
    options_record(options, "micro.json", json);
}
