/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session list, answers, score: what teachers and proctors look at. */
#include "clients/cli/answers.h"
#include "clients/cli/args.h"
#include "clients/cli/session_view.h"
#include "clients/cli/text_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PAGE = 500 };

/* Where the next page begins. */
struct cursor {
    char after[LIMIT_ID + 1];
};

static void put_option(struct writer *out, const struct args *args, enum args_option option,
                       const char *field)
{
    if (args->options[option]) put_text(out, field, args->options[option]);
}

static int ask_page(struct cli *cli, const struct args *args, const struct cursor *cursor,
                    const msgpack_object **out_reply)
{
    static const enum args_option options[] = {OPTION_ONLY_TEST, OPTION_ONLY_EXAMINEE,
                                               OPTION_ONLY_STATE};
    static const char *const fields[] = {"test", "examinee", "state"};
    struct buf body = {0};
    struct writer out = writer_of(&body);
    size_t n = 1 + (cursor->after[0] != 0);
    int code;

    for (size_t i = 0; i < COUNT_OF(options); i++) n += args->options[options[i]] != NULL;
    write_map(&out, n);
    put_int(&out, "limit", PAGE);
    if (cursor->after[0]) put_text(&out, "after", cursor->after);
    for (size_t i = 0; i < COUNT_OF(options); i++) put_option(&out, args, options[i], fields[i]);
    code = cli_call(cli, "session.list", &body, out_reply);
    buf_done(&body);
    return code;
}

static void put_session(struct text_table *table, const msgpack_object *row)
{
    char when[32];

    cli_time_text(reply_int(row, "started_ms"), when);
    text_table_slice(table, reply_text(row, "session"));
    text_table_slice(table, reply_text(row, "test"));
    text_table_slice(table, reply_text(row, "examinee"));
    text_table_slice(table, reply_text(row, "group"));
    text_table_slice(table, reply_text(row, "state"));
    text_table_cell(table, "%lld", (long long)reply_int(row, "asked"));
    if (reply_int(row, "pending") > 0)
        text_table_cell(table, "%lld", (long long)reply_int(row, "pending"));
    else
        text_table_cell(table, "%s", "");
    text_table_cell(table, "%s", when);
}

static void list_header(struct text_table *table)
{
    const char *const names[] = {"session", "test",  "examinee", "group",
                                 "state",   "asked", "to score", "started"};

    text_table_init(table, "lllllrrl");
    table->hide_empty = true;
    for (size_t i = 0; i < COUNT_OF(names); i++) text_table_cell(table, "%s", names[i]);
}

static int run_list(struct cli *cli, const struct args *args)
{
    struct cursor cursor = {""};
    struct text_table table;
    size_t n_row = 0, n_damaged = 0;
    const msgpack_object *reply;
    int code;

    list_header(&table);
    do {
        const msgpack_object *rows;

        code = ask_page(cli, args, &cursor, &reply);
        if (code) break;
        rows = reply_array(reply, "sessions");
        if (cli->json) code = cli_show_json(reply);
        for (size_t i = 0; i < reply_size(rows); i++) put_session(&table, &rows->via.array.ptr[i]);
        n_row += reply_size(rows);
        n_damaged += reply_size(reply_array(reply, "damaged"));
    } while (!code && cli_next_page(reply, "next", cursor.after));
    if (!code && !cli->json && n_row > 0) text_table_print(&table, CLI_WIDTH, stdout);
    if (!code && !cli->json && n_row == 0) puts("There is no such session.");
    text_table_done(&table);
    if (code || n_damaged == 0) return code;
    return cli_fail(EX_DATAERR, "damaged, and left out: %zu session%s (theta verify names them)",
                    n_damaged, n_damaged == 1 ? "" : "s");
}

/* A table that grows with each page. */
struct sheet {
    struct cli *cli;
    struct text_table table;
    bool has_head;
    int64_t n_pending;
};

static void put_response(struct text_table *table, const msgpack_object *answer)
{
    const msgpack_object *response = map_find(answer, "response");
    struct slice text = {0};

    if (response && object_str(response, &text))
        text_table_slice(table, text);
    else if (response && response->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        text_table_cell(table, "%llu", (unsigned long long)response->via.u64);
    else
        text_table_cell(table, "%s", "-");
}

static void put_answer(struct text_table *table, const msgpack_object *answer)
{
    double elapsed_ms = reply_number(answer, "elapsed_ms");
    char score[32];

    answer_score_text(answer, score);
    text_table_cell(table, "%lld", (long long)reply_int(answer, "seq"));
    text_table_slice(table, reply_text(answer, "item"));
    text_table_cell(table, "%s", score);
    text_table_number(table, 3, reply_number(answer, "theta"));
    text_table_number(table, 3, reply_number(answer, "se"));
    if (elapsed_ms >= 0.0)
        text_table_number(table, 1, elapsed_ms / 1000.0);
    else
        text_table_cell(table, "%s", "");
    if (reply_int(answer, "revised") > 0)
        text_table_cell(table, "%lld", (long long)reply_int(answer, "revised"));
    else
        text_table_cell(table, "%s", "");
    put_response(table, answer);
}

static void print_head(const msgpack_object *page)
{
    struct slice session = reply_text(page, "session"), test = reply_text(page, "test");
    struct slice examinee = reply_text(page, "examinee"), state = reply_text(page, "state");
    const msgpack_object *ability = reply_map(page, "ability");
    char se[32] = "not known";

    if (!isnan(reply_number(ability, "se")))
        snprintf(se, sizeof(se), "%.3f", reply_number(ability, "se"));
    cli_say("session %.*s, %.*s: test %.*s, examinee %.*s\n", (int)session.n,
            (const char *)session.data, (int)state.n, (const char *)state.data, (int)test.n,
            (const char *)test.data, (int)examinee.n, (const char *)examinee.data);
    printf("theta %.3f, standard error %s\n\n", reply_number(ability, "theta"), se);
}

static int take_page(void *context, const msgpack_object *page)
{
    struct sheet *sheet = context;
    const msgpack_object *answers = reply_array(page, "answers");

    if (sheet->cli->json) return cli_show_json(page);
    if (!sheet->has_head) print_head(page);
    sheet->has_head = true;
    sheet->n_pending = reply_int(page, "pending");
    for (size_t i = 0; i < reply_size(answers); i++) {
        put_answer(&sheet->table, &answers->via.array.ptr[i]);
    }
    return EX_OK;
}

static int run_answers(struct cli *cli, const struct args *args)
{
    const char *const names[] = {"question", "item", "score",   "theta",
                                 "SE",       "s",    "revised", "response"};
    struct sheet sheet = {.cli = cli};
    int code;

    text_table_init(&sheet.table, "rllrrrrl");
    sheet.table.hide_empty = true;
    for (size_t i = 0; i < COUNT_OF(names); i++) text_table_cell(&sheet.table, "%s", names[i]);
    code = answers_each(cli, args->operands[0], take_page, &sheet);
    if (!code && !cli->json) {
        text_table_print(&sheet.table, CLI_WIDTH, stdout);
        if (sheet.n_pending > 0) {
            printf("\n%lld to score: theta session score %s QUESTION SCORE\n",
                   (long long)sheet.n_pending, args->operands[0]);
        }
    }
    text_table_done(&sheet.table);
    return code;
}

/* An operand that is a whole number from 0 on. */
static bool take_int(const char *what, const char *text, int64_t *out)
{
    char *end;

    *out = strtoll(text, &end, 10);
    if (*text && !*end && *out >= 0) return true;
    cli_fail(EX_USAGE, "%s must be a whole number, not \"%s\"", what, text);
    return false;
}

static int run_score(struct cli *cli, const struct args *args)
{
    const msgpack_object *state;
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    int64_t seq, score;
    int code;

    if (!take_int("QUESTION", args->operands[1], &seq)) return EX_USAGE;
    if (!take_int("SCORE", args->operands[2], &score)) return EX_USAGE;
    write_map(&out, 3);
    put_text(&out, "session", args->operands[0]);
    put_int(&out, "seq", seq);
    put_int(&out, "score", score);
    code = cli_call(cli, "session.score", &fields, &state);
    buf_done(&fields);
    if (code) return code;
    if (cli->json) return cli_show_json(state);
    session_show(cli, state);
    return EX_OK;
}

const struct command command_session_list = {
    .name = "session list",
    .operands = "",
    .about = "The sessions, running and ended",
    .details = "With --json one line for each page.\n\n"
               "Examples:\n  theta session list\n"
               "  theta session list --test algebra-6 --state finished",
    .options = {OPTION_ONLY_TEST, OPTION_ONLY_EXAMINEE, OPTION_ONLY_STATE},
    .n_option = 3,
    .run = run_list,
};

const struct command command_session_answers = {
    .name = "session answers",
    .operands = "SESSION",
    .n_operand = 1,
    .about = "What was answered, and what was known after each answer",
    .details = "Theta and SE are those right after the answer was first given; revisions and late "
               "scores count in the line above the table. With --json one line for each page.\n\n"
               "Example:\n  theta session answers take-17",
    .run = run_answers,
};

const struct command command_session_score = {
    .name = "session score",
    .operands = "SESSION QUESTION SCORE",
    .n_operand = 3,
    .about = "Score an answer that waits for a person, or score it anew",
    .details = "QUESTION is its number, SCORE the category from 0 on. While the session runs theta "
               "moves; afterwards the result is made again.\n\n"
               "Example:\n  theta session score take-17 3 2",
    .run = run_score,
};
