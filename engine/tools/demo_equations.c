/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Equations in one unknown. Every solution is a whole number, of either sign where that fits. */
#include "tools/demo_question.h"

#include <stdlib.h>

static double negative(long x)
{
    return x < 0 ? 0.4 : 0.0;
}

static void plus(struct dice *dice, struct question *out)
{
    long a = dice_roll(dice, 3, 60), x = dice_roll(dice, -15, 60);
    long b = x + a;

    out->any_sign = true;
    question_ask(out, -2.3 + negative(x) + 0.012 * (double)(a + labs(b)),
                 "Solve for x: x + %ld = %ld", a, b);
    question_answer(out, x, 1);
    question_mistake(out, b + a, 1);
    question_mistake(out, -x, 1);
    question_mistake(out, b, 1);
    question_mistake(out, x + 10, 1);
}

static void times(struct dice *dice, struct question *out)
{
    long a = dice_roll(dice, 3, 15), x = dice_roll(dice, -9, 20);

    out->any_sign = true;
    question_ask(out, -2.0 + negative(x) + 0.05 * (double)a + 0.02 * (double)labs(x),
                 "Solve for x: %ldx = %ld", a, a * x);
    question_answer(out, x, 1);
    question_mistake(out, a * x - a, 1);
    question_mistake(out, -x, 1);
    question_mistake(out, a * x * a, 1);
    question_mistake(out, x + 1, 1);
}

static void two_steps(struct dice *dice, struct question *out)
{
    long a = dice_roll(dice, 2, 12), b = dice_roll(dice, 2, 40), x = dice_roll(dice, -8, 15);
    long c = a * x + b;

    out->any_sign = true;
    question_ask(out, -0.9 + negative(x) + 0.06 * (double)a + 0.01 * (double)b,
                 "Solve for x: %ldx + %ld = %ld", a, b, c);
    question_answer(out, x, 1);
    question_mistake(out, c - b, 1);
    question_mistake(out, -x, 1);
    question_mistake(out, c + b, a);
    question_mistake(out, c - b - a, 1);
    question_mistake(out, x + 2, 1);
}

static void both_sides(struct dice *dice, struct question *out)
{
    long a, b, c, d, x;

    do {
        c = dice_roll(dice, 2, 9);
        a = c + dice_roll(dice, 1, 8);
        b = dice_roll(dice, 1, 40);
        x = dice_roll(dice, -6, 12);
        d = (a - c) * x + b;
    } while (d == 0);
    out->any_sign = true;
    question_ask(out, 0.4 + negative(x) + 0.06 * (double)(a - c) + 0.01 * (double)b,
                 "Solve for x: %ldx + %ld = %ldx %c %ld", a, b, c, d < 0 ? '-' : '+', labs(d));
    question_answer(out, x, 1);
    question_mistake(out, d - b, a + c);
    question_mistake(out, -x, 1);
    question_mistake(out, d + b, a - c);
    question_mistake(out, d - b, 1);
    question_mistake(out, x + 1, 1);
}

static void brackets(struct dice *dice, struct question *out)
{
    long a = dice_roll(dice, 2, 9), b = dice_roll(dice, 2, 20), x = dice_roll(dice, -10, 15);
    long c = a * (x + b);

    out->any_sign = true;
    question_ask(out, -0.3 + negative(x) + 0.06 * (double)a + 0.015 * (double)b,
                 "Solve for x: %ld(x + %ld) = %ld", a, b, c);
    question_answer(out, x, 1);
    question_mistake(out, c - b, a);
    question_mistake(out, c / a + b, 1);
    question_mistake(out, c - a * b, 1);
    question_mistake(out, -x, 1);
    question_mistake(out, c / a, 1);
}

static void quotient(struct dice *dice, struct question *out)
{
    long a = dice_roll(dice, 2, 12), b = dice_roll(dice, 2, 25), q = dice_roll(dice, -6, 12);

    out->any_sign = true;
    question_ask(out, -0.2 + negative(q) + 0.05 * (double)a + 0.015 * (double)b,
                 "Solve for x: x/%ld + %ld = %ld", a, b, q + b);
    question_answer(out, a * q, 1);
    question_mistake(out, q, 1);
    question_mistake(out, a * (q + b) - b, 1);
    question_mistake(out, a * (q + 2 * b), 1);
    question_mistake(out, -a * q, 1);
    question_mistake(out, q + a, 1);
}

static void evaluate(struct dice *dice, struct question *out)
{
    long a = dice_roll(dice, 2, 12), b = dice_roll(dice, 2, 30), x = dice_roll(dice, -6, 12);
    long written = x > 0 ? a * (x > 9 ? 100 : 10) + x : -a * x;

    out->any_sign = true;
    question_ask(out, -1.4 + 2.0 * negative(x) + 0.05 * (double)a + 0.01 * (double)b,
                 "What is %ldx - %ld when x = %ld?", a, b, x);
    question_answer(out, a * x - b, 1);
    question_mistake(out, written - b, 1);
    question_mistake(out, a + x - b, 1);
    question_mistake(out, a * (x - b), 1);
    question_mistake(out, a * x + b, 1);
}

static void pair(struct dice *dice, struct question *out)
{
    long x = dice_roll(dice, 2, 40), y = dice_roll(dice, -9, 30);

    out->any_sign = true;
    question_ask(out, 0.8 + negative(y) + 0.012 * (double)(x + labs(y)),
                 "What is x if x + y = %ld and x - y = %ld?", x + y, x - y);
    question_answer(out, x, 1);
    question_mistake(out, y, 1);
    question_mistake(out, 2 * x, 1);
    question_mistake(out, x + y, 1);
    question_mistake(out, x + 1, 1);
}

static void square(struct dice *dice, struct question *out)
{
    long x = dice_roll(dice, 2, 15), b = dice_roll(dice, 1, 14);

    question_ask(out, 1.1 + 0.05 * (double)(x + b),
                 "Which positive number x solves x^2 + %ldx = %ld?", b, x * x + b * x);
    question_answer(out, x, 1);
    question_mistake(out, x + b, 1);
    question_mistake(out, x + 1, 1);
    question_mistake(out, x - 1, 1);
    question_mistake(out, b, 1);
    question_mistake(out, 2 * x, 1);
}

static void (*const kinds[])(struct dice *dice, struct question *out) = {
    plus, times, two_steps, both_sides, brackets, quotient, evaluate, pair, square,
};

const struct demo_strand demo_equations = {"equations", kinds, COUNT_OF(kinds)};
