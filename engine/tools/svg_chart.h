/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Charts as SVG: lines, points and bars on two axes. A chart stands in a page, or in a picture of
 * its own with others. */
#ifndef TOOLS_SVG_CHART_H
#define TOOLS_SVG_CHART_H

#include "tools/svg_axis.h"

#include <stdio.h>

enum { SVG_CHART_WIDTH = 480, SVG_CHART_HEIGHT = 300 };

enum svg_mark {
    SVG_LINE,
    SVG_DOTTED_LINE,  // a line with a dot at each value
    SVG_DOTS,
    SVG_POINTS,  // dots that can be told apart, and say their name to a pointer
    SVG_BARS,    // one unit of x wide, from 0
    SVG_RULE,    // a thin broken line to compare with
    SVG_AREA,    // filled, with these corners, in the colour of the series behind it in the list
    SVG_N_MARK,
};

/* Values that are not finite, or lie outside the axes, are left out; a line breaks there. */
struct svg_series {
    const char *name;  // in the legend, NULL: not in it
    enum svg_mark mark;
    const double *x, *y;  // [n]
    size_t n;
    const char *const *names;  // [n], of SVG_POINTS
};

struct svg_chart {
    const char *title;
    struct svg_axis x, y;
    const struct svg_series *series;  // [n_series]
    size_t n_series;
};

/* What the classes of a chart look like, in light and in dark: to be in a page's style once. */
extern const char svg_style[];

/* One svg element, SVG_CHART_WIDTH by SVG_CHART_HEIGHT, with its corner at x, y of what it is in.
 */
void svg_chart_write(const struct svg_chart *chart, double x, double y, FILE *out);

/* A picture in a file of its own: what is written in between stands in it. */
void svg_picture_begin(double width, double height, const char *title, FILE *out);
void svg_picture_end(FILE *out);

/* Text with what XML would misread as entities, in elements and in quoted attributes. */
void svg_text(const char *text, FILE *out);

#endif
