/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients/cli/picture.h"
#include "base/macros.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CELLS = 41 };  // odd, so that 0 is a cell of its own; 0.2 logits each

static const double SCALE_END = 4.0;

struct signs {
    const char *outside, *left, *inside, *right, *at, *plus_minus;
};

static const struct signs utf8_signs = {"·", "├", "─", "┤", "●", "±"};
static const struct signs ascii_signs = {".", "|", "-", "|", "o", "+-"};

/* The cell that holds x; below 0 or from CELLS on where x is off the scale. */
static long cell_of(double x)
{
    double cell = (x + SCALE_END) / (2.0 * SCALE_END) * (CELLS - 1);

    return lround(fmin(fmax(cell, -1.0), CELLS));
}

static const char *sign_at(const struct signs *signs, long i, long at, const long ends[2])
{
    if (i == at) return signs->at;
    if (i == ends[0]) return signs->left;
    if (i == ends[1]) return signs->right;
    return i > ends[0] && i < ends[1] ? signs->inside : signs->outside;
}

/* Append to out [PICTURE_SIZE]; what does not fit is cut. */
static void append(char *out, const char *fmt, ...) PRINTF(2, 3);

static void append(char *out, const char *fmt, ...)
{
    size_t n = strlen(out);
    va_list args;

    va_start(args, fmt);
    vsnprintf(out + n, PICTURE_SIZE - n, fmt, args);
    va_end(args);
}

void picture_draw(double theta, double se, bool utf8, char out[PICTURE_SIZE])
{
    const struct signs *signs = utf8 ? &utf8_signs : &ascii_signs;
    long at = cell_of(fmin(fmax(theta, -SCALE_END), SCALE_END));
    long ends[2] = {at, at};

    if (!isnan(se)) {
        ends[0] = cell_of(theta - se);
        ends[1] = cell_of(theta + se);
    }
    out[0] = '\0';
    append(out, " -4 ");
    for (long i = 0; i < CELLS; i++) append(out, "%s", sign_at(signs, i, at, ends));
    append(out, " 4   theta %.2f", theta);
    if (se > PICTURE_SE_MAX)
        append(out, ", at the bound");
    else if (!isnan(se))
        append(out, " %s %.2f", signs->plus_minus, se);
}
