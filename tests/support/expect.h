/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparing numbers. What is equal costs nothing and says nothing, so that a million of them can be
 * compared; a test that loops over rows says at its end how many it has seen. */
#ifndef SUPPORT_EXPECT_H
#define SUPPORT_EXPECT_H

#include "base/macros.h"

#include <stdbool.h>

/* `got` differs from `want` by at most tolerance x max(1, |want|); infinities and NaN are equal to
 * themselves. The message names the place. False where it fails. */
bool expect_close(double got, double want, double tolerance, const char *where, ...) PRINTF(4, 5);

/* The same bits. */
bool expect_bits(double got, double want, const char *where, ...) PRINTF(3, 4);

/* The same for any condition. */
bool expect_true(bool condition, const char *where, ...) PRINTF(2, 3);

#endif
