/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each strand makes its questions kind by kind; a question that stands already is drawn again. The
 * wrong options are the strand's typical mistakes as far as they are distinct and of the answer's
 * kind, then numbers near the answer. */
#include "tools/demo_bank.h"
#include "base/rng.h"
#include "tools/demo_question.h"

#include <assert.h>
#include <csv.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)DEMO_TEXT == (int)QUESTION_TEXT, "a question's text fits an item");

enum { DRAWS_MAX = 10000 };  // a strand has thousands of questions: a duplicate is soon redrawn

/* Spread of what the look of a question does not tell of its difficulty, in logits. */
static const double NOISE_SD = 0.35;
static const double HARDNESS_MAX = 3.5;
/* ln a is normal with these. */
static const double SLOPE_MEAN = 0.4, SLOPE_SD = 0.25;

static const struct demo_strand *const strands[] = {
    &demo_arithmetic,
    &demo_fractions,
    &demo_equations,
    &demo_ratios,
};

enum { PER_STRAND = DEMO_ITEMS / COUNT_OF(strands) };

static bool is_option(const struct question *question, struct fraction x,
                      const struct fraction *options, size_t n)
{
    if (x.num < 0 && !question->any_sign) return false;
    if (x.num == 0 && !question->any_sign) return false;
    if (x.den != 1 && question->answer.den == 1) return false;
    for (size_t i = 0; i < n; i++) {
        if (fraction_equal(options[i], x)) return false;
    }
    return true;
}

/* The answer first, then the wrong options. */
static void choose_options(const struct question *question, struct fraction *options)
{
    struct fraction answer = question->answer;
    size_t n = 0;

    options[n++] = answer;
    for (size_t i = 0; i < question->n_mistake && n < DEMO_OPTIONS; i++) {
        if (is_option(question, question->mistakes[i], options, n)) {
            options[n++] = question->mistakes[i];
        }
    }
    for (long step = 1; n < DEMO_OPTIONS; step++) {
        long offset = step % 2 ? (step + 1) / 2 : -step / 2;  // 1, -1, 2, -2, ..
        struct fraction near = fraction_of(answer.num + offset, answer.den);

        if (is_option(question, near, options, n)) options[n++] = near;
    }
}

static void put_options(struct dice *dice, const struct question *question, struct demo_item *item)
{
    struct fraction options[DEMO_OPTIONS];

    choose_options(question, options);
    item->key = 0;
    for (size_t i = DEMO_OPTIONS - 1; i > 0; i--) {
        size_t j = (size_t)dice_roll(dice, 0, (long)i);
        struct fraction swap = options[i];

        options[i] = options[j];
        options[j] = swap;
    }
    for (size_t i = 0; i < DEMO_OPTIONS; i++) {
        if (fraction_equal(options[i], question->answer)) item->key = i;
        if (options[i].den == 1)
            snprintf(item->options[i], DEMO_OPTION, "%ld", options[i].num);
        else
            snprintf(item->options[i], DEMO_OPTION, "%ld/%ld", options[i].num, options[i].den);
    }
}

static bool stands_already(const struct demo_item *items, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(items[i].text, text) == 0) return true;
    }
    return false;
}

static double bounded(double x, double limit)
{
    return fmin(fmax(x, -limit), limit);
}

/* items[n] is filled; the n before it are the ones it must differ from. */
static void make_item(struct dice *dice, const struct demo_strand *strand, size_t i,
                      struct demo_item *items, size_t n)
{
    struct demo_item *item = &items[n];
    struct question question;
    int draws = 0;

    do {
        question = (struct question){0};
        strand->kinds[i % strand->n_kind](dice, &question);
        draws++;
        assert(draws < DRAWS_MAX);
    } while (stands_already(items, n, question.text));

    snprintf(item->id, sizeof(item->id), "%s-%02zu", strand->name, i + 1);
    item->strand = strand->name;
    memcpy(item->text, question.text, sizeof(item->text));
    put_options(dice, &question, item);
    item->a = exp(SLOPE_MEAN + SLOPE_SD * dice_normal(dice));
    item->b = bounded(question.hardness + NOISE_SD * dice_normal(dice), HARDNESS_MAX);
    item->c = 0.15 + 0.1 * rng_uniform(dice->seed, dice->draw++);
}

void demo_bank(uint64_t seed, struct demo_item out_items[DEMO_ITEMS])
{
    struct dice dice = {.seed = seed};

    for (size_t s = 0; s < COUNT_OF(strands); s++) {
        for (size_t i = 0; i < PER_STRAND; i++)
            make_item(&dice, strands[s], i, out_items, s * PER_STRAND + i);
    }
}

static void put_cell(struct buf *out, const char *text, char end)
{
    char quoted[2 * DEMO_TEXT + 64];
    size_t n = csv_write(quoted, sizeof(quoted), text, strlen(text));

    assert(n <= sizeof(quoted));
    buf_append(out, quoted, n);
    buf_append(out, &end, 1);
}

static void put_content(struct buf *out, const char *text)
{
    json_t *content = json_pack("{s:s}", "text", text);
    char *dumped = content ? json_dumps(content, 0) : NULL;

    if (dumped)
        put_cell(out, dumped, ',');
    else
        out->failed = true;
    free(dumped);
    json_decref(content);
}

static void put_item(struct buf *out, const struct demo_item *item)
{
    char numbers[96];
    char options[DEMO_OPTIONS * DEMO_OPTION];
    int n = snprintf(numbers, sizeof(numbers), "%s,3PL,%.3f,%.3f,%.3f,", item->id, item->a, item->b,
                     item->c);

    snprintf(options, sizeof(options), "%s|%s|%s|%s", item->options[0], item->options[1],
             item->options[2], item->options[3]);
    buf_append(out, numbers, (size_t)n);
    put_cell(out, item->options[item->key], ',');
    put_cell(out, options, ',');
    put_content(out, item->text);
    put_cell(out, item->strand, '\n');
}

void demo_bank_csv(const struct demo_item *items, size_t n_item, struct buf *out)
{
    const char *header = "id,model,a,b,c,key,options,content,tag:strand\n";

    buf_append(out, header, strlen(header));
    for (size_t i = 0; i < n_item; i++) put_item(out, &items[i]);
}
