/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The answers are worked out again here from the texts alone. */
#include "tools_test.h"

#include "tools/demo_bank.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text with numbers in it, and the answer as num / den. */
struct solver {
    const char *text;
    void (*solve)(const long *n, long *num, long *den);
};

#define SOLVER(name, numerator, denominator)                                                       \
    static void name(const long *n, long *num, long *den)                                          \
    {                                                                                              \
        *num = (numerator);                                                                        \
        *den = (denominator);                                                                      \
    }

SOLVER(sum, n[0] + n[1], 1)
SOLVER(difference, n[0] - n[1], 1)
SOLVER(product, n[0] * n[1], 1)
SOLVER(quotient, n[0], n[1])
SOLVER(sum_product, n[0] + n[1] * n[2], 1)
SOLVER(product_difference, n[0] * (n[1] - n[2]), 1)
SOLVER(boxes, n[1] / n[0] + (n[1] % n[0] > 0), 1)
SOLVER(sum_fractions, n[0] * n[3] + n[2] * n[1], n[1] * n[3])
SOLVER(difference_fractions, n[0] * n[3] - n[2] * n[1], n[1] * n[3])
SOLVER(product_fractions, n[0] * n[2], n[1] * n[3])
SOLVER(quotient_fractions, n[0] * n[3], n[1] * n[2])
SOLVER(part, n[0] * n[2], n[1])
SOLVER(decimal, n[0], 100)
SOLVER(left_over, n[1] * n[3] - n[0] * n[3] - n[2] * n[1], n[1] * n[3])
SOLVER(mixed, (n[0] * n[2] + n[1]) * n[5] + (n[3] * n[5] + n[4]) * n[2], n[2] * n[5])
SOLVER(x_plus, n[1] - n[0], 1)
SOLVER(x_times, n[1], n[0])
SOLVER(two_steps, n[2] - n[1], n[0])
SOLVER(both_sides, n[3] - n[1], n[0] - n[2])
SOLVER(both_sides_minus, -n[3] - n[1], n[0] - n[2])
SOLVER(brackets, n[2] - n[0] * n[1], n[0])
SOLVER(x_over, (n[2] - n[1]) * n[0], 1)
SOLVER(evaluate, n[0] * n[2] - n[1], 1)
SOLVER(pair, n[0] + n[1], 2)
SOLVER(square, lround((sqrt((double)(n[0] * n[0] + 4 * n[1])) - (double)n[0]) / 2), 1)
SOLVER(girls, n[2] * n[1], n[0] + n[1])
SOLVER(rate, n[1] * n[2], n[0])
SOLVER(percent_of, n[0] * n[1], 100)
SOLVER(what_percent, 100 * n[0], n[1])
SOLVER(falling, n[0] * (100 - n[1]), 100)
SOLVER(scale, n[0] * n[1], 100000)
SOLVER(train, n[0] * n[2], n[1])
SOLVER(before, 100 * n[1], 100 + n[0])

/* %ln puts behind the numbers how much of the text they took. */
static const struct solver solvers[] = {
    {"What is %ld + %ld?%ln", sum},
    {"What is %ld - %ld?%ln", difference},
    {"What is %ld times %ld?%ln", product},
    {"What is %ld divided by %ld?%ln", quotient},
    {"What is %ld + %ld times %ld?%ln", sum_product},
    {"What is %ld times (%ld - %ld)?%ln", product_difference},
    {"Tom has %ld marbles and gets %ld bags of %ld marbles each. "
     "How many marbles does he have now?%ln",
     sum_product},
    {"A box holds %ld pens. A school needs %ld pens. How many boxes must it buy?%ln", boxes},
    {"What is %ld/%ld + %ld/%ld?%ln", sum_fractions},
    {"What is %ld/%ld - %ld/%ld?%ln", difference_fractions},
    {"What is %ld/%ld times %ld/%ld?%ln", product_fractions},
    {"What is %ld/%ld divided by %ld/%ld?%ln", quotient_fractions},
    {"What is %ld/%ld of %ld?%ln", part},
    {"Which fraction is equal to 0.%ld?%ln", decimal},
    {"Ann eats %ld/%ld of a cake and Ben eats %ld/%ld of it. What part of the cake is left?%ln",
     left_over},
    {"What is %ld %ld/%ld + %ld %ld/%ld, written as one fraction?%ln", mixed},
    {"Solve for x: x + %ld = %ld%ln", x_plus},
    {"Solve for x: %ldx = %ld%ln", x_times},
    {"Solve for x: %ldx + %ld = %ld%ln", two_steps},
    {"Solve for x: %ldx + %ld = %ldx + %ld%ln", both_sides},
    {"Solve for x: %ldx + %ld = %ldx - %ld%ln", both_sides_minus},
    {"Solve for x: %ld(x + %ld) = %ld%ln", brackets},
    {"Solve for x: x/%ld + %ld = %ld%ln", x_over},
    {"What is %ldx - %ld when x = %ld?%ln", evaluate},
    {"What is x if x + y = %ld and x - y = %ld?%ln", pair},
    {"Which positive number x solves x^2 + %ldx = %ld?%ln", square},
    {"The ratio of boys to girls in a school club is %ld:%ld. The club has %ld members. "
     "How many of them are girls?%ln",
     girls},
    {"%ld pens cost %ld cents. How many cents do %ld pens cost?%ln", rate},
    {"What is %ld%% of %ld?%ln", percent_of},
    {"%ld is what percent of %ld?%ln", what_percent},
    {"A coat costs %ld dollars. The price falls by %ld%%. What is the new price in dollars?%ln",
     falling},
    {"On a map with the scale 1:%ld two towns are %ld cm apart. How many kilometres is that?%ln",
     scale},
    {"A train travels %ld km in %ld hours. "
     "How many km does it travel in %ld hours at the same speed?%ln",
     train},
    {"After a rise of %ld%% a bicycle costs %ld dollars. What did it cost before, in dollars?%ln",
     before},
};

/* Whether the whole text is of that form; its numbers into `n`. */
static bool matches(const char *form, const char *text, long n[8])
{
    size_t n_number = 0;

    for (const char *c = form; *c; c++) {
        if (strncmp(c, "%ld", 3) == 0) n_number++;
    }
    n[n_number] = -1;
    sscanf(text, form, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6]);
    return n[n_number] == (long)strlen(text);
}

static long gcd(long x, long y)
{
    return y == 0 ? labs(x) : gcd(y, x % y);
}

/* The answer to `text` as an option is written. */
static void solve(const char *text, char *out, size_t size)
{
    size_t n_match = 0;
    long n[8];

    for (size_t i = 0; i < COUNT_OF(solvers); i++) {
        long num, den, common;

        if (!matches(solvers[i].text, text, n)) continue;
        solvers[i].solve(n, &num, &den);
        common = den < 0 ? -gcd(num, den) : gcd(num, den);
        num /= common;
        den /= common;
        if (den == 1)
            snprintf(out, size, "%ld", num);
        else
            snprintf(out, size, "%ld/%ld", num, den);
        n_match++;
    }
    cr_assert_eq(n_match, 1, "%zu ways to read: %s", n_match, text);
}

static double value_of(const char *option)
{
    long num, den = 1;

    cr_assert_geq(sscanf(option, "%ld/%ld", &num, &den), 1);
    return (double)num / (double)den;
}

static struct demo_item items[DEMO_ITEMS];

static void expect_right(const struct demo_item *item)
{
    char answer[32];

    solve(item->text, answer, sizeof(answer));
    cr_expect_str_eq(item->options[item->key], answer, "%s: %s is not %s", item->text,
                     item->options[item->key], answer);
    for (size_t i = 0; i < DEMO_OPTIONS; i++) {
        for (size_t j = 0; j < i; j++) {
            cr_expect_gt(fabs(value_of(item->options[i]) - value_of(item->options[j])), 1e-9,
                         "%s: %s and %s", item->text, item->options[i], item->options[j]);
        }
    }
    cr_expect(item->a > 0.42 && item->a < 5.2, "%s: a %g", item->id, item->a);
    cr_expect(fabs(item->b) <= 3.5, "%s: b %g", item->id, item->b);
    cr_expect(item->c >= 0.15 && item->c <= 0.25, "%s: c %g", item->id, item->c);
}

Test(demo_bank, answers_are_right_and_options_distinct)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        demo_bank(seed, items);
        for (size_t i = 0; i < DEMO_ITEMS; i++) expect_right(&items[i]);
    }
}

Test(demo_bank, has_no_question_twice_and_80_of_each_strand)
{
    const char *strands[] = {"arithmetic", "fractions", "equations", "ratios"};
    size_t n[COUNT_OF(strands)] = {0};

    demo_bank(17, items);
    for (size_t i = 0; i < DEMO_ITEMS; i++) {
        for (size_t j = 0; j < i; j++) {
            cr_expect_str_neq(items[i].text, items[j].text);
            cr_expect_str_neq(items[i].id, items[j].id);
        }
        for (size_t s = 0; s < COUNT_OF(strands); s++)
            n[s] += strcmp(items[i].strand, strands[s]) == 0;
    }
    for (size_t s = 0; s < COUNT_OF(strands); s++)
        cr_expect_eq(n[s], 80, "%zu of %s", n[s], strands[s]);
}

Test(demo_bank, difficulties_cover_the_scale_and_keys_all_positions)
{
    size_t easy = 0, hard = 0, key[DEMO_OPTIONS] = {0};

    demo_bank(17, items);
    for (size_t i = 0; i < DEMO_ITEMS; i++) {
        easy += items[i].b < -1.0;
        hard += items[i].b > 1.0;
        key[items[i].key]++;
    }
    cr_expect_geq(easy, 32, "%zu easy questions", easy);
    cr_expect_geq(hard, 32, "%zu hard questions", hard);
    for (size_t k = 0; k < DEMO_OPTIONS; k++)
        cr_expect_geq(key[k], 40, "%zu keys at %zu", key[k], k);
}

Test(demo_bank, is_a_function_of_the_seed)
{
    struct buf one = {0}, again = {0}, other = {0};

    demo_bank(5, items);
    demo_bank_csv(items, DEMO_ITEMS, &one);
    demo_bank(5, items);
    demo_bank_csv(items, DEMO_ITEMS, &again);
    demo_bank(6, items);
    demo_bank_csv(items, DEMO_ITEMS, &other);
    cr_expect(slice_equal(buf_slice(&one), buf_slice(&again)));
    cr_expect_not(slice_equal(buf_slice(&one), buf_slice(&other)));
    buf_done(&one);
    buf_done(&again);
    buf_done(&other);
}

Test(demo_bank, csv_can_be_imported)
{
    struct demo_item item = {
        "arithmetic-01", "arithmetic", "What is 6 + 3?", {"9", "7", "8", "3/2"}, 0, 1.25,
        -0.385,          0.1875};
    struct buf csv = {0};
    struct trial trial;

    demo_bank_csv(&item, 1, &csv);
    buf_append(&csv, "", 1);
    trial = try_plain((const char *)csv.data);
    expect_imported(&trial, "native", 1);
    expect_item(&trial, 0,
                "{'id':'arithmetic-01','model':'3PL','a':1.25,'b':-0.385,'c':0.188,'key':'9',"
                "'options':['9','7','8','3/2'],'tags':{'strand':'arithmetic'},"
                "'content':{'text':'What is 6 + 3?'}}");
    trial_done(&trial);
    buf_done(&csv);
}
