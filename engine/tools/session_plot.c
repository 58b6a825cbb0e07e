/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/session_plot.h"
#include "tools/svg_chart.h"

#include <math.h>
#include <stdlib.h>

/* Of a normal distribution 95 in 100 lie within so many standard errors. */
#define BAND_SE 1.96

/* Beyond these a band says "nothing is known" and would flatten the rest. */
#define BAND_MIN -5.0
#define BAND_MAX 5.0

enum { CAPTION_Y = 20, CAPTION_HEIGHT = 17, CAPTION_X = 58 };

/* How an item was answered. The order is that of the colours. */
enum outcome_kind { ANSWER_WRONG, ANSWER_RIGHT, ANSWER_PART, ANSWER_OPEN, N_ANSWER };

static const char *const answer_names[N_ANSWER] = {
    [ANSWER_WRONG] = "wrong",
    [ANSWER_RIGHT] = "right",
    [ANSWER_PART] = "partly right",
    [ANSWER_OPEN] = "no score",
};

static enum outcome_kind kind_of(const struct path_step *step)
{
    if (isnan(step->share)) return ANSWER_OPEN;
    if (step->share <= 0.0) return ANSWER_WRONG;
    return step->share >= 1.0 ? ANSWER_RIGHT : ANSWER_PART;
}

/* The series of the chart, by number of the question. */
struct track {
    double x[LIMIT_ANSWERS], theta[LIMIT_ANSWERS];
    double band_x[2 * LIMIT_ANSWERS], band[2 * LIMIT_ANSWERS];  // below, and back above
    size_t n_band;
    double item_x[N_ANSWER][LIMIT_ANSWERS], difficulty[N_ANSWER][LIMIT_ANSWERS];
    const char *names[N_ANSWER][LIMIT_ANSWERS];
    size_t n_item[N_ANSWER];
};

static void add_step(struct track *track, const struct path_step *step, size_t i)
{
    enum outcome_kind kind = kind_of(step);
    size_t *n = &track->n_item[kind];

    track->x[i] = (double)i + 1.0;
    track->theta[i] = step->theta;
    if (isnan(step->difficulty)) return;
    track->item_x[kind][*n] = track->x[i];
    track->difficulty[kind][*n] = step->difficulty;
    track->names[kind][*n] = step->item;
    ++*n;
}

static void add_edge(struct track *track, const struct path_step *step, size_t i, double sign)
{
    double edge = step->theta + sign * BAND_SE * step->se;

    if (isnan(edge)) return;
    track->band_x[track->n_band] = (double)i + 1.0;
    track->band[track->n_band++] = fmax(BAND_MIN, fmin(BAND_MAX, edge));
}

static void add_band(struct track *track, const struct path *path)
{
    for (size_t i = 0; i < path->n; i++) add_edge(track, &path->steps[i], i, -1.0);
    for (size_t i = path->n; i-- > 0;) add_edge(track, &path->steps[i], i, 1.0);
}

static void draw(const struct path *path, const struct track *track, FILE *out)
{
    struct svg_series series[2 + N_ANSWER] = {
        {"95%", SVG_AREA, track->band_x, track->band, .n = track->n_band},
        {"theta", SVG_DOTTED_LINE, track->x, track->theta, .n = path->n},
    };
    struct svg_chart chart = {.title = path->title,
                              .x = {"question", 0.0, (double)path->n + 1.0, true},
                              .y = {"theta; items at their difficulty", NAN, NAN, false},
                              .series = series,
                              .n_series = 2 + N_ANSWER};

    for (int k = 0; k < N_ANSWER; k++) {
        series[2 + k] = (struct svg_series){.name = track->n_item[k] > 0 ? answer_names[k] : NULL,
                                            .mark = SVG_POINTS,
                                            .x = track->item_x[k],
                                            .y = track->difficulty[k],
                                            .n = track->n_item[k],
                                            .names = track->names[k]};
    }
    svg_chart_write(&chart, 0, 0, out);
}

enum status plot_path(const struct path *path, FILE *out)
{
    struct track *track = calloc(1, sizeof(*track));
    size_t n_caption = 0;

    if (!track) return NO_MEMORY;
    for (size_t i = 0; i < path->n; i++) add_step(track, &path->steps[i], i);
    add_band(track, path);
    while (n_caption < PATH_CAPTIONS && path->captions[n_caption]) n_caption++;
    svg_picture_begin(SVG_CHART_WIDTH,
                      SVG_CHART_HEIGHT + CAPTION_Y + CAPTION_HEIGHT * (double)n_caption,
                      path->title, out);
    draw(path, track, out);
    for (size_t i = 0; i < n_caption; i++) {
        fprintf(out, "<text class=\"c-text\" x=\"%d\" y=\"%d\">", CAPTION_X,
                SVG_CHART_HEIGHT + CAPTION_Y + CAPTION_HEIGHT * (int)i);
        svg_text(path->captions[i], out);
        fputs("</text>\n", out);
    }
    svg_picture_end(out);
    free(track);
    return OK;
}
