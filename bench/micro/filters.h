/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a pick by maximum information costs where some items may not be asked. */
#ifndef BENCH_MICRO_FILTERS_H
#define BENCH_MICRO_FILTERS_H

#include "bench/micro/measure.h"

/* The kinds of filters, NULL at the end. */
extern const char *const filter_names[];

/* A pick in sessions after ten answers, of n 2PL items, with the filter of that number: as the
 * session makes it, and by the values of all items with all that is filtered out marked before. The
 * picks must be the same, or the program ends. */
struct pick_cost measure_filter(size_t filter, size_t n_item, int n_round);

#endif
