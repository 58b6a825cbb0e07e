/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Patterns of answers, and the estimators as the reference files name them. */
#ifndef GOLDEN_ESTIMATES_H
#define GOLDEN_ESTIMATES_H

#include "estimate/estimator.h"

enum { PATTERN_ITEMS = 64 };

/* Evidence with room of its own. */
struct pattern {
    struct evidence evidence;
    uint32_t item[PATTERN_ITEMS];
    uint8_t score[PATTERN_ITEMS];
};

/* The answers `scores` to the items `items` (numbers from 1), both lists apart by blanks. */
void pattern_read(struct pattern *pattern, const struct bank *bank, const char *items,
                  const char *scores);
/* The answers `digits`, one for each item of the bank. */
void pattern_digits(struct pattern *pattern, const struct bank *bank, const char *digits);

/* The estimator that the files call `name`: ML, WL, BM_norm_0.5_1.5, EAP_unif_-3_3_q61 ...; false
 * where there is none of ours. */
bool spec_of_name(const char *name, struct estimate_spec *out);

struct estimate estimate_of(const struct pattern *pattern, const struct estimate_spec *spec);

#endif
