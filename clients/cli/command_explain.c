/* SPDX-License-Identifier: GPL-3.0-or-later */
/* explain: why a question was asked. */
#include "clients/cli/args.h"
#include "clients/cli/text_table.h"

#include <math.h>

enum { DEFAULT_TOP = 15, MOST_TOP = 20000 };

static int ask(struct cli *cli, const struct args *args, int64_t top,
               const msgpack_object **out_reply)
{
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    int64_t question = 0;
    int code;

    if (args->options[OPTION_QUESTION] &&
        !args_int(args, OPTION_QUESTION, 1, LIMIT_ANSWERS, &question)) {
        return EX_USAGE;
    }
    write_map(&out, question ? 3 : 2);
    put_text(&out, "session", args->operands[0]);
    put_int(&out, "limit", top);
    if (question) put_int(&out, "seq", question);
    code = cli_call(cli, "session.explain", &fields, out_reply);
    buf_done(&fields);
    return code;
}

static void show_head(const msgpack_object *reply)
{
    struct slice item = reply_text(reply, "item"), criterion = reply_text(reply, "criterion");
    struct slice group = reply_text(reply, "group");
    double theta[LIMIT_DIMS];
    size_t n;

    cli_say("Question %lld: item %.*s", (long long)reply_int(reply, "seq"), (int)item.n,
            (const char *)item.data);
    if (criterion.n == 0) {
        printf(", which the test names itself\n");
        return;
    }
    cli_say(", picked by %.*s at theta", (int)criterion.n, (const char *)criterion.data);
    n = reply_numbers(reply, "theta", theta, LIMIT_DIMS);
    for (size_t m = 0; m < n; m++) printf(" %.3f", theta[m]);
    if (group.n > 0) cli_say(" in content group %.*s", (int)group.n, (const char *)group.data);
    printf("\ndrawn from the best %lld (draw %.3f)\n", (long long)reply_int(reply, "drawn_from"),
           reply_number(reply, "draw"));
}

static void show_items(const msgpack_object *items)
{
    struct text_table table;

    text_table_init(&table, "rlrl");
    text_table_cell(&table, "#");
    text_table_cell(&table, "item");
    text_table_cell(&table, "value");
    text_table_cell(&table, "why");
    for (size_t i = 0; i < reply_size(items); i++) {
        const msgpack_object *row = &items->via.array.ptr[i];
        struct slice id = {0}, part = {0};
        double value = (double)NAN;

        if (row->type != MSGPACK_OBJECT_ARRAY || row->via.array.size != 3) continue;
        (void)object_str(&row->via.array.ptr[0], &id);
        (void)object_str(&row->via.array.ptr[1], &part);
        (void)object_f64(&row->via.array.ptr[2], -HUGE_VAL, HUGE_VAL, &value);
        text_table_cell(&table, "%zu", i + 1);
        text_table_slice(&table, id);
        text_table_number(&table, 4, value);
        text_table_slice(&table, part);
    }
    text_table_print(&table, CLI_WIDTH, stdout);
    text_table_done(&table);
}

static int run(struct cli *cli, const struct args *args)
{
    const msgpack_object *reply;
    int64_t top = cli->json ? MOST_TOP : DEFAULT_TOP, n_item, n_shown;
    int code;

    if (args->options[OPTION_TOP] && !args_int(args, OPTION_TOP, 1, MOST_TOP, &top))
        return EX_USAGE;
    code = ask(cli, args, top, &reply);
    if (code) return code;
    if (cli->json) return cli_show_json(reply);
    show_head(reply);
    show_items(reply_array(reply, "items"));
    n_item = reply_int(reply, "n_items");
    n_shown = (int64_t)reply_size(reply_array(reply, "items"));
    if (n_shown < n_item)
        printf("and %lld more; --top N shows them\n", (long long)(n_item - n_shown));
    return EX_OK;
}

const struct command command_explain = {
    .name = "explain",
    .operands = "SESSION",
    .n_operand = 1,
    .about = "Why a question was asked: every item of the bank with its value, or the reason that "
             "it was no candidate",
    .details = "asked: the pick; drawn_from: among the best that the draw was from; candidate;\n"
               "given: asked before; retired: withdrawn; other_group: of another content group\n"
               "than the one that was due; not_compared: the test names the item itself.\n\n"
               "Examples:\n  theta explain take-17\n  theta explain take-17 --question 3 --top 40",
    .options = {OPTION_QUESTION, OPTION_TOP},
    .n_option = 2,
    .run = run,
};
