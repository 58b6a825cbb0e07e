/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients/cli/session_view.h"
#include "clients/cli/picture.h"
#include "clients/cli/text_table.h"

#include <math.h>
#include <stdio.h>

static const struct reason {
    const char *stop, *words;
} reasons[] = {
    {"se", "the ability is known well enough (se)"},
    {"length", "all questions of the test have been asked (length)"},
    {"time", "the time is over (time)"},
    {"pool", "no question is left to ask (pool)"},
    {"request", "it was ended by request (request)"},
};

bool session_is(const msgpack_object *state, const char *name)
{
    return slice_equal_str(reply_text(state, "state"), name);
}

/* A picture for each dimension. */
static void draw_each(const struct cli *cli, const msgpack_object *ability)
{
    double theta[LIMIT_DIMS], se[LIMIT_DIMS];
    size_t n = reply_numbers(ability, "theta", theta, LIMIT_DIMS);
    bool has_se = reply_numbers(ability, "se", se, LIMIT_DIMS) == n;
    char picture[PICTURE_SIZE];

    for (size_t m = 0; m < n; m++) {
        picture_draw(theta[m], has_se ? se[m] : (double)NAN, cli->utf8, picture);
        puts(picture);
    }
}

void session_show_ability(const struct cli *cli, const msgpack_object *state)
{
    const msgpack_object *ability = reply_map(state, "ability");

    if (ability) draw_each(cli, ability);
}

const char *session_reason(struct slice stop)
{
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (slice_equal_str(stop, reasons[i].stop)) return reasons[i].words;
    }
    return NULL;
}

static void put_reason(struct text_table *table, struct slice stop)
{
    const char *words = session_reason(stop);

    text_table_cell(table, "ended because");
    if (words)
        text_table_cell(table, "%s", words);
    else
        text_table_slice(table, stop);
}

static void put_number(struct text_table *table, const char *name, int decimals, double value)
{
    if (isnan(value)) return;
    text_table_cell(table, "%s", name);
    text_table_number(table, decimals, value);
}

/* One number, or several apart by blanks. */
static void put_numbers(struct text_table *table, const char *name, const msgpack_object *map,
                        const char *key)
{
    double number[LIMIT_DIMS];
    size_t n = reply_numbers(map, key, number, LIMIT_DIMS);
    char text[LIMIT_DIMS * 16] = "";

    if (n == 1) put_number(table, name, 3, number[0]);
    if (n < 2) return;
    for (size_t m = 0; m < n; m++) {
        size_t used = strlen(text);

        snprintf(text + used, sizeof(text) - used, "%s%.3f", m > 0 ? "  " : "", number[m]);
    }
    text_table_cell(table, "%s", name);
    text_table_cell(table, "%s", text);
}

static void put_words(struct text_table *table, const char *name, struct slice text)
{
    if (text.n == 0) return;
    text_table_cell(table, "%s", name);
    text_table_slice(table, text);
}

static void put_result(struct text_table *table, const msgpack_object *result)
{
    put_reason(table, reply_text(result, "stop"));
    put_numbers(table, "theta", result, "theta");
    if (reply_number(result, "se") > PICTURE_SE_MAX) {
        text_table_cell(table, "standard error");
        text_table_cell(table, "over %g: theta is at the bound", PICTURE_SE_MAX);
    } else {
        put_numbers(table, "standard error", result, "se");
    }
    put_number(table, "scale score", 1, reply_number(result, "scale"));
    put_words(table, "classification", reply_text(result, "classification"));
}

static void print_table(struct text_table *table)
{
    text_table_print(table, CLI_WIDTH, stdout);
    text_table_done(table);
}

void session_show_result(const struct cli *cli, const msgpack_object *state)
{
    const msgpack_object *result = reply_map(state, "result");
    struct text_table table;

    if (!result) return;
    text_table_init(&table, "ll");
    put_result(&table, result);
    print_table(&table);
    draw_each(cli, result);
}

static void put_progress(struct text_table *table, const msgpack_object *state)
{
    const msgpack_object *progress = reply_map(state, "progress");

    if (!progress) return;
    text_table_cell(table, "questions");
    if (isnan(reply_number(progress, "max")))
        text_table_cell(table, "%lld asked, at least %lld", (long long)reply_int(progress, "asked"),
                        (long long)reply_int(progress, "min"));
    else
        text_table_cell(
            table, "%lld asked, %lld to %lld in all", (long long)reply_int(progress, "asked"),
            (long long)reply_int(progress, "min"), (long long)reply_int(progress, "max"));
}

void session_show(const struct cli *cli, const msgpack_object *state)
{
    const msgpack_object *item = reply_map(state, "item");
    const msgpack_object *result = reply_map(state, "result");
    struct text_table table;

    text_table_init(&table, "ll");
    put_words(&table, "session", reply_text(state, "session"));
    put_words(&table, "state", reply_text(state, "state"));
    put_progress(&table, state);
    if (item) put_words(&table, "question", reply_text(item, "id"));
    if (result) put_result(&table, result);
    if (reply_int(state, "pending") > 0) {
        text_table_cell(&table, "%s", "to score");
        text_table_cell(&table, "%lld answers wait for a person",
                        (long long)reply_int(state, "pending"));
    }
    print_table(&table);
    session_show_ability(cli, state);
}
