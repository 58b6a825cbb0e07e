/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page is XML too (every element is closed), so that any XML tool can read its tables. */
#include "tools/simulation_report.h"
#include "tools/simulation_pictures.h"
#include "tools/svg_chart.h"
#include "tools/test_plot.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

enum { TOP_ITEMS = 20 };

static const char page_style[] =
    ":root{color-scheme:light dark}\n"
    "body{margin:0 auto;padding:24px 20px 48px;max-width:1020px;background:#f4f5f7;color:#1d2127;\n"
    "font:15px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:24px;margin:0 0 2px}h2{font-size:18px;margin:32px 0 10px}\n"
    "p{margin:4px 0 10px;max-width:75ch}.sub{color:#59616b}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(96px,1fr));gap:10px;\n"
    "margin:18px 0}\n"
    ".tile{background:#fff;border-radius:6px;padding:8px 10px}\n"
    ".tile b{display:block;font-size:20px;font-variant-numeric:tabular-nums}\n"
    ".tile span{color:#59616b;font-size:13px}\n"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));\n"
    "gap:12px}.chart{width:100%;height:auto;display:block}\n"
    ".wide{overflow-x:auto;background:#fff;border-radius:6px;margin:12px 0;padding:4px 10px}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:14px}\n"
    "th,td{padding:4px 12px 4px 4px;text-align:right;border-bottom:1px solid #e4e7eb}\n"
    "th{font-weight:600}tr:last-child>*{border-bottom:0}\n"
    "th:first-child,td:first-child,.design td{text-align:left}\n"
    ".hit{font-weight:700}\n"
    "@media screen and (prefers-color-scheme:dark){body{background:#0e1114;color:#dde2e8}\n"
    ".tile,.wide{background:#171b20}.sub,.tile span{color:#98a2ad}\n"
    "th,td{border-color:#2b323a}}\n"
    "@media print{body{background:#fff;padding:0;font-size:11pt}.tile,.wide{padding:4px 0}\n"
    ".charts{grid-template-columns:1fr 1fr}.chart,.tile,tr{break-inside:avoid}}\n";

/* A cell with a number, a dash where there is none. */
static void put_number(FILE *out, const char *format, double value) PRINTF(2, 0);

static void put_number(FILE *out, const char *format, double value)
{
    fputs("<td>", out);
    if (isfinite(value))
        fprintf(out, format, value);
    else
        fputs("\u2013", out);
    fputs("</td>", out);
}

static void put_header(FILE *out, const char *const *names, size_t n)
{
    fputs("<div class=\"wide\"><table>\n<tr>", out);
    for (size_t i = 0; i < n; i++) fprintf(out, "<th>%s</th>", names[i]);
    fputs("</tr>\n", out);
}

static void put_table_end(FILE *out)
{
    fputs("</table></div>\n", out);
}

/* One line of the design; `fmt` makes plain text. */
static void put_fact(FILE *out, const char *name, const char *fmt, ...) PRINTF(3, 4);

static void put_fact(FILE *out, const char *name, const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    fprintf(out, "<tr><th>%s</th><td>", name);
    svg_text(text, out);
    fputs("</td></tr>\n", out);
}

static void put_tile(FILE *out, const char *name, int decimals, double value)
{
    if (isfinite(value))
        fprintf(out, "<div class=\"tile\"><b>%.*f</b><span>%s</span></div>\n", decimals, value,
                name);
    else
        fprintf(out, "<div class=\"tile\"><b>\u2013</b><span>%s</span></div>\n", name);
}

static void put_head(const struct simulation_report *report, FILE *out)
{
    const char *test = report->simulation->plan->test.name;

    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>\n<title>",
          out);
    fprintf(out, "Simulation of %s</title>\n<style>\n%s%s</style></head>\n<body>\n", test,
            page_style, svg_style);
    fprintf(out, "<h1>Simulation of %s</h1>\n<p class=\"sub\">%zu examinees, bank ", test,
            report->simulation->n_examinee);
    svg_text(report->bank, out);
    fprintf(out, ", seed %llu, ", (unsigned long long)report->simulation->seed);
    svg_text(report->date, out);
    fputs("</p>\n", out);
}

static void put_tiles(const struct simulation_summary *summary, FILE *out)
{
    const struct summary_theta *dim = &summary->dim[0];

    fputs("<div class=\"tiles\">\n", out);
    if (summary->n_dim == 1) {
        put_tile(out, "bias", 3, dim->all.bias);
        put_tile(out, "RMSE", 3, dim->all.rmse);
        put_tile(out, "mean SE", 3, dim->all.se);
        put_tile(out, "coverage", 3, dim->all.coverage);
        put_tile(out, "correlation", 3, dim->correlation);
    }
    put_tile(out, "mean length", 1, dim->all.length);
    put_tile(out, "overlap", 3, summary->overlap);
    put_tile(out, "items never used", 0, (double)summary->n_unused);
    if (summary->n_class > 0) put_tile(out, "classified rightly", 3, summary->accuracy);
    fputs("</div>\n", out);
}

static void put_group(FILE *out, const char *name, const struct summary_group *group)
{
    fputs("<tr>", out);
    if (name)
        fprintf(out, "<td>%s</td>", name);
    else
        put_number(out, "%.3f", group->theta);
    fprintf(out, "<td>%zu</td>", group->n);
    put_number(out, "%.3f", group->bias);
    put_number(out, "%.3f", group->rmse);
    put_number(out, "%.3f", group->se);
    put_number(out, "%.3f", group->sd);
    put_number(out, "%.3f", group->coverage);
    put_number(out, "%.1f", group->length);
    fputs("</tr>\n", out);
}

/* A line for each dimension. */
static void put_dims(const struct simulation_summary *summary, FILE *out)
{
    static const char *const names[] = {"dimension", "bias",     "RMSE",       "mean SE",
                                        "SD ratio",  "coverage", "correlation"};

    fputs("<p>SD ratio is the SD of the estimates over the SD of the true thetas.</p>\n", out);
    put_header(out, names, COUNT_OF(names));
    for (size_t m = 0; m < summary->n_dim; m++) {
        const struct summary_theta *dim = &summary->dim[m];

        fprintf(out, "<tr><td>theta %zu</td>", m + 1);
        put_number(out, "%.3f", dim->all.bias);
        put_number(out, "%.3f", dim->all.rmse);
        put_number(out, "%.3f", dim->all.se);
        put_number(out, "%.3f", dim->sd_ratio);
        put_number(out, "%.3f", dim->all.coverage);
        put_number(out, "%.3f", dim->correlation);
        fputs("</tr>\n", out);
    }
    put_table_end(out);
}

/* Precision by dimension m. */
static void put_by_theta(const struct simulation_report *report, size_t m, FILE *out)
{
    static const char *const names[] = {"theta",   "examinees",        "bias",     "RMSE",
                                        "mean SE", "SD of the errors", "coverage", "mean length"};
    const struct summary_theta *dim = &report->summary->dim[m];

    fprintf(out,
            "<p>%s. Coverage is the share of examinees whose estimate "
            "\u00b1 1.96 SE holds theta.</p>\n<div class=\"charts\">\n",
            dim->by_value ? "By each true theta"
                          : "By tenths of the examinees in the order of their true theta");
    picture_by_theta(dim, PICTURE_BIAS, out);
    picture_by_theta(dim, PICTURE_ERRORS, out);
    picture_by_theta(dim, PICTURE_COVERAGE, out);
    picture_estimates(report->simulation, report->examinees->theta + m,
                      report->result->examinee + m, out);
    if (report->summary->n_dim > 1) picture_by_theta(dim, PICTURE_LENGTH, out);
    fputs("</div>\n", out);
    put_header(out, names, COUNT_OF(names));
    for (size_t g = 0; g < dim->n_group; g++) put_group(out, NULL, &dim->group[g]);
    put_group(out, "all", &dim->all);
    put_table_end(out);
}

static void put_precision(const struct simulation_report *report, FILE *out)
{
    size_t n_dim = report->summary->n_dim;

    fputs("<h2>Precision</h2>\n", out);
    if (n_dim > 1) put_dims(report->summary, out);
    for (size_t m = 0; m < n_dim; m++) {
        if (n_dim > 1) fprintf(out, "<h2>Precision by theta %zu</h2>\n", m + 1);
        put_by_theta(report, m, out);
    }
}

static void put_stops(const struct simulation_summary *summary, FILE *out)
{
    static const char *const names[] = {"stopped by", "examinees", "share"};

    fprintf(out,
            "<h2>Length and stop</h2>\n<p>From %u to %u items, median %u, mean %.1f.</p>\n"
            "<div class=\"charts\">\n",
            summary->length_min, summary->length_max, summary->length_median,
            summary->dim[0].all.length);
    picture_lengths(summary, out);
    if (summary->n_dim == 1) picture_by_theta(&summary->dim[0], PICTURE_LENGTH, out);
    fputs("</div>\n", out);
    put_header(out, names, COUNT_OF(names));
    for (size_t s = 0; s < summary->n_stop; s++) {
        fprintf(out, "<tr><td>%s</td><td>%zu</td>", summary->stop[s].name, summary->stop[s].n);
        put_number(out, "%.3f", (double)summary->stop[s].n / (double)summary->dim[0].all.n);
        fputs("</tr>\n", out);
    }
    put_table_end(out);
    if (summary->n_empty > 0) {
        fprintf(out, "<p>%zu examinees could be asked nothing; they are left out.</p>\n",
                summary->n_empty);
    }
}

struct use {
    size_t item;
    double exposure;
};

static int compare_use(const void *a, const void *b)
{
    const struct use *x = a, *y = b;

    if (x->exposure != y->exposure) return x->exposure > y->exposure ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static enum status put_top_items(const struct simulation_report *report, FILE *out)
{
    static const char *const names[] = {"most used items", "examinees", "exposure"};
    const struct simulation_summary *summary = report->summary;
    struct use *use = calloc(summary->n_item, sizeof(*use));

    if (!use) return NO_MEMORY;
    for (size_t i = 0; i < summary->n_item; i++) use[i] = (struct use){i, summary->exposure[i]};
    qsort(use, summary->n_item, sizeof(*use), compare_use);
    put_header(out, names, COUNT_OF(names));
    for (size_t j = 0; j < summary->n_item && j < TOP_ITEMS && use[j].exposure > 0.0; j++) {
        fprintf(out, "<tr><td>%s</td><td>%llu</td>",
                bank_id(report->simulation->plan->bank, use[j].item),
                (unsigned long long)report->result->item_count[use[j].item]);
        put_number(out, "%.3f", use[j].exposure);
        fputs("</tr>\n", out);
    }
    put_table_end(out);
    free(use);
    return OK;
}

static enum status put_items(const struct simulation_report *report, FILE *out)
{
    const struct simulation_summary *summary = report->summary;
    size_t n_used = summary->n_item - summary->n_unused;
    enum status st;

    fprintf(out,
            "<h2>Items</h2>\n<p>%zu of %zu items were used (%.0f %%), %zu by more than %g of the "
            "examinees. The largest exposure rate is %.3f, the mean %.3f. Two examinees have "
            "%.1f %% of their items in common (test overlap rate).</p>\n<div class=\"charts\">\n",
            n_used, summary->n_item, 100.0 * (double)n_used / (double)summary->n_item,
            summary->n_over, SUMMARY_EXPOSURE, summary->exposure_max, summary->exposure_mean,
            100.0 * summary->overlap);
    st = picture_exposure(summary, out);
    if (!st && summary->n_dim == 1) st = plot_test_se(report->simulation->plan, out);
    fputs("</div>\n", out);
    if (summary->n_dim > 1) {
        fputs("<p>The standard error that the bank allows is drawn for banks of one dimension "
              "only.</p>\n",
              out);
    }
    return st ? st : put_top_items(report, out);
}

static const char *class_name(const struct test *test, size_t k)
{
    return k > 0 ? test->cuts[k - 1].name : "below all cuts";
}

static void put_classes(const struct simulation_report *report, FILE *out)
{
    const struct simulation_summary *summary = report->summary;
    const struct test *test = &report->simulation->plan->test;
    size_t n = summary->n_class;

    if (n == 0) return;
    fprintf(out,
            "<h2>Classification</h2>\n<p>%.1f %% of the examinees are put where their true theta "
            "is. Rows are the true classes, columns the estimated ones.</p>\n"
            "<div class=\"wide\"><table>\n<tr><th>true class</th>",
            100.0 * summary->accuracy);
    for (size_t k = 0; k < n; k++) fprintf(out, "<th>%s</th>", class_name(test, k));
    fputs("</tr>\n", out);
    for (size_t k = 0; k < n; k++) {
        fprintf(out, "<tr><td>%s</td>", class_name(test, k));
        for (size_t j = 0; j < n; j++) {
            fprintf(out, "<td%s>%zu</td>", j == k ? " class=\"hit\"" : "",
                    summary->confusion[k * n + j]);
        }
        fputs("</tr>\n", out);
    }
    put_table_end(out);
}

static void put_design(const struct simulation_report *report, FILE *out)
{
    const struct simulation *simulation = report->simulation;
    const struct test *test = &simulation->plan->test;

    fputs("<h2>Design</h2>\n<div class=\"wide design\"><table>\n", out);
    put_fact(out, "test", "%s", test->name);
    put_fact(out, "bank", "%s, %zu items, %u retired", report->bank,
             bank_n_item(simulation->plan->bank), simulation->n_retired);
    put_fact(out, "examinees", "%zu", simulation->n_examinee);
    put_fact(out, "true theta", "%s", report->examinees->about);
    put_fact(out, "responses", "%s",
             simulation->responses ? "those of the matrix" : "drawn from the items' models");
    put_fact(out, "seed", "%llu", (unsigned long long)simulation->seed);
    put_fact(out, "selection", "%s, one of the %zu best", test->pick.criterion->name,
             test->pick.n_best);
    put_fact(out, "estimates", "%s while the test runs, %s at its end",
             test->interim.estimator->name, test->final.estimator->name);
    put_fact(out, "content balancing", "%s", test->n_target > 0 ? test->content_tag : "none");
    put_fact(out, "most items", "%u", simulation->plan->max_items);
    put_fact(out, "time", "%s", "stands still: rules about time do not stop a simulated test");
    put_fact(out, "date", "%s", report->date);
    put_fact(out, "program", "theta %s", THETAD_VERSION);
    put_table_end(out);
    fputs("<p class=\"sub\">The same bank, test, seed and examinees give the same results on any "
          "number of processors.</p>\n",
          out);
}

enum status simulation_report_write(const struct simulation_report *report, FILE *out)
{
    enum status st;

    put_head(report, out);
    put_tiles(report->summary, out);
    put_precision(report, out);
    put_stops(report->summary, out);
    st = put_items(report, out);
    if (st) return st;
    put_classes(report, out);
    put_design(report, out);
    fputs("</body></html>\n", out);
    return ferror(out) ? IO_ERROR : OK;
}
