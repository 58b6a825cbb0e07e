/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fixed quadrature. */
#ifndef NUM_QUADRATURE_H
#define NUM_QUADRATURE_H

#include "num/root.h"

#include <stddef.h>

/* Gauss-Legendre rule of GSL. */
struct quadrature;

struct quadrature *quadrature_new(size_t n_node);  // NULL without memory
void quadrature_free(struct quadrature *quadrature);

/* Integral of `f` over [lo, hi]. */
double quadrature_integral(const struct quadrature *quadrature, struct function f, double lo,
                           double hi);

#endif
