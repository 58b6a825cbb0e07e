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

void session_show_ability(const struct cli *cli, const msgpack_object *state)
{
    const msgpack_object *ability = reply_map(state, "ability");
    char picture[PICTURE_SIZE];

    if (!ability || isnan(reply_number(ability, "theta"))) return;
    picture_draw(reply_number(ability, "theta"), reply_number(ability, "se"), cli->utf8, picture);
    puts(picture);
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

static void put_words(struct text_table *table, const char *name, struct slice text)
{
    if (text.n == 0) return;
    text_table_cell(table, "%s", name);
    text_table_slice(table, text);
}

static void put_result(struct text_table *table, const msgpack_object *result)
{
    put_reason(table, reply_text(result, "stop"));
    put_number(table, "theta", 3, reply_number(result, "theta"));
    if (reply_number(result, "se") > PICTURE_SE_MAX) {
        text_table_cell(table, "standard error");
        text_table_cell(table, "over %g: theta is at the bound", PICTURE_SE_MAX);
    } else {
        put_number(table, "standard error", 3, reply_number(result, "se"));
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
    char picture[PICTURE_SIZE];

    if (!result) return;
    text_table_init(&table, "ll");
    put_result(&table, result);
    print_table(&table);
    if (isnan(reply_number(result, "theta"))) return;
    picture_draw(reply_number(result, "theta"), reply_number(result, "se"), cli->utf8, picture);
    puts(picture);
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
