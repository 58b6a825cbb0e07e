/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures of what items and banks can do at each theta, before anybody takes a test. */
#ifndef TOOLS_TEST_PLOT_H
#define TOOLS_TEST_PLOT_H

#include "session/plan.h"

#include <stdio.h>

/* Items side by side with their information: a picture in a file of its own. Pre: n_item > 0. */
void plot_items(const struct bank *bank, const uint32_t *item, size_t n_item, FILE *out);

/* Information and standard error of the whole bank and of the best items that fit in a test of the
 * plan's greatest length: a picture in a file of its own. NO_MEMORY. */
MUST_CHECK enum status plot_test(const struct plan *plan, FILE *out);
/* Only the chart of the standard errors. */
MUST_CHECK enum status plot_test_se(const struct plan *plan, FILE *out);

#endif
