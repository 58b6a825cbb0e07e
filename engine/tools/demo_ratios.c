/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ratios, rates and percentages. Every answer is a whole number. */
#include "tools/demo_question.h"

static void pupils(struct dice *dice, struct question *out)
{
    long boys, girls, unit = dice_roll(dice, 2, 9);

    do {
        boys = dice_roll(dice, 2, 9);
        girls = dice_roll(dice, 2, 9);
    } while (boys == girls || gcd_of(boys, girls) > 1);
    question_ask(
        out, -0.7 + 0.06 * (double)(boys + girls) + 0.05 * (double)unit,
        "The ratio of boys to girls in a school club is %ld:%ld. The club has %ld members. "
        "How many of them are girls?",
        boys, girls, (boys + girls) * unit);
    question_answer(out, girls * unit, 1);
    question_mistake(out, boys * unit, 1);
    question_mistake(out, unit, 1);
    question_mistake(out, (boys + girls) * unit, girls);
    question_mistake(out, (boys + girls) * unit, 2);
    question_mistake(out, girls * (unit + 1), 1);
}

static void pens(struct dice *dice, struct question *out)
{
    long n = dice_roll(dice, 2, 8), m = n + dice_roll(dice, 1, 8), price = dice_roll(dice, 12, 95);

    question_ask(out, -1.3 + 0.012 * (double)price + 0.05 * (double)(m + n),
                 "%ld pens cost %ld cents. How many cents do %ld pens cost?", n, n * price, m);
    question_answer(out, m * price, 1);
    question_mistake(out, n * price + m - n, 1);
    question_mistake(out, price, 1);
    question_mistake(out, m * n * price, 1);
    question_mistake(out, (m - 1) * price, 1);
}

static void percent_of(struct dice *dice, struct question *out)
{
    long percent = 5 * dice_roll(dice, 1, 19), n = 20 * dice_roll(dice, 2, 45);
    double round = percent % 25 == 0 || percent == 10 ? -0.8 : 0.0;

    question_ask(out, -0.6 + round + 0.001 * (double)n + 0.3 * (percent % 10 != 0),
                 "What is %ld%% of %ld?", percent, n);
    question_answer(out, percent * n / 100, 1);
    question_mistake(out, n, percent);
    question_mistake(out, n - percent * n / 100, 1);
    question_mistake(out, n - percent, 1);
    question_mistake(out, percent * n / 10, 1);
    question_mistake(out, percent, 1);
}

static void what_percent(struct dice *dice, struct question *out)
{
    long percent = 5 * dice_roll(dice, 1, 19), n = 20 * dice_roll(dice, 2, 30);
    double round = percent % 25 == 0 || percent == 10 ? -0.7 : 0.0;

    question_ask(out, 0.0 + round + 0.001 * (double)n + 0.3 * (percent % 10 != 0),
                 "%ld is what percent of %ld?", percent * n / 100, n);
    question_answer(out, percent, 1);
    question_mistake(out, percent * n / 100, 1);
    question_mistake(out, 100 - percent, 1);
    question_mistake(out, percent + 10, 1);
    question_mistake(out, percent > 10 ? percent - 10 : 2 * percent, 1);
}

static void falling_price(struct dice *dice, struct question *out)
{
    long percent = 5 * dice_roll(dice, 1, 12), n = 20 * dice_roll(dice, 1, 20);
    long fall = percent * n / 100;

    question_ask(out, -0.2 + 0.002 * (double)n + 0.3 * (percent % 10 != 0),
                 "A coat costs %ld dollars. The price falls by %ld%%. "
                 "What is the new price in dollars?",
                 n, percent);
    question_answer(out, n - fall, 1);
    question_mistake(out, n - percent, 1);
    question_mistake(out, fall, 1);
    question_mistake(out, n + fall, 1);
    question_mistake(out, n - fall - 5, 1);
}

static void map_scale(struct dice *dice, struct question *out)
{
    const long scales[] = {50000, 100000, 200000, 250000, 500000};
    long scale = scales[dice_roll(dice, 0, (long)COUNT_OF(scales) - 1)];
    long cm = 2 * dice_roll(dice, 1, 15);
    long km = scale * cm / 100000;

    question_ask(out, 0.5 + 0.02 * (double)cm + 0.4 * (scale % 100000 != 0),
                 "On a map with the scale 1:%ld two towns are %ld cm apart. "
                 "How many kilometres is that?",
                 scale, cm);
    question_answer(out, km, 1);
    question_mistake(out, km * 10, 1);
    question_mistake(out, km, 10);
    question_mistake(out, cm, 1);
    question_mistake(out, km * 100, 1);
    question_mistake(out, 2 * km, 1);
}

static void train(struct dice *dice, struct question *out)
{
    long speed = 5 * dice_roll(dice, 9, 32), h = dice_roll(dice, 2, 6), k;

    do {
        k = dice_roll(dice, 2, 9);
    } while (k == h);
    question_ask(out, -1.0 + 0.006 * (double)speed + 0.06 * (double)(h + k),
                 "A train travels %ld km in %ld hours. "
                 "How many km does it travel in %ld hours at the same speed?",
                 speed * h, h, k);
    question_answer(out, speed * k, 1);
    question_mistake(out, speed * h * k, 1);
    question_mistake(out, speed, 1);
    question_mistake(out, speed * (k + 1), 1);
    question_mistake(out, speed * h + k, 1);
}

static void price_before(struct dice *dice, struct question *out)
{
    const long percents[] = {10, 20, 25, 30, 40, 50, 60};
    long percent = percents[dice_roll(dice, 0, (long)COUNT_OF(percents) - 1)];
    long before = 20 * dice_roll(dice, 2, 20);
    long after = before + before * percent / 100;

    question_ask(out, 1.3 + 0.001 * (double)before + 0.3 * (percent != 50),
                 "After a rise of %ld%% a bicycle costs %ld dollars. "
                 "What did it cost before, in dollars?",
                 percent, after);
    question_answer(out, before, 1);
    question_mistake(out, after * (100 - percent), 100);
    question_mistake(out, after - percent, 1);
    question_mistake(out, after * (100 + percent), 100);
    question_mistake(out, before * percent / 100, 1);
    question_mistake(out, before - 10, 1);
}

static void (*const kinds[])(struct dice *dice, struct question *out) = {
    pupils, pens, percent_of, what_percent, falling_price, map_scale, train, price_before,
};

const struct demo_strand demo_ratios = {"ratios", kinds, COUNT_OF(kinds)};
