/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of every sort, to check what must hold for all of them. */
#ifndef SUPPORT_ANY_TEST_H
#define SUPPORT_ANY_TEST_H

#include "session/plan.h"
#include "tests/support/dice.h"

/* A random test of at most 25 questions for a bank that has the items q5 and q17, and items with
 * the tag place = south, north or east. */
void test_any(struct test *test, struct dice *dice);

#endif
