/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sympson and Hetter (1985), as van der Linden (2003, J. Educ. Behav. Stat. 28) writes it down:
 * with S_i the event that item i would be picked and A_i that it is asked, P(A_i) = k_i P(S_i).
 * Begin with k_i = 1; simulate; set k_i = r / P(S_i) where P(S_i) > r and 1 elsewhere; again,
 * because items that are held back move others forward, whose P(S_i) rises in turn. Let the items
 * with the largest k have k = 1 until there are as many of those as a test is long, so that every
 * test finds its items.
 *
 * An item meets its draw once in a session and independently of everything before it, so P(S_i) is
 * taken as P(A_i) / k_i, and no simulation of its own is needed to see what was passed over.
 *
 * The iteration need not converge (van der Linden 2003): it ends with the first round in which no
 * item passes the rate by more than chance, and of the rounds the best one counts. Each round has
 * examinees' answers and draws of its own; with the same ones k would be fitted to their chance. */
#include "tools/exposure_fit.h"
#include "base/rng.h"
#include "tools/csv_table.h"
#include "tools/simulation_summary.h"

#include <csv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double exposure_fit_slack(double rate, size_t n_examinee)
{
    return 3.0 * sqrt(rate * (1.0 - rate) / (double)n_examinee);
}

static int descending(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;

    return a > b ? -1 : a < b;
}

/* Raise the largest k to 1 until there are `n` of those. `sorted` [n_item] is scratch. */
static void open_enough(double *k, size_t n_item, size_t n, double *sorted)
{
    double least;

    memcpy(sorted, k, n_item * sizeof(*k));
    qsort(sorted, n_item, sizeof(*sorted), descending);
    least = sorted[n - 1];
    for (size_t i = 0; i < n_item; i++) {
        if (k[i] >= least) k[i] = 1.0;
    }
}

/* The next k from the exposures that the present one led to. */
static void adjust(const struct exposure_fit *fit, const double *exposure, double *k,
                   double *sorted)
{
    size_t n_item = bank_n_item(fit->simulation.plan->bank);

    for (size_t i = 0; i < n_item; i++) {
        double selected = exposure[i] / k[i];

        k[i] = selected > fit->rate ? fit->rate / selected : 1.0;
    }
    open_enough(k, n_item, fit->simulation.plan->max_items, sorted);
}

/* The mean over the dimensions. */
static double mean_rmse(const struct simulation_summary *summary)
{
    double sum = 0.0;

    for (size_t m = 0; m < summary->n_dim; m++) sum += summary->dim[m].all.rmse;
    return sum / (double)summary->n_dim;
}

/* Simulate under k. The exposures go to exposure [n_item]. */
static enum status simulate_round(const struct exposure_fit *fit, unsigned number, const double *k,
                                  double *exposure, struct exposure_fit_round *out)
{
    struct simulation simulation = fit->simulation;
    struct simulation_result result = {0};
    struct simulation_summary summary;
    enum status st;

    simulation.admit = k;
    simulation.keep_items = false;
    simulation.seed = rng_bits(fit->simulation.seed, number) & LIMIT_INT;
    st = simulate(&simulation, &result);
    if (st) return st;
    st = simulation_summarize(&simulation, fit->theta, &result, &summary);
    if (st == OK) {
        *out = (struct exposure_fit_round){.largest = summary.exposure_max,
                                           .overlap = summary.overlap,
                                           .rmse = mean_rmse(&summary)};
        memcpy(exposure, summary.exposure, summary.n_item * sizeof(*exposure));
        for (size_t i = 0; i < summary.n_item; i++) out->n_limited += k[i] < 1.0;
        simulation_summary_done(&summary);
    }
    simulation_result_done(&result);
    return st;
}

enum status exposure_fit(const struct exposure_fit *fit, double *out_k,
                         struct exposure_fit_round *out_rounds, unsigned *out_n)
{
    size_t n_item = bank_n_item(fit->simulation.plan->bank);
    double most = fit->rate + exposure_fit_slack(fit->rate, fit->simulation.n_examinee);
    double best = INFINITY;
    double *scratch = calloc(3 * n_item, sizeof(*scratch));
    double *k = scratch, *exposure = scratch + n_item, *sorted = scratch + 2 * n_item;
    enum status st = scratch ? OK : NO_MEMORY;

    *out_n = 0;
    for (size_t i = 0; i < n_item && st == OK; i++) k[i] = 1.0;
    while (st == OK && *out_n < fit->n_round && best > most) {
        struct exposure_fit_round *round = &out_rounds[*out_n];

        st = simulate_round(fit, *out_n, k, exposure, round);
        if (st) break;
        ++*out_n;
        if (fit->told) fit->told(round, *out_n, fit->context);
        if (round->largest < best) {
            best = round->largest;
            memcpy(out_k, k, n_item * sizeof(*k));
        }
        adjust(fit, exposure, k, sorted);
    }
    free(scratch);
    return st;
}

bool exposure_fit_csv(const struct bank *bank, const double *k, FILE *out)
{
    fputs("item,k\n", out);
    for (size_t i = 0; i < bank_n_item(bank); i++) {
        fprintf(out, "%s,%.9g\n", bank_id(bank, i), k[i]);
    }
    return !ferror(out);
}

/* The table of a file; the caller frees it in any case. */
static bool read_table(struct slice csv, struct csv_table *table)
{
    struct faults faults = {0};
    enum status st = csv_table_read(csv, "", table, &faults);

    faults_done(&faults);
    return st == OK && csv_table_column(table, "id") != CSV_TABLE_NONE;
}

bool exposure_fit_can_merge(struct slice csv)
{
    struct csv_table table = {0};
    bool can = read_table(csv, &table);

    csv_table_done(&table);
    return can;
}

/* A line: cells, then one more. `exposure` is left out of the cells. */
static void write_line(const struct csv_table *table, size_t row, const char *last, FILE *out)
{
    size_t exposure = csv_table_column(table, "exposure");

    for (size_t c = 0; c < table->n_column; c++) {
        const char *cell =
            row == CSV_TABLE_NONE ? csv_table_name(table, c) : csv_table_cell(table, row, c);

        if (c == exposure) continue;
        csv_fwrite(out, cell, strlen(cell));
        fputc(',', out);
    }
    fprintf(out, "%s\n", last);
}

enum status exposure_fit_merge(struct slice csv, const struct bank *bank, const double *k,
                               FILE *out)
{
    struct csv_table table = {0};
    enum status st = read_table(csv, &table) ? OK : BAD_REQUEST;
    size_t id = st ? 0 : csv_table_column(&table, "id");

    if (st == OK) write_line(&table, CSV_TABLE_NONE, "exposure", out);
    for (size_t row = 0; st == OK && row < table.n_row; row++) {
        long item = bank_find(bank, slice_str(csv_table_cell(&table, row, id)));
        char text[32] = "";

        if (item >= 0) snprintf(text, sizeof(text), "%.9g", k[item]);
        write_line(&table, row, text, out);
    }
    csv_table_done(&table);
    return st == OK && ferror(out) ? IO_ERROR : st;
}
