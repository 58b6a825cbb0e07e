/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looks are classes and not attributes, so that a page is dark where its reader's screen is; the
 * first colours are those of Okabe and Ito (2008), told apart by most colour-blind readers,
 * and lines differ in their dashes too, for print. */
#include "tools/svg_chart.h"

#include <math.h>

/* The plot inside the chart, in pixels. */
enum { LEFT = 58, RIGHT = 466, TOP = 54, BOTTOM = 254 };
enum {
    TITLE_Y = 18,
    LEGEND_Y = 38,
    LEGEND_KEY = 20,
    POINT_KEY = 8,
    LEGEND_GAP = 14,
    LABEL_Y = 290,
    DOT = 3,
    POINT = 4
};
enum { X_TICKS = 8, Y_TICKS = 5, COLOURS = 6 };

/* The mean width of a legend's letters, in pixels: there is no font to measure with. */
#define LETTER_WIDTH 5.9

/* Bars leave this share of their room empty. */
#define BAR_GAP 0.15

const char svg_style[] =
    ".c-back{fill:#fff}.c-grid{stroke:#e4e7eb}.c-axis{stroke:#7b838d}\n"
    ".c-text{fill:#3c434b;font:11px system-ui,sans-serif}\n"
    ".c-title{fill:#16191d;font:600 13px system-ui,sans-serif}\n"
    ".c-area{fill-opacity:.16}.c-point{stroke:#fff;stroke-width:1}\n"
    ".c-rule{stroke:#6b737d;stroke-dasharray:5 4;fill:none}\n"
    ".c-l0,.c-l1,.c-l2,.c-l3,.c-l4,.c-l5{fill:none;stroke-width:2;stroke-linejoin:round}\n"
    ".c-l0{stroke:#0072b2}.c-l1{stroke:#d55e00;stroke-dasharray:7 3}\n"
    ".c-l2{stroke:#009e73;stroke-dasharray:2 3}.c-l3{stroke:#a8458a;stroke-dasharray:9 3 2 3}\n"
    ".c-l4{stroke:#8a6d00;stroke-dasharray:12 4}.c-l5{stroke:#4b5563;stroke-dasharray:4 2}\n"
    ".c-p0{fill:#0072b2}.c-p1{fill:#d55e00}.c-p2{fill:#009e73}.c-p3{fill:#a8458a}\n"
    ".c-p4{fill:#8a6d00}.c-p5{fill:#4b5563}.c-dots{fill-opacity:.35}\n"
    "@media screen and (prefers-color-scheme:dark){\n"
    ".c-back{fill:#171b20}.c-grid{stroke:#2b323a}.c-axis{stroke:#8f98a3}\n"
    ".c-area{fill-opacity:.25}.c-point{stroke:#171b20}\n"
    ".c-text{fill:#c3cad2}.c-title{fill:#f0f3f6}.c-rule{stroke:#98a2ad}\n"
    ".c-l0{stroke:#56b4e9}.c-l1{stroke:#f0994a}.c-l2{stroke:#3ecf9f}.c-l3{stroke:#e08cc4}\n"
    ".c-l4{stroke:#e6c84c}.c-l5{stroke:#b6bec8}\n"
    ".c-p0{fill:#56b4e9}.c-p1{fill:#f0994a}.c-p2{fill:#3ecf9f}.c-p3{fill:#e08cc4}\n"
    ".c-p4{fill:#e6c84c}.c-p5{fill:#b6bec8}}\n";

/* A chart on its way out. */
struct plot {
    const struct svg_chart *chart;
    struct svg_scale x, y;
    FILE *out;
};

void svg_text(const char *text, FILE *out)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

static double x_at(const struct plot *plot, double value)
{
    return LEFT + (RIGHT - LEFT) * svg_scale_at(&plot->x, value);
}

static double y_at(const struct plot *plot, double value)
{
    return BOTTOM - (BOTTOM - TOP) * svg_scale_at(&plot->y, value);
}

static bool is_inside(const struct plot *plot, double x, double y)
{
    return x >= plot->x.min && x <= plot->x.max && y >= plot->y.min && y <= plot->y.max;
}

static void put_label(const struct plot *plot, double x, double y, const char *where,
                      const char *text)
{
    fprintf(plot->out, "<text class=\"c-text\" x=\"%.1f\" y=\"%.1f\"%s>", x, y, where);
    svg_text(text, plot->out);
    fputs("</text>\n", plot->out);
}

static void put_line(const struct plot *plot, const char *class, const double from[2],
                     const double to[2])
{
    fprintf(plot->out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
            class, from[0], from[1], to[0], to[1]);
}

static void put_axes(const struct plot *plot)
{
    char text[32];

    for (size_t i = 0; i < plot->y.n_tick; i++) {
        double value = svg_scale_tick(&plot->y, i), y = y_at(plot, value);

        put_line(plot, "c-grid", (double[]){LEFT, y}, (double[]){RIGHT, y});
        snprintf(text, sizeof(text), "%.*f", plot->y.decimals, value);
        put_label(plot, LEFT - 7, y + 4, " text-anchor=\"end\"", text);
    }
    for (size_t i = 0; i < plot->x.n_tick; i++) {
        double value = svg_scale_tick(&plot->x, i), x = x_at(plot, value);

        put_line(plot, "c-axis", (double[]){x, BOTTOM}, (double[]){x, BOTTOM + 4});
        snprintf(text, sizeof(text), "%.*f", plot->x.decimals, value);
        put_label(plot, x, BOTTOM + 17, " text-anchor=\"middle\"", text);
    }
    put_line(plot, "c-axis", (double[]){LEFT, BOTTOM}, (double[]){RIGHT, BOTTOM});
    put_line(plot, "c-axis", (double[]){LEFT, TOP}, (double[]){LEFT, BOTTOM});
    put_label(plot, (LEFT + RIGHT) / 2.0, LABEL_Y, " text-anchor=\"middle\"", plot->chart->x.label);
    snprintf(text, sizeof(text), "%d", (TOP + BOTTOM) / 2);
    fprintf(plot->out,
            "<text class=\"c-text\" text-anchor=\"middle\" transform=\"translate(14 %s) "
            "rotate(-90)\">",
            text);
    svg_text(plot->chart->y.label, plot->out);
    fputs("</text>\n", plot->out);
}

static void put_path(const struct plot *plot, const struct svg_series *series, const char *class)
{
    bool down = false;  // the pen

    fprintf(plot->out, "<path class=\"%s\" d=\"", class);
    for (size_t i = 0; i < series->n; i++) {
        bool inside = is_inside(plot, series->x[i], series->y[i]);

        if (inside) {
            fprintf(plot->out, "%c%.1f %.1f", down ? 'L' : 'M', x_at(plot, series->x[i]),
                    y_at(plot, series->y[i]));
        }
        down = inside;
    }
    fputs("\"/>\n", plot->out);
}

static void put_area(const struct plot *plot, const struct svg_series *series, size_t colour)
{
    const char *go = "M";

    fprintf(plot->out, "<path class=\"c-area c-p%zu\" d=\"", colour);
    for (size_t i = 0; i < series->n; i++) {
        if (!is_inside(plot, series->x[i], series->y[i])) continue;
        fprintf(plot->out, "%s%.1f %.1f", go, x_at(plot, series->x[i]), y_at(plot, series->y[i]));
        go = "L";
    }
    fputs("\"/>\n", plot->out);
}

static void put_points(const struct plot *plot, const struct svg_series *series, size_t colour)
{
    for (size_t i = 0; i < series->n; i++) {
        if (!is_inside(plot, series->x[i], series->y[i])) continue;
        fprintf(plot->out,
                "<circle class=\"c-point c-p%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"%d\"><title>", colour,
                x_at(plot, series->x[i]), y_at(plot, series->y[i]), POINT);
        svg_text(series->names[i], plot->out);
        fputs("</title></circle>\n", plot->out);
    }
}

/* The dots of a line say their values to a pointer; a cloud of dots would be too much. */
static void put_dots(const struct plot *plot, const struct svg_series *series, size_t colour)
{
    bool cloud = series->mark == SVG_DOTS;

    for (size_t i = 0; i < series->n; i++) {
        double x = series->x[i], y = series->y[i];

        if (!is_inside(plot, x, y)) continue;
        fprintf(plot->out, "<circle class=\"c-p%zu%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%d\"", colour,
                cloud ? " c-dots" : "", x_at(plot, x), y_at(plot, y), cloud ? DOT - 1 : DOT);
        if (cloud)
            fputs("/>\n", plot->out);
        else
            fprintf(plot->out, "><title>%.3g: %.4g</title></circle>\n", x, y);
    }
}

static void put_bars(const struct plot *plot, const struct svg_series *series, size_t colour)
{
    double unit = x_at(plot, plot->x.min + 1.0) - LEFT, width = unit * (1.0 - BAR_GAP);

    for (size_t i = 0; i < series->n; i++) {
        double x = series->x[i], y = series->y[i];

        if (!is_inside(plot, x, y) || !(y > 0.0)) continue;
        fprintf(plot->out,
                "<rect class=\"c-p%zu\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\">"
                "<title>%.6g: %.6g</title></rect>\n",
                colour, x_at(plot, x) - width / 2.0, y_at(plot, y), width, BOTTOM - y_at(plot, y),
                x, y);
    }
}

static bool is_line(enum svg_mark mark)
{
    return mark == SVG_LINE || mark == SVG_DOTTED_LINE || mark == SVG_RULE;
}

static void put_series(const struct plot *plot, const struct svg_series *series, size_t colour)
{
    char class[16];

    snprintf(class, sizeof(class), series->mark == SVG_RULE ? "c-rule" : "c-l%zu", colour);
    if (series->mark == SVG_BARS) put_bars(plot, series, colour);
    if (series->mark == SVG_AREA) put_area(plot, series, colour);
    if (series->mark == SVG_POINTS) put_points(plot, series, colour);
    if (is_line(series->mark)) put_path(plot, series, class);
    if (series->mark == SVG_DOTTED_LINE || series->mark == SVG_DOTS) {
        put_dots(plot, series, colour);
    }
}

/* The mark of a key, from x to x + width. */
static void put_key_mark(const struct plot *plot, const struct svg_series *series, size_t colour,
                         const double at[2], double width)
{
    char class[16];

    if (series->mark == SVG_AREA) {
        fprintf(plot->out,
                "<rect class=\"c-area c-p%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                "height=\"10\"/>\n",
                colour, at[0], at[1] - 5.0, width);
    } else if (!is_line(series->mark)) {
        fprintf(plot->out, "<circle class=\"c-p%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n", colour,
                at[0] + width / 2.0, at[1]);
    } else {
        snprintf(class, sizeof(class), series->mark == SVG_RULE ? "c-rule" : "c-l%zu", colour);
        put_line(plot, class, at, (double[]){at[0] + width, at[1]});
    }
}

/* The key of a series at x. Returns where the next may begin. */
static double put_key(const struct plot *plot, const struct svg_series *series, size_t colour,
                      double x)
{
    double width = series->mark == SVG_POINTS ? POINT_KEY : LEGEND_KEY;
    size_t n = 0;

    put_key_mark(plot, series, colour, (double[]){x, LEGEND_Y - 4.0}, width);
    put_label(plot, x + width + 5.0, LEGEND_Y, "", series->name);
    for (const char *c = series->name; *c; c++) n += ((unsigned char)*c & 0xC0) != 0x80;
    return x + width + 5.0 + LETTER_WIDTH * (double)n + LEGEND_GAP;
}

/* Colours go round; a rule has none, an area that of the next series. */
static void put_all(const struct plot *plot)
{
    double key_x = LEFT;
    size_t colour = 0;

    for (size_t s = 0; s < plot->chart->n_series; s++) {
        const struct svg_series *series = &plot->chart->series[s];

        put_series(plot, series, colour);
        if (series->name) key_x = put_key(plot, series, colour, key_x);
        if (series->mark != SVG_RULE && series->mark != SVG_AREA) colour = (colour + 1) % COLOURS;
    }
}

/* Bars reach half a unit to either side of their x, and down to 0. */
static void widen(const struct svg_series *series, size_t i, double x[2], double y[2])
{
    double half = series->mark == SVG_BARS ? 0.5 : 0.0;

    if (!isfinite(series->x[i]) || !isfinite(series->y[i])) return;
    x[0] = fmin(x[0], series->x[i] - half);
    x[1] = fmax(x[1], series->x[i] + half);
    y[0] = fmin(y[0], series->mark == SVG_BARS ? 0.0 : series->y[i]);
    y[1] = fmax(y[1], series->y[i]);
}

static void make_scales(struct plot *plot)
{
    const struct svg_chart *chart = plot->chart;
    double x[2] = {INFINITY, -INFINITY}, y[2] = {INFINITY, -INFINITY};

    for (size_t s = 0; s < chart->n_series; s++) {
        for (size_t i = 0; i < chart->series[s].n; i++) widen(&chart->series[s], i, x, y);
    }
    plot->x = svg_scale_make(&chart->x, x[0], x[1], X_TICKS);
    plot->y = svg_scale_make(&chart->y, y[0], y[1], Y_TICKS);
}

void svg_chart_write(const struct svg_chart *chart, double x, double y, FILE *out)
{
    struct plot plot = {.chart = chart, .out = out};

    make_scales(&plot);
    fprintf(out,
            "<svg class=\"chart\" role=\"img\" x=\"%g\" y=\"%g\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" aria-label=\"",
            x, y, SVG_CHART_WIDTH, SVG_CHART_HEIGHT, SVG_CHART_WIDTH, SVG_CHART_HEIGHT);
    svg_text(chart->title, out);
    fprintf(out,
            "\">\n<rect class=\"c-back\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n"
            "<text class=\"c-title\" x=\"%d\" y=\"%d\">",
            SVG_CHART_WIDTH, SVG_CHART_HEIGHT, LEFT, TITLE_Y);
    svg_text(chart->title, out);
    fputs("</text>\n", out);
    put_axes(&plot);
    put_all(&plot);
    fputs("</svg>\n", out);
}

void svg_picture_begin(double width, double height, const char *title, FILE *out)
{
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%g\" height=\"%g\" "
            "viewBox=\"0 0 %g %g\">\n<title>",
            width, height, width, height);
    svg_text(title, out);
    fprintf(out,
            "</title>\n<style>\n%s</style>\n<rect class=\"c-back\" width=\"%g\" height=\"%g\"/>\n",
            svg_style, width, height);
}

void svg_picture_end(FILE *out)
{
    fputs("</svg>\n", out);
}
