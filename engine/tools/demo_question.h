/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the questions of the demonstration bank are made with. */
#ifndef TOOLS_DEMO_QUESTION_H
#define TOOLS_DEMO_QUESTION_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUESTION_TEXT = 160, QUESTION_MISTAKES = 6 };

/* Draws of one seed, one after the other. */
struct dice {
    uint64_t seed, draw;
};

/* Uniform on the integers low to high. */
long dice_roll(struct dice *dice, long low, long high);
/* Standard normal (Box and Muller 1958). */
double dice_normal(struct dice *dice);

/* In lowest terms, den > 0. */
struct fraction {
    long num, den;
};

struct fraction fraction_of(long num, long den);  // pre: den is not 0
bool fraction_equal(struct fraction x, struct fraction y);

struct question {
    char text[QUESTION_TEXT];
    struct fraction answer;
    struct fraction mistakes[QUESTION_MISTAKES];  // of students who err, the likeliest first
    size_t n_mistake;
    double hardness;  // in logits
    bool any_sign;    // negative options are plausible
};

/* The text, and what it takes. */
void question_ask(struct question *question, double hardness, const char *fmt, ...) PRINTF(3, 4);
void question_answer(struct question *question, long num, long den);
/* One of the likely mistakes; den 0 is no mistake at all. */
void question_mistake(struct question *question, long num, long den);

long digits_of(long n);       // of n >= 0
long gcd_of(long x, long y);  // of x, y >= 0, not both 0

/* A part of the bank: its questions are made by its kinds in turn. */
struct demo_strand {
    const char *name;
    void (*const *kinds)(struct dice *dice, struct question *out);
    size_t n_kind;
};

extern const struct demo_strand demo_arithmetic, demo_fractions, demo_equations, demo_ratios;

#endif
