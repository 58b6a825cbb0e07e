/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole simulations against a plain version are in tests/unit/tools/test_simulated_counts->c. */
#include "select/eligibility.h"

#include "tests/support/dice.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>

static const struct eligibility_rule whole = {
    .max_rate = 0.2385, .fading = 0.97, .acceleration = 1.0};
static const struct eligibility_rule divided = {
    .max_rate = 0.2385, .fading = 0.97, .acceleration = 1.0, .n_cut = 2, .cut = {-0.7, 0.385}};

static struct eligibility_counts *counts_of(const struct eligibility_rule *rule, size_t n)
{
    struct eligibility_counts *counts = eligibility_counts_new(rule, 4, NULL);

    cr_assert(counts);
    for (size_t i = 0; i < n; i++) eligibility_add(counts, 1.0);
    return counts;
}

Test(eligibility, a_cut_belongs_to_the_interval_above)
{
    cr_expect_eq(eligibility_interval(&divided, -0.701), 0);
    cr_expect_eq(eligibility_interval(&divided, -0.7), 1);
    cr_expect_eq(eligibility_interval(&divided, 0.384), 1);
    cr_expect_eq(eligibility_interval(&divided, 0.385), 2);
    cr_expect_eq(eligibility_interval(&whole, 3.0), 0);
}

/* A session that asked these items, all in one interval. */
static void count(struct eligibility_counts *counts, const uint32_t *item, size_t n,
                  unsigned interval, const struct kept_out *kept)
{
    struct eligibility_pick pick[8];
    const struct eligibility_session session = {
        .pick = pick, .n_pick = n, .kept = kept, .n_kept = kept != NULL};

    cr_assert_leq(n, COUNT_OF(pick));
    for (size_t j = 0; j < n; j++) pick[j] = (struct eligibility_pick){item[j], interval};
    eligibility_count(counts, &session);
}

static const uint32_t q[] = {0, 1, 2};

/* Three sessions by hand: asked, not asked, kept out. w = 0.97. */
Test(eligibility, follows_the_published_rule)
{
    struct eligibility_counts *counts = counts_of(&whole, 2);
    const struct kept_out kept = {0, 1};
    double w = 0.97, r = 0.2385, n, alpha, phi;

    expect_bits(eligibility_probability(counts, 0, 0), 1.0, "never asked");
    count(counts, &q[0], 1, 0, NULL);
    expect_close(eligibility_probability(counts, 0, 0), r, 1e-14, "asked in the only session");
    count(counts, &q[1], 1, 0, NULL);
    alpha = w;
    phi = w + 1;
    expect_close(eligibility_probability(counts, 0, 0), r * phi / alpha, 1e-14, "1 of 2");
    count(counts, &q[1], 1, 0, &kept);
    expect_close(eligibility_probability(counts, 0, 0), r * phi / alpha, 1e-14,
                 "a session that it was kept from says nothing of it");
    counts->rule.acceleration = 3.0;
    n = w * w + w + 1;
    alpha = w * w;
    phi = w * w + w;
    cr_assert_gt(alpha / n, r);
    expect_close(eligibility_probability(counts, 0, 0),
                 phi / n * pow(r * n / alpha, counts->rule.acceleration), 1e-14, "accelerated");
    eligibility_counts_free(counts);
}

/* An item that was let in though it was kept out counts as eligible: otherwise it would have been
 * asked in more sessions than it was eligible in. */
Test(eligibility, let_in_is_eligible)
{
    struct eligibility_counts *counts = counts_of(&whole, 1);
    const struct kept_out kept = {0, 1};

    for (int i = 0; i < 50; i++) count(counts, &q[0], 1, 0, &kept);
    expect_close(eligibility_probability(counts, 0, 0), whole.max_rate, 1e-12, "always asked");
    eligibility_counts_free(counts);
}

/* A session counts where it picked, once in each interval and once in all. */
Test(eligibility, counts_by_interval)
{
    struct eligibility_counts *counts = counts_of(&divided, 3);
    const struct kept_out kept[] = {{1, 1u << 1}, {2, 7}};
    const struct eligibility_pick pick[] = {{0, 1}, {1, 1}, {2, 2}};
    const struct eligibility_session session = {
        .pick = pick, .n_pick = 2, .kept = kept, .n_kept = 2};
    const struct eligibility_session other = {.pick = pick + 2, .n_pick = 1};

    cr_assert_eq(counts->n_slot, 4);
    eligibility_count(counts, &session);  // asks item 1 though it is kept out there
    expect_close(counts->sessions[0], 1 / 0.97, 1e-14, "sessions");
    expect_close(counts->sessions[1], 0.0, 0.0, "interval 0");
    expect_close(counts->sessions[2], 1 / 0.97, 1e-14, "interval 1");
    expect_close(counts->sessions[3], 0.0, 0.0, "interval 2");
    expect_close(counts->kept[4 + 0], 0.0, 0.0, "item 1 was not kept out of all");
    expect_close(counts->kept[8 + 0], 1 / 0.97, 1e-14, "item 2 was");
    expect_close(counts->kept[8 + 2], 1 / 0.97, 1e-14, "and out of interval 1");
    expect_close(counts->kept[8 + 3], 0.0, 0.0, "the session was not in interval 2");
    expect_close(counts->kept[4 + 2], 0.0, 1e-14, "item 1 was let in");
    expect_close(counts->asked[4 + 2], 1 / 0.97, 1e-14, "and asked");
    eligibility_count(counts, &other);
    expect_close(counts->sessions[3], 1 / 0.97, 1e-14, "interval 2");
    expect_close(counts->asked[8 + 3], 1 / 0.97, 1e-14, "item 2 there");
    expect_close(counts->asked[8 + 0], 1 / 0.97 / 0.97, 1e-14, "and in all");
    eligibility_counts_free(counts);
}

/* The draw keeps an item out with 1 - P, in one stroke for all intervals: 20,000 draws under p =
 * 0.2385 and more, SD at most 0.0034, so that 0.015 is passed with chance 1e-5. */
Test(eligibility, draws_by_its_probabilities)
{
    enum { N = 20000 };
    struct eligibility_counts *counts = counts_of(&divided, 2);
    const struct eligibility_pick pick[] = {{1, 2}, {0, 0}};
    const struct eligibility_session session = {.pick = pick, .n_pick = 1},
                                     more = {.pick = pick + 1, .n_pick = 1};
    size_t n_kept = 0, n_all = 0;
    struct kept_out out[2];
    double p_all, p_upper;

    eligibility_count(counts, &session);
    eligibility_count(counts, &more);
    p_all = eligibility_probability(counts, 1, 0);
    p_upper = eligibility_probability(counts, 1, 3);
    cr_assert(p_upper < p_all && p_all < 1.0, "%g %g", p_upper, p_all);
    for (uint64_t seed = 0; seed < N; seed++) {
        const uint32_t item_of[] = {ELIGIBILITY_NONE, 17};
        size_t n = eligibility_draw(counts, seed, item_of, out);

        cr_assert(n == 0 || (n == 1 && out[0].item == 17));
        n_kept += n;
        cr_assert(n == 0 || out[0].where == 7 || out[0].where == 4);
        n_all += n == 1 && out[0].where == 7;
    }
    expect_true(fabs((double)n_kept / N - (1.0 - p_upper)) < 0.015, "kept out above: %zu", n_kept);
    expect_true(fabs((double)n_all / N - (1.0 - p_all)) < 0.015, "kept out of all: %zu", n_all);
    eligibility_counts_free(counts);
}

/* Weights grow without end and are brought down on the way, which no ratio shows. */
Test(eligibility, goes_on_for_ever)
{
    struct eligibility_counts *counts = counts_of(&whole, 2);
    struct dice dice = dice_new("eligibility", 77);
    double w = whole.fading, n = 0.0, alpha = 0.0;

    for (int i = 0; i < 40000; i++) {
        const uint32_t item = (uint32_t)dice_below(&dice, 2);

        count(counts, &item, 1, 0, NULL);
        n = n * w + 1;
        alpha = alpha * w + (item == 0);
        if (i % 97 == 0 && alpha > 0) {
            expect_close(eligibility_probability(counts, 0, 0),
                         fmin(1.0, whole.max_rate * n / alpha), 1e-9, "session %d", i);
        }
    }
    cr_expect(counts->weight[0] < 1e160);
    eligibility_counts_free(counts);
}

Test(eligibility, begins_where_k_says)
{
    struct eligibility_counts *counts = counts_of(&divided, 1);

    eligibility_add(counts, 0.385);
    for (size_t slot = 0; slot < counts->n_slot; slot++) {
        expect_close(eligibility_probability(counts, 1, slot), 0.385, 1e-14, "slot %zu", slot);
        expect_close(eligibility_probability(counts, 0, slot), 1.0, 0.0, "slot %zu", slot);
    }
    eligibility_counts_free(counts);
}

Test(eligibility, other_cuts_begin_anew_and_the_whole_stays)
{
    struct eligibility_counts *first = counts_of(&divided, 2), *second, *third;
    struct eligibility_rule other = divided;

    count(first, &q[0], 1, 0, NULL);
    other.max_rate = 0.3;
    second = eligibility_counts_new(&other, 9, first);
    cr_assert(second);
    expect_close(eligibility_probability(second, 0, 1), 0.3, 1e-14, "another rate, the same cuts");
    other.cut[0] = -0.6;
    third = eligibility_counts_new(&other, 2, second);
    cr_assert(third);
    expect_close(eligibility_probability(third, 0, 0), 0.3, 1e-14, "the whole test");
    expect_bits(eligibility_probability(third, 0, 1), 1.0, "an interval");
    cr_expect_eq(third->n_place, 2);
    eligibility_counts_free(first);
    eligibility_counts_free(second);
    eligibility_counts_free(third);
}

Test(eligibility, every_place_is_taken_over)
{
    const struct kept_out kept = {1, 2};
    struct eligibility_counts *from = counts_of(&divided, 3), *to;

    for (unsigned k = 0; k < 3; k++) count(from, &q[k], 1, k, NULL);
    count(from, &q[2], 1, 1, &kept);
    to = eligibility_counts_new(&divided, 9, from);
    cr_assert(to);
    for (uint32_t item = 0; item < 3; item++) {
        for (unsigned k = 0; k < 3; k++) {
            expect_bits(eligibility_probability(to, item, k),
                        eligibility_probability(from, item, k), "item %u, interval %u", item, k);
        }
    }
    eligibility_counts_free(from);
    eligibility_counts_free(to);
}
