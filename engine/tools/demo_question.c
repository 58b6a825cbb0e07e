/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/demo_question.h"
#include "base/rng.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

long dice_roll(struct dice *dice, long low, long high)
{
    assert(low <= high);
    return low + (long)(rng_uniform(dice->seed, dice->draw++) * (double)(high - low + 1));
}

double dice_normal(struct dice *dice)
{
    double radius = sqrt(-2.0 * log1p(-rng_uniform(dice->seed, dice->draw++)));

    return radius * cos(2.0 * M_PI * rng_uniform(dice->seed, dice->draw++));
}

long gcd_of(long x, long y)
{
    while (y != 0) {
        long rest = x % y;

        x = y;
        y = rest;
    }
    return x;
}

struct fraction fraction_of(long num, long den)
{
    long common = gcd_of(labs(num), labs(den));

    assert(den != 0);
    if (den < 0) common = -common;
    return (struct fraction){num / common, den / common};
}

bool fraction_equal(struct fraction x, struct fraction y)
{
    return x.num == y.num && x.den == y.den;
}

void question_ask(struct question *question, double hardness, const char *fmt, ...)
{
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(question->text, sizeof(question->text), fmt, args);
    va_end(args);
    assert(n > 0 && n < QUESTION_TEXT);
    question->hardness = hardness;
}

void question_answer(struct question *question, long num, long den)
{
    question->answer = fraction_of(num, den);
}

void question_mistake(struct question *question, long num, long den)
{
    assert(question->n_mistake < QUESTION_MISTAKES);
    if (den == 0) return;
    question->mistakes[question->n_mistake++] = fraction_of(num, den);
}

long digits_of(long n)
{
    long digits = 1;

    while (n >= 10) {
        n /= 10;
        digits++;
    }
    return digits;
}
