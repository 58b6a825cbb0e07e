/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An estimate drawn on its scale, in one line. */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include <stdbool.h>

enum { PICTURE_SIZE = 256 };

/* A standard error above this many logits says nothing but that theta was stopped at its bound. */
#define PICTURE_SE_MAX 100.0

/* Draw theta and the interval theta - se to theta + se on the scale from -4 to 4:
 *
 *     -4 ···················├──●─┤················ 4   theta 0.31 ± 0.42
 *
 * What lies outside the scale is cut off at its end. An `se` of NaN draws no interval, one above
 * PICTURE_SE_MAX is not written out. In ASCII
 * where not `utf8`. */
void picture_draw(double theta, double se, bool utf8, char out[PICTURE_SIZE]);

#endif
