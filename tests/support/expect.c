/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 512 };

static bool is_close(double got, double want, double tolerance)
{
    if (isnan(want)) return isnan(got);
    if (isinf(want)) return isinf(got) && signbit(got) == signbit(want);
    return fabs(got - want) <= tolerance * fmax(1.0, fabs(want));
}

bool expect_close(double got, double want, double tolerance, const char *where, ...)
{
    char text[TEXT];
    va_list args;

    if (is_close(got, want, tolerance)) return true;
    va_start(args, where);
    vsnprintf(text, sizeof(text), where, args);
    va_end(args);
    cr_expect_fail("%s: %.17g, not %.17g: they differ by %.3g, more than %.3g", text, got, want,
                   got - want, tolerance * fmax(1.0, fabs(want)));
    return false;
}

bool expect_bits(double got, double want, const char *where, ...)
{
    char text[TEXT];
    va_list args;

    if (memcmp(&got, &want, sizeof(got)) == 0) return true;
    va_start(args, where);
    vsnprintf(text, sizeof(text), where, args);
    va_end(args);
    cr_expect_fail("%s: %.17g (%a), not %.17g (%a)", text, got, got, want, want);
    return false;
}

bool expect_true(bool condition, const char *where, ...)
{
    char text[TEXT];
    va_list args;

    if (condition) return true;
    va_start(args, where);
    vsnprintf(text, sizeof(text), where, args);
    va_end(args);
    cr_expect_fail("%s", text);
    return false;
}
