/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every width of vectors gives the bits of the scalar formulas. The kernels are compiled as they
 * are installed, so what is compared here is what runs. */
#include "irt/kernels.h"
#include "irt/logistic_kernel.h"
#include "irt/model.h"
#include "irt/softmax.h"
#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

enum { N_LOOP = 61, N_TRIAL = 2000 };

static double line_value(size_t kernel, const double line[4], double theta)
{
    double a = line[0], b = line[1];
    struct logistic l = num_logistic(a * (theta - b));

    if (kernel == 0) return line[2] + num_log_logistic(line[3] * (a * (theta - b)));
    if (kernel == 1) return num_log(line[2] * l.v + line[3] * l.u);
    return line[3] + num_log_logistic(a * (theta - b)) + num_log_logistic(-(a * (theta - line[2])));
}

static void random_line(struct dice *dice, size_t kernel, double line[4])
{
    line[0] = dice_between(dice, 0.1, 40.0);
    line[1] = dice_between(dice, -6.0, 6.0);
    line[2] = dice_between(dice, 0.0, 1.0);
    line[3] = kernel == 0 ? (dice_chance(dice, 0.5) ? 1.0 : -1.0) : dice_between(dice, 0.0, 1.0);
}

static void expect_alike(const double *got, const double *want, size_t n, const char *what)
{
    for (size_t q = 0; q < n; q++) {
        if (num_bits(got[q]) != num_bits(want[q])) {
            cr_assert_fail("%s, number %zu of %zu: %a, not %a", what, q, n, got[q], want[q]);
        }
    }
}

static void each_width(void (*compare)(const struct kernels *, struct dice *))
{
    for (size_t i = 0; kernels_at(i); i++) {
        struct dice dice = dice_new(kernels_at(i)->name, 151 + i);

        for (int trial = 0; trial < N_TRIAL; trial++) compare(kernels_at(i), &dice);
    }
}

static void compare_lines(const struct kernels *kernels, struct dice *dice)
{
    void (*const loop[])(const double *, const double *, size_t, double *) = {
        kernels->log_logistic, kernels->log_mix, kernels->log_between};
    size_t n = dice_below(dice, N_LOOP + 1);

    for (size_t kernel = 0; kernel < COUNT_OF(loop); kernel++) {
        double line[4], theta[N_LOOP], got[N_LOOP], want[N_LOOP];

        random_line(dice, kernel, line);
        for (size_t q = 0; q < n; q++) {
            theta[q] = dice_between(dice, -20.0, 20.0);
            got[q] = want[q] = dice_between(dice, -9.0, 0.0);
            want[q] += line_value(kernel, line, theta[q]);
        }
        loop[kernel](line, theta, n, got);
        expect_alike(got, want, n, kernels->name);
    }
}

Test(kernels, log_probabilities_have_the_bits_of_the_scalar)
{
    each_width(compare_lines);
}

static double share_value(const struct exponents *of, unsigned at, double theta)
{
    double z[LIMIT_CATS] = {0}, p[LIMIT_CATS], top = 0.0;
    double log_sum;

    for (unsigned k = 1; k < of->n_cat; k++) {
        z[k] = of->slopes ? of->slopes[k - 1] * theta + of->steps[k - 1]
                          : z[k - 1] + of->a * (theta - of->steps[k - 1]);
        if (z[k] > top) top = z[k];
    }
    log_sum = softmax(of->n_cat, top, z, p);
    return z[at] - log_sum;
}

static void compare_shares(const struct kernels *kernels, struct dice *dice)
{
    double slopes[LIMIT_CATS], steps[LIMIT_CATS], theta[N_LOOP], got[N_LOOP], want[N_LOOP];
    struct exponents of = {.n_cat = 2 + (unsigned)dice_below(dice, LIMIT_CATS - 1),
                           .a = dice_between(dice, 0.1, 20.0),
                           .slopes = dice_chance(dice, 0.5) ? slopes : NULL,
                           .steps = steps};
    unsigned k = (unsigned)dice_below(dice, of.n_cat);
    size_t n = dice_below(dice, N_LOOP + 1);

    for (unsigned j = 0; j < LIMIT_CATS; j++) {
        slopes[j] = dice_between(dice, -20.0, 20.0);
        steps[j] = dice_between(dice, -6.0, 6.0);
    }
    for (size_t q = 0; q < n; q++) {
        theta[q] = dice_between(dice, -20.0, 20.0);
        got[q] = want[q] = dice_between(dice, -9.0, 0.0);
        want[q] += share_value(&of, k, theta[q]);
    }
    kernels->log_share(&of, k, theta, n, got);
    expect_alike(got, want, n, kernels->name);
}

Test(kernels, shares_have_the_bits_of_the_scalar)
{
    each_width(compare_shares);
}

static void compare_info(const struct kernels *kernels, struct dice *dice)
{
    double a[N_LOOP], b[N_LOOP], c[N_LOOP], d[N_LOOP], got[N_LOOP], want[N_LOOP];
    const struct logistic_columns columns = {a, b, c, d};
    double theta = dice_between(dice, -20.0, 20.0);
    size_t n = dice_below(dice, N_LOOP + 1);

    for (size_t i = 0; i < n; i++) {
        a[i] = dice_between(dice, 0.0, 100.0);
        b[i] = dice_between(dice, -100.0, 100.0);
        c[i] = dice_chance(dice, 0.5) ? 0.0 : dice_between(dice, 0.0, 0.4);
        d[i] = dice_chance(dice, 0.5) ? 1.0 : dice_between(dice, 0.5, 1.0);
        want[i] = logistic_info(a[i], b[i], c[i], d[i], theta);
    }
    kernels->info(&columns, theta, n, got);
    expect_alike(got, want, n, kernels->name);
}

Test(kernels, information_has_the_bits_of_the_scalar)
{
    each_width(compare_info);
}

static void compare_exp(const struct kernels *kernels, struct dice *dice)
{
    double got[N_LOOP], want[N_LOOP], top = dice_between(dice, -700.0, 0.0);
    size_t n = dice_below(dice, N_LOOP + 1);

    for (size_t q = 0; q < n; q++) {
        got[q] = dice_chance(dice, 0.1) ? -(double)INFINITY : dice_between(dice, -1500.0, top);
        want[q] = num_exp(got[q] - top);
    }
    kernels->exp_less(top, n, got);
    expect_alike(got, want, n, kernels->name);
}

Test(kernels, exp_has_the_bits_of_the_scalar)
{
    each_width(compare_exp);
}

/* On the grid and one by one, every model's every category is the same. */
Test(kernels, models_add_what_log_prob_says)
{
    struct dice dice = dice_new("models", 157);
    struct bank *bank = bank_random(&dice, 100);

    for (size_t i = 0; i < bank_n_item(bank); i++) {
        const struct item *item = bank_item(bank, i);

        for (unsigned k = 0; k < item->n_cat; k++) {
            double theta[N_LOOP], got[N_LOOP] = {0}, want[N_LOOP];

            for (size_t q = 0; q < N_LOOP; q++) {
                theta[q] = dice_between(&dice, -8.0, 8.0);
                want[q] = 0.0 + item->model->log_prob(item, k, theta[q]);
            }
            item->model->add_loglik(item, k, theta, N_LOOP, got);
            expect_alike(got, want, N_LOOP, item->model->name);
        }
    }
    bank_free(bank);
}

Test(kernels, the_best_is_the_last)
{
    size_t n = 0;

    while (kernels_at(n)) n++;
    cr_expect(n >= 1 && kernels_best() == kernels_at(n - 1));
    fprintf(stderr, "kernels: %zu widths, the widest is %s\n", n, kernels_best()->name);
}
