/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bounds of the criteria that integrate over theta, for all items at a fraction of the cost of the
 * values: the few items that the bounds leave are then compared by their values. */
#ifndef SELECT_ROUGH_H
#define SELECT_ROUGH_H

#include "select/criterion.h"

/* As criterion->bounds. */
bool rough_mepv(const struct criterion_input *input, const struct candidates *candidates,
                double *low, double *high);
bool rough_mei(const struct criterion_input *input, const struct candidates *candidates,
               double *low, double *high);
bool rough_mei_fisher(const struct criterion_input *input, const struct candidates *candidates,
                      double *low, double *high);
bool rough_kl(const struct criterion_input *input, const struct candidates *candidates, double *low,
              double *high);
bool rough_klp(const struct criterion_input *input, const struct candidates *candidates,
               double *low, double *high);
bool rough_gdi(const struct criterion_input *input, const struct candidates *candidates,
               double *low, double *high);
bool rough_gdip(const struct criterion_input *input, const struct candidates *candidates,
                double *low, double *high);
bool rough_mlwi(const struct criterion_input *input, const struct candidates *candidates,
                double *low, double *high);
bool rough_mpwi(const struct criterion_input *input, const struct candidates *candidates,
                double *low, double *high);

#endif
