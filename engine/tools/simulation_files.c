/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The summary for programs: CSV tables and JSON. */
#include "tools/simulation_summary.h"

#include <inttypes.h>
#include <math.h>

/* A number that a spreadsheet reads, an empty cell where there is none. */
static void put_number(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, ",%.10g", value);
    else
        fputc(',', out);
}

/* The names of a column for each dimension, each behind a comma: the base and a number. */
static void put_names(FILE *out, const char *base, size_t n_dim)
{
    for (size_t m = 0; m < n_dim; m++) fprintf(out, ",%s%zu", base, m + 1);
}

static void put_examinees_head(const struct test *test, size_t n_dim, FILE *out)
{
    fputs("examinee", out);
    if (n_dim == 1) {
        fputs(",theta,estimate,se", out);
    } else {
        put_names(out, "theta", n_dim);
        put_names(out, "est", n_dim);
        put_names(out, "se", n_dim);
    }
    fprintf(out, ",length,stop%s%s\n", test->has_scale ? ",score" : "",
            test->n_cut > 0 ? ",class" : "");
}

bool simulation_csv_examinees(const struct simulation *simulation, const double *theta,
                              const struct simulation_result *result, FILE *out)
{
    const struct test *test = &simulation->plan->test;
    size_t n_dim = bank_n_dim(simulation->plan->bank);

    put_examinees_head(test, n_dim, out);
    for (size_t i = 0; i < simulation->n_examinee; i++) {
        const struct simulated *row = &result->examinee[i * n_dim];
        const char *class = row->stop ? test_classify(test, row->theta) : NULL;

        fprintf(out, "%zu", i + 1);
        for (size_t m = 0; m < n_dim; m++) put_number(out, theta[i * n_dim + m]);
        for (size_t m = 0; m < n_dim; m++) put_number(out, row[m].theta);
        for (size_t m = 0; m < n_dim; m++) put_number(out, row[m].se);
        fprintf(out, ",%" PRIu32 ",%s", row->n_answer, row->stop ? row->stop : "");
        if (test->has_scale) {
            put_number(out, row->stop ? test_scale(test, row->theta) : (double)NAN);
        }
        if (test->n_cut > 0) fprintf(out, ",%s", class ? class : "");
        fputc('\n', out);
    }
    return !ferror(out);
}

bool simulation_csv_items(const struct bank *bank, const struct simulation_result *result,
                          size_t n_examinee, FILE *out)
{
    fputs("item,n,exposure\n", out);
    for (size_t i = 0; i < bank_n_item(bank); i++) {
        fprintf(out, "%s,%" PRIu64, bank_id(bank, i), result->item_count[i]);
        put_number(out, (double)result->item_count[i] / (double)n_examinee);
        fputc('\n', out);
    }
    return !ferror(out);
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *group_json(const struct summary_group *group)
{
    return json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "theta", number(group->theta), "n",
                     (json_int_t)group->n, "bias", number(group->bias), "rmse", number(group->rmse),
                     "sd", number(group->sd), "se", number(group->se), "coverage",
                     number(group->coverage), "length", number(group->length));
}

static json_t *groups_json(const struct summary_theta *summary)
{
    json_t *array = json_array();

    for (size_t g = 0; g < summary->n_group; g++) {
        if (json_array_append_new(array, group_json(&summary->group[g]))) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *lengths_json(const struct simulation_summary *summary)
{
    json_t *counts = json_array();

    for (unsigned length = 0; length <= summary->max_items; length++) {
        (void)json_array_append_new(counts, json_integer((json_int_t)summary->length[length]));
    }
    return json_pack("{s:i, s:i, s:i, s:o}", "min", (int)summary->length_min, "median",
                     (int)summary->length_median, "max", (int)summary->length_max, "counts",
                     counts);
}

static json_t *stops_json(const struct simulation_summary *summary)
{
    json_t *stops = json_object();

    for (size_t s = 0; s < summary->n_stop; s++) {
        (void)json_object_set_new(stops, summary->stop[s].name,
                                  json_integer((json_int_t)summary->stop[s].n));
    }
    return stops;
}

static json_t *exposure_json(const struct simulation_summary *summary)
{
    return json_pack("{s:I, s:I, s:I, s:o, s:o, s:o}", "items", (json_int_t)summary->n_item,
                     "unused", (json_int_t)summary->n_unused, "over_0.2",
                     (json_int_t)summary->n_over, "mean", number(summary->exposure_mean), "max",
                     number(summary->exposure_max), "overlap", number(summary->overlap));
}

/* Rows are the true classes, columns the estimated ones, from below all cuts upward. */
static json_t *classes_json(const struct simulation_summary *summary, const struct test *test)
{
    json_t *names = json_pack("[n]"), *rows = json_array();
    size_t n = summary->n_class;

    if (n == 0) {
        json_decref(names);
        json_decref(rows);
        return json_null();
    }
    for (size_t k = 0; k < test->n_cut; k++) {
        (void)json_array_append_new(names, json_string(test->cuts[k].name));
    }
    for (size_t k = 0; k < n; k++) {
        json_t *row = json_array();

        for (size_t j = 0; j < n; j++) {
            json_int_t count = (json_int_t)summary->confusion[k * n + j];

            (void)json_array_append_new(row, json_integer(count));
        }
        (void)json_array_append_new(rows, row);
    }
    return json_pack("{s:o, s:o, s:o}", "accuracy", number(summary->accuracy), "classes", names,
                     "confusion", rows);
}

/* Precision in one dimension. */
static json_t *theta_json(const struct summary_theta *dim)
{
    return json_pack("{s:o, s:o, s:b, s:o}", "all", group_json(&dim->all), "correlation",
                     number(dim->correlation), "groups_are_values", dim->by_value, "groups",
                     groups_json(dim));
}

static json_t *dims_json(const struct simulation_summary *summary)
{
    json_t *dims = json_array();

    for (size_t m = 0; m < summary->n_dim; m++) {
        json_t *dim = theta_json(&summary->dim[m]);

        (void)json_object_set_new(dim, "sd_ratio", number(summary->dim[m].sd_ratio));
        (void)json_array_append_new(dims, dim);
    }
    return json_pack("{s:o}", "dims", dims);
}

json_t *simulation_summary_json(const struct simulation_summary *summary, const struct test *test)
{
    json_t *json = json_pack("{s:I, s:I}", "examinees", (json_int_t)summary->n_examinee,
                             "without_items", (json_int_t)summary->n_empty);
    json_t *precision = summary->n_dim == 1 ? theta_json(&summary->dim[0]) : dims_json(summary);
    json_t *rest = json_pack("{s:o, s:o, s:o, s:o}", "length", lengths_json(summary), "stop",
                             stops_json(summary), "exposure", exposure_json(summary),
                             "classification", classes_json(summary, test));
    bool is_whole = json && precision && rest && json_object_update(json, precision) == 0 &&
                    json_object_update(json, rest) == 0;

    json_decref(precision);
    json_decref(rest);
    if (is_whole) return json;
    json_decref(json);
    return NULL;
}
