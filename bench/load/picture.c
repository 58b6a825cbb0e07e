/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/load/picture.h"
#include "tools/svg_chart.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void picture_add(struct picture *picture, const char *line, double x, double y)
{
    size_t i = 0;
    struct picture_line *to;

    while (i < picture->n_line && strcmp(picture->line[i].name, line) != 0) i++;
    assert(i < PICTURE_LINES);
    to = &picture->line[i];
    if (i == picture->n_line) {
        picture->n_line++;
        to->name = line;
    }
    assert(to->n < PICTURE_POINTS);
    to->x[to->n] = x;
    to->y[to->n++] = y;
}

void picture_write(const struct picture *picture, const struct options *options, const char *name)
{
    struct svg_series series[PICTURE_LINES];
    struct svg_chart chart = {.title = picture->title,
                              .x = {.label = picture->x, .min = NAN, .max = NAN},
                              .y = {.label = picture->y, .min = 0.0, .max = NAN},
                              .series = series,
                              .n_series = picture->n_line};
    FILE *out;

    if (!options->folder) return;
    for (size_t i = 0; i < picture->n_line; i++) {
        const struct picture_line *line = &picture->line[i];

        series[i] = (struct svg_series){
            .name = line->name, .mark = SVG_DOTTED_LINE, .x = line->x, .y = line->y, .n = line->n};
    }
    out = options_file(options, name);
    svg_picture_begin(SVG_CHART_WIDTH, SVG_CHART_HEIGHT, picture->title, out);
    svg_chart_write(&chart, 0, 0, out);
    svg_picture_end(out);
    fclose(out);
}
