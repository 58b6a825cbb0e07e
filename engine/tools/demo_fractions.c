/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fractions. */
#include "tools/demo_question.h"

/* A fraction between 0 and 1, in lowest terms. */
static struct fraction proper(struct dice *dice, long den_max)
{
    struct fraction x;

    do {
        long den = dice_roll(dice, 2, den_max);

        x = fraction_of(dice_roll(dice, 1, den - 1), den);
    } while (x.den == 1);
    return x;
}

/* Unlike denominators are harder, and more so the larger the common one. */
static double denominators(struct fraction x, struct fraction y)
{
    double common = (double)(x.den * y.den / gcd_of(x.den, y.den));

    return x.den == y.den ? 0.0 : 0.5 + 0.02 * common;
}

static void add(struct dice *dice, struct question *out)
{
    struct fraction x = proper(dice, 12);
    struct fraction y =
        dice_roll(dice, 0, 2) == 0 && x.den > 2 ? fraction_of(1, x.den) : proper(dice, 10);

    question_ask(out, -1.2 + denominators(x, y), "What is %ld/%ld + %ld/%ld?", x.num, x.den, y.num,
                 y.den);
    question_answer(out, x.num * y.den + y.num * x.den, x.den * y.den);
    question_mistake(out, x.num + y.num, x.den + y.den);
    question_mistake(out, x.num + y.num, x.den * y.den);
    question_mistake(out, x.num * y.num, x.den * y.den);
    question_mistake(out, x.num + y.num, x.den > y.den ? x.den : y.den);
}

static void subtract(struct dice *dice, struct question *out)
{
    struct fraction x, y;

    do {
        x = proper(dice, 12);
        y = proper(dice, 10);
    } while (x.num * y.den <= y.num * x.den);
    question_ask(out, -0.9 + denominators(x, y), "What is %ld/%ld - %ld/%ld?", x.num, x.den, y.num,
                 y.den);
    question_answer(out, x.num * y.den - y.num * x.den, x.den * y.den);
    question_mistake(out, x.num - y.num, x.den - y.den);
    question_mistake(out, x.num - y.num, x.den > y.den ? x.den : y.den);
    question_mistake(out, x.num * y.den - y.num * x.den, x.den + y.den);
    question_mistake(out, x.num * y.den + y.num * x.den, x.den * y.den);
    question_mistake(out, x.num * y.num, x.den * y.den);
}

static void multiply(struct dice *dice, struct question *out)
{
    struct fraction x = proper(dice, 12), y = proper(dice, 12);

    question_ask(out, -0.8 + 0.006 * (double)(x.den * y.den), "What is %ld/%ld times %ld/%ld?",
                 x.num, x.den, y.num, y.den);
    question_answer(out, x.num * y.num, x.den * y.den);
    question_mistake(out, x.num * y.den, x.den * y.num);
    question_mistake(out, x.num * y.num, x.den + y.den);
    question_mistake(out, x.num + y.num, x.den * y.den);
    question_mistake(out, x.num + y.num, x.den + y.den);
}

static void divide(struct dice *dice, struct question *out)
{
    struct fraction x = proper(dice, 12), y = proper(dice, 12);

    question_ask(out, 0.2 + 0.007 * (double)(x.den * y.den), "What is %ld/%ld divided by %ld/%ld?",
                 x.num, x.den, y.num, y.den);
    question_answer(out, x.num * y.den, x.den * y.num);
    question_mistake(out, x.num * y.num, x.den * y.den);
    question_mistake(out, x.den * y.num, x.num * y.den);
    question_mistake(out, x.num * y.den, x.den + y.num);
    question_mistake(out, x.num + y.den, x.den + y.num);
}

static void part_of_number(struct dice *dice, struct question *out)
{
    struct fraction x = proper(dice, 9);
    long unit = dice_roll(dice, 3, 24);
    long n = x.den * unit;

    question_ask(out, -1.6 + 0.25 * (double)x.num + 0.006 * (double)n, "What is %ld/%ld of %ld?",
                 x.num, x.den, n);
    question_answer(out, x.num * unit, 1);
    question_mistake(out, unit, 1);
    question_mistake(out, n - x.num * unit, 1);
    question_mistake(out, n - x.den, 1);
    question_mistake(out, x.num * n, 1);
    question_mistake(out, (x.num + 1) * unit, 1);
}

static void decimal(struct dice *dice, struct question *out)
{
    long p;

    do {
        p = dice_roll(dice, 2, 98);
    } while (p % 10 == 0);
    question_ask(out, -1.0 + (100 / gcd_of(p, 100) > 20 ? 0.4 : 0.0) + (p < 10 ? 0.5 : 0.0),
                 "Which fraction is equal to 0.%02ld?", p);
    question_answer(out, p, 100);
    question_mistake(out, p, 10);
    question_mistake(out, p / 10, p % 10);
    question_mistake(out, 100 - p, 100);
    question_mistake(out, p, 1000);
    question_mistake(out, 1, p);
}

static void cake(struct dice *dice, struct question *out)
{
    struct fraction x, y;

    do {
        x = proper(dice, 10);
        y = proper(dice, 10);
    } while (x.num * y.den + y.num * x.den >= x.den * y.den);
    question_ask(out, 0.0 + denominators(x, y),
                 "Ann eats %ld/%ld of a cake and Ben eats %ld/%ld of it. "
                 "What part of the cake is left?",
                 x.num, x.den, y.num, y.den);
    question_answer(out, x.den * y.den - x.num * y.den - y.num * x.den, x.den * y.den);
    question_mistake(out, x.num * y.den + y.num * x.den, x.den * y.den);
    question_mistake(out, x.num + y.num, x.den + y.den);
    question_mistake(out, x.den + y.den - x.num - y.num, x.den + y.den);
    question_mistake(out, x.den - x.num, x.den);
}

static void mixed_numbers(struct dice *dice, struct question *out)
{
    struct fraction x = proper(dice, 8), y = proper(dice, 8);
    long m = dice_roll(dice, 1, 5), n = dice_roll(dice, 1, 5);
    long num = x.num * y.den + y.num * x.den, den = x.den * y.den;

    question_ask(out, 0.4 + denominators(x, y) + 0.3 * (num >= den),
                 "What is %ld %ld/%ld + %ld %ld/%ld, written as one fraction?", m, x.num, x.den, n,
                 y.num, y.den);
    question_answer(out, (m + n) * den + num, den);
    question_mistake(out, (m + n) * (x.den + y.den) + x.num + y.num, x.den + y.den);
    question_mistake(out, (m + n) * num, den);
    question_mistake(out, (m + n - 1) * den + num, den);
    question_mistake(out, m + n + num, den);
}

static void (*const kinds[])(struct dice *dice, struct question *out) = {
    add, subtract, multiply, divide, part_of_number, decimal, cake, mixed_numbers,
};

const struct demo_strand demo_fractions = {"fractions", kinds, COUNT_OF(kinds)};
