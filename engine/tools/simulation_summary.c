/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All sums run in the order of theta, so equal results give an equal summary. */
#include "tools/simulation_summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Half the width of a 95 % interval, in standard errors. */
#define INTERVAL_Z 1.96

/* One examinee who was asked something. */
struct person {
    double theta;
    const struct simulated *result;
};

static int compare_person(const void *a, const void *b)
{
    const struct person *x = a, *y = b;

    if (x->theta != y->theta) return x->theta < y->theta ? -1 : 1;
    return (x->result > y->result) - (x->result < y->result);
}

static void summarize_group(const struct person *person, size_t n, struct summary_group *out)
{
    double theta = 0.0, sum = 0.0, square = 0.0, se = 0.0, length = 0.0;
    size_t n_se = 0, n_held = 0;

    for (size_t i = 0; i < n; i++) {
        double e = person[i].result->theta - person[i].theta;

        theta += person[i].theta;
        sum += e;
        square += e * e;
        length += person[i].result->n_answer;
        if (!isfinite(person[i].result->se)) continue;
        se += person[i].result->se;
        n_se++;
        n_held += fabs(e) <= INTERVAL_Z * person[i].result->se;
    }
    *out =
        (struct summary_group){.theta = theta / (double)n,
                               .n = n,
                               .bias = sum / (double)n,
                               .rmse = sqrt(square / (double)n),
                               .se = n_se > 0 ? se / (double)n_se : (double)NAN,
                               .coverage = n_se > 0 ? (double)n_held / (double)n_se : (double)NAN,
                               .length = length / (double)n};
    square = 0.0;
    for (size_t i = 0; i < n; i++) {
        double e = person[i].result->theta - person[i].theta - out->bias;

        square += e * e;
    }
    out->sd = n > 1 ? sqrt(square / (double)(n - 1)) : (double)NAN;
}

/* Where the run of equal thetas that begins at `from` ends. */
static size_t run_end(const struct person *person, size_t n, size_t from)
{
    size_t end = from + 1;

    while (end < n && !(person[end].theta > person[from].theta)) end++;
    return end;
}

/* Whether there are at most SUMMARY_VALUES distinct thetas. */
static bool few_values(const struct person *person, size_t n)
{
    size_t n_value = 0;

    for (size_t i = 0; i < n && n_value <= SUMMARY_VALUES; i = run_end(person, n, i)) n_value++;
    return n_value <= SUMMARY_VALUES;
}

static void summarize_groups(const struct person *person, size_t n, struct summary_theta *out)
{
    out->by_value = few_values(person, n);
    for (size_t from = 0; from < n && out->by_value;) {
        size_t end = run_end(person, n, from);

        summarize_group(person + from, end - from, &out->group[out->n_group++]);
        from = end;
    }
    for (size_t part = 0; part < SUMMARY_PARTS && !out->by_value; part++) {
        size_t from = part * n / SUMMARY_PARTS, end = (part + 1) * n / SUMMARY_PARTS;

        summarize_group(person + from, end - from, &out->group[out->n_group++]);
    }
}

/* How estimates and thetas vary together. */
static void relate(const struct person *person, size_t n, struct summary_theta *out)
{
    const struct summary_group *all = &out->all;
    double mean = all->theta + all->bias, xx = 0.0, yy = 0.0, xy = 0.0;

    for (size_t i = 0; i < n; i++) {
        double x = person[i].theta - all->theta, y = person[i].result->theta - mean;

        xx += x * x;
        yy += y * y;
        xy += x * y;
    }
    out->correlation = xx > 0.0 && yy > 0.0 ? xy / sqrt(xx * yy) : (double)NAN;
    out->sd_ratio = xx > 0.0 ? sqrt(yy / xx) : (double)NAN;
}

static void count_stop(struct simulation_summary *out, const char *name)
{
    size_t s = 0;

    while (s < out->n_stop && strcmp(out->stop[s].name, name) != 0) s++;
    if (s == SUMMARY_STOPS) return;
    if (s == out->n_stop) out->stop[out->n_stop++].name = name;
    out->stop[s].n++;
}

static int compare_stop(const void *a, const void *b)
{
    const struct summary_stop *x = a, *y = b;

    if (x->n != y->n) return x->n > y->n ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The shortest, the longest and the middle one of n tests; the lower of two middle ones. */
static void summarize_lengths(struct simulation_summary *out, size_t n)
{
    size_t below = 0;

    for (unsigned length = 0; length <= out->max_items; length++) {
        size_t count = out->length[length];

        if (count == 0) continue;
        if (below == 0) out->length_min = length;
        if (below < (n + 1) / 2 && below + count >= (n + 1) / 2) out->length_median = length;
        out->length_max = length;
        below += count;
    }
}

double overlap_rate(const uint64_t *item_count, size_t n_item, size_t n)
{
    double pairs = 0.0, total = 0.0;

    for (size_t i = 0; i < n_item; i++) {
        double k = (double)item_count[i];

        pairs += k * (k - 1.0);
        total += k;
    }
    if (n < 2 || !(total > 0.0)) return (double)NAN;
    return pairs / ((double)n - 1.0) / total;
}

static void summarize_items(const uint64_t *item_count, size_t n, struct simulation_summary *out)
{
    for (size_t i = 0; i < out->n_item; i++) {
        double rate = n > 0 ? (double)item_count[i] / (double)n : 0.0;

        out->exposure[i] = rate;
        out->exposure_mean += rate / (double)out->n_item;
        out->exposure_max = fmax(out->exposure_max, rate);
        out->n_unused += item_count[i] == 0;
        out->n_over += rate > SUMMARY_EXPOSURE;
    }
    out->overlap = overlap_rate(item_count, out->n_item, n);
}

size_t summary_class(const struct test *test, double theta)
{
    size_t k = 0;

    while (k < test->n_cut && test->cuts[k].theta <= theta) k++;
    return k;
}

static void summarize_classes(const struct test *test, const struct person *person, size_t n,
                              struct simulation_summary *out)
{
    size_t n_right = 0;

    if (test->n_cut == 0) return;
    out->n_class = test->n_cut + 1;
    for (size_t i = 0; i < n; i++) {
        size_t is = summary_class(test, person[i].theta);
        size_t said = summary_class(test, person[i].result->theta);

        out->confusion[is * out->n_class + said]++;
        n_right += is == said;
    }
    out->accuracy = n > 0 ? (double)n_right / (double)n : (double)NAN;
}

/* Those who were asked something into person, with one dimension of theta and in its order: the
 * first of theta and of result. Returns how many. */
static size_t gather(const struct simulation *simulation, const double *theta,
                     const struct simulated *result, struct person *person)
{
    size_t n_dim = bank_n_dim(simulation->plan->bank), n = 0;

    for (size_t i = 0; i < simulation->n_examinee; i++) {
        if (!result[i * n_dim].stop) continue;
        person[n++] = (struct person){theta[i * n_dim], &result[i * n_dim]};
    }
    qsort(person, n, sizeof(*person), compare_person);
    return n;
}

static void summarize_theta(const struct person *person, size_t n, struct summary_theta *out)
{
    summarize_group(person, n, &out->all);
    summarize_groups(person, n, out);
    relate(person, n, out);
}

/* What is the same in every dimension. */
static void summarize_tests(const struct person *person, size_t n, struct simulation_summary *out)
{
    for (size_t i = 0; i < n; i++) {
        out->length[person[i].result->n_answer]++;
        count_stop(out, person[i].result->stop);
    }
    qsort(out->stop, out->n_stop, sizeof(*out->stop), compare_stop);
    summarize_lengths(out, n);
}

enum status simulation_summarize(const struct simulation *simulation, const double *theta,
                                 const struct simulation_result *result,
                                 struct simulation_summary *out)
{
    const struct plan *plan = simulation->plan;
    size_t n_item = bank_n_item(plan->bank), n = 0;
    struct person *person = calloc(simulation->n_examinee, sizeof(*person));

    *out = (struct simulation_summary){.n_examinee = simulation->n_examinee,
                                       .max_items = plan->max_items,
                                       .n_item = n_item,
                                       .n_dim = bank_n_dim(plan->bank)};
    out->length = calloc(plan->max_items + 1, sizeof(*out->length));
    out->exposure = calloc(n_item, sizeof(*out->exposure));
    if (!person || !out->length || !out->exposure) {
        free(person);
        simulation_summary_done(out);
        return NO_MEMORY;
    }
    for (size_t m = 0; m < out->n_dim; m++) {
        n = gather(simulation, theta + m, result->examinee + m, person);
        summarize_theta(person, n, &out->dim[m]);
    }
    out->n_empty = simulation->n_examinee - n;
    summarize_tests(person, n, out);
    summarize_items(result->item_count, n, out);
    summarize_classes(&plan->test, person, n, out);
    free(person);
    return OK;
}

void simulation_summary_done(struct simulation_summary *summary)
{
    free(summary->length);
    free(summary->exposure);
    *summary = (struct simulation_summary){0};
}
