/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic with whole numbers. */
#include "tools/demo_question.h"

/* The sum without its carries, and how many carries there are. */
static long add_without_carry(long a, long b, long *out_carries)
{
    long sum = 0;

    *out_carries = 0;
    for (long place = 1; a > 0 || b > 0; place *= 10) {
        long digit = a % 10 + b % 10;

        if (digit >= 10) ++*out_carries;
        sum += digit % 10 * place;
        a /= 10;
        b /= 10;
    }
    return sum;
}

/* The smaller digit from the larger in every place, and how often that is wrong. */
static long subtract_without_borrow(long a, long b, long *out_borrows)
{
    long rest = 0;

    *out_borrows = 0;
    for (long place = 1; a > 0 || b > 0; place *= 10) {
        long digit = a % 10 - b % 10;

        if (digit < 0) ++*out_borrows;
        rest += (digit < 0 ? -digit : digit) * place;
        a /= 10;
        b /= 10;
    }
    return rest;
}

static long number_of_digits(struct dice *dice, long n)
{
    long low = 1;

    while (--n > 0) low *= 10;
    return dice_roll(dice, low == 1 ? 2 : low, low * 10 - 1);
}

static void add(struct dice *dice, struct question *out)
{
    long a = number_of_digits(dice, dice_roll(dice, 1, 4));
    long b = number_of_digits(dice, dice_roll(dice, 1, 4));
    long carries;
    long slip = add_without_carry(a, b, &carries);

    question_ask(out, -3.2 + 0.25 * (double)(digits_of(a) + digits_of(b)) + 0.35 * (double)carries,
                 "What is %ld + %ld?", a, b);
    question_answer(out, a + b, 1);
    question_mistake(out, slip, 1);
    question_mistake(out, a + b + 10, 1);
    question_mistake(out, a + b - 10, 1);
    question_mistake(out, a + b + 1, 1);
}

static void subtract(struct dice *dice, struct question *out)
{
    long b = number_of_digits(dice, dice_roll(dice, 1, 4));
    long a = b + number_of_digits(dice, dice_roll(dice, 1, 4));
    long borrows;
    long slip = subtract_without_borrow(a, b, &borrows);

    question_ask(out, -2.9 + 0.25 * (double)(digits_of(a) + digits_of(b)) + 0.45 * (double)borrows,
                 "What is %ld - %ld?", a, b);
    question_answer(out, a - b, 1);
    question_mistake(out, slip, 1);
    question_mistake(out, a - b + 10, 1);
    question_mistake(out, a - b - 10, 1);
    question_mistake(out, a - b + 2, 1);
}

static void multiply(struct dice *dice, struct question *out)
{
    long a = dice_roll(dice, 3, 12) + dice_roll(dice, 0, 2) * dice_roll(dice, 5, 30);
    long b = dice_roll(dice, 3, 12);

    question_ask(out,
                 -2.6 + 0.8 * (double)(digits_of(a) + digits_of(b) - 2) +
                     0.1 * (double)(a % 10 + b % 10 - 8),
                 "What is %ld times %ld?", a, b);
    question_answer(out, a * b, 1);
    question_mistake(out, a * (b - 1), 1);
    question_mistake(out, a * (b + 1), 1);
    question_mistake(out, a * b + 10, 1);
    question_mistake(out, a + b, 1);
}

static void divide(struct dice *dice, struct question *out)
{
    long b = dice_roll(dice, 3, 15);
    long q = dice_roll(dice, 4, 40);

    question_ask(out, -2.0 + 0.7 * (double)(digits_of(q) - 1) + 0.08 * (double)b,
                 "What is %ld divided by %ld?", b * q, b);
    question_answer(out, q, 1);
    question_mistake(out, q + 1, 1);
    question_mistake(out, q - 1, 1);
    question_mistake(out, q + 10, 1);
    question_mistake(out, b * q - b, 1);
}

static void sum_and_product(struct dice *dice, struct question *out)
{
    long a = dice_roll(dice, 2, 30), b = dice_roll(dice, 2, 12), c = dice_roll(dice, 3, 12);

    question_ask(out, -0.7 + 0.05 * (double)(b + c), "What is %ld + %ld times %ld?", a, b, c);
    question_answer(out, a + b * c, 1);
    question_mistake(out, (a + b) * c, 1);
    question_mistake(out, a + b + c, 1);
    question_mistake(out, a * b + c, 1);
    question_mistake(out, a + b * c + c, 1);
}

static void product_of_difference(struct dice *dice, struct question *out)
{
    long a = dice_roll(dice, 3, 15), c = dice_roll(dice, 2, 20), b = c + dice_roll(dice, 3, 25);

    question_ask(out, -0.9 + 0.06 * (double)a + 0.02 * (double)b, "What is %ld times (%ld - %ld)?",
                 a, b, c);
    question_answer(out, a * (b - c), 1);
    question_mistake(out, a * b - c, 1);
    question_mistake(out, a * (b + c), 1);
    question_mistake(out, a + b - c, 1);
    question_mistake(out, a * (b - c) + a, 1);
}

static void marbles(struct dice *dice, struct question *out)
{
    long a = dice_roll(dice, 5, 60), b = dice_roll(dice, 3, 9), c = dice_roll(dice, 6, 25);

    question_ask(out, -0.8 + 0.3 * (double)(digits_of(c) - 1) + 0.05 * (double)b,
                 "Tom has %ld marbles and gets %ld bags of %ld marbles each. "
                 "How many marbles does he have now?",
                 a, b, c);
    question_answer(out, a + b * c, 1);
    question_mistake(out, a + b + c, 1);
    question_mistake(out, b * c, 1);
    question_mistake(out, (a + b) * c, 1);
    question_mistake(out, a + c, 1);
}

static void boxes(struct dice *dice, struct question *out)
{
    long box = dice_roll(dice, 6, 36), full = dice_roll(dice, 4, 20),
         rest = dice_roll(dice, 1, box - 1);
    long need = box * full + rest;

    question_ask(out, 0.1 + 0.03 * (double)box + 0.02 * (double)full,
                 "A box holds %ld pens. A school needs %ld pens. How many boxes must it buy?", box,
                 need);
    question_answer(out, full + 1, 1);
    question_mistake(out, full, 1);
    question_mistake(out, rest, 1);
    question_mistake(out, full + 2, 1);
    question_mistake(out, need - box, 1);
}

static void (*const kinds[])(struct dice *dice, struct question *out) = {
    add, subtract, multiply, divide, sum_and_product, product_of_difference, marbles, boxes,
};

const struct demo_strand demo_arithmetic = {"arithmetic", kinds, COUNT_OF(kinds)};
