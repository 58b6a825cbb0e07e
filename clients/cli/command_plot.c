/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plot item, plot test, plot session. */
#include "clients/cli/answers.h"
#include "clients/cli/session_view.h"
#include "clients/cli/test_source.h"
#include "tools/session_plot.h"
#include "tools/test_plot.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the picture goes; NULL, told on stderr, where that cannot be opened. */
static FILE *open_out(const struct args *args)
{
    const char *path = args->options[OPTION_OUT_FILE];
    FILE *out = path ? fopen(path, "w") : stdout;

    if (!out) cli_fail(EX_CANTCREAT, "%s: %s", path, strerror(errno));
    return out;
}

static int close_out(const struct args *args, FILE *out)
{
    const char *path = args->options[OPTION_OUT_FILE];
    bool failed = fflush(out) != 0 || ferror(out);

    if (path) failed = fclose(out) != 0 || failed;
    if (failed) return cli_fail(EX_IOERR, "%s: cannot write", path ? path : "standard output");
    return EX_OK;
}

/* The items called names[n] into item; told on stderr where one is not there. */
static int find_items(const struct test_source *source, const char *const *names, size_t n,
                      uint32_t *item)
{
    for (size_t i = 0; i < n; i++) {
        long found = bank_find(source->bank, slice_str(names[i]));

        if (found < 0)
            return cli_fail(EX_DATAERR, "bank %s has no item %s", source->label, names[i]);
        item[i] = (uint32_t)found;
    }
    return EX_OK;
}

/* The first operand is the bank's name, unless the bank is a file. */
static int run_item(struct cli *cli, const struct args *args)
{
    size_t first = args->options[OPTION_BANK_FILE] ? 0 : 1;
    size_t n = args->n_operand - first;
    struct test_source source = {0};
    uint32_t item[ARGS_OPERANDS];
    FILE *out = NULL;
    int code;

    if (n == 0) return cli_fail(EX_USAGE, "say which items are to be drawn");
    code = test_source_load_bank(cli, args, args->operands[0], &source);
    if (!code) code = test_source_need_one(&source);
    if (!code) code = find_items(&source, args->operands + first, n, item);
    if (!code) {
        out = open_out(args);
        if (!out) code = EX_CANTCREAT;
    }
    if (!code) {
        plot_items(source.bank, item, n, out);
        code = close_out(args, out);
    }
    test_source_done(&source);
    return code;
}

static int run_test(struct cli *cli, const struct args *args)
{
    struct test_source source = {0};
    FILE *out = NULL;
    int code = test_source_load(cli, args, args->operands[0], &source);

    if (!code) code = test_source_need_one(&source);
    if (!code) {
        out = open_out(args);
        if (!out) code = EX_CANTCREAT;
    }
    if (!code) {
        enum status st = plot_test(source.plan, out);

        code = close_out(args, out);
        if (st) code = cli_fail(EX_OSERR, "no memory");
    }
    test_source_done(&source);
    return code;
}

/* A session as it comes in, page after page. */
struct course {
    struct path_step steps[LIMIT_ANSWERS];
    size_t n;
    char bank[LIMIT_ID + 1], title[2 * LIMIT_ID], captions[PATH_CAPTIONS][4 * LIMIT_ID];
    int64_t bank_version;
};

static void take_step(const msgpack_object *answer, struct path_step *out)
{
    *out = (struct path_step){.theta = reply_number(answer, "theta"),
                              .se = reply_number(answer, "se"),
                              .difficulty = NAN,
                              .share =
                                  reply_number(answer, "score") / (double)reply_int(answer, "max")};
    (void)!slice_to_text(reply_text(answer, "item"), out->item, sizeof(out->item));
}

/* How it ended, or where it stands. */
static void say_end(const msgpack_object *page, char *out, size_t size)
{
    struct slice stop = reply_text(page, "stop"), state = reply_text(page, "state");
    const char *why = session_reason(stop);

    if (why)
        snprintf(out, size, "ended because %s", why);
    else if (stop.n > 0)
        snprintf(out, size, "ended by %.*s", (int)stop.n, (const char *)stop.data);
    else
        snprintf(out, size, "%.*s", (int)state.n, (const char *)state.data);
}

/* What is said around the picture. */
static void take_words(const msgpack_object *page, struct course *out)
{
    const msgpack_object *ability = reply_map(page, "ability");
    struct slice session = reply_text(page, "session"), test = reply_text(page, "test");
    struct slice examinee = reply_text(page, "examinee");
    size_t size = sizeof(out->captions[0]);
    char se[32] = "not known", waits[64] = "";

    if (!isnan(reply_number(ability, "se")))
        snprintf(se, sizeof(se), "%.3f", reply_number(ability, "se"));
    if (reply_int(page, "pending") > 0)
        snprintf(waits, sizeof(waits), ", %lld to score", (long long)reply_int(page, "pending"));
    snprintf(out->title, sizeof(out->title), "session %.*s", (int)session.n,
             (const char *)session.data);
    snprintf(out->captions[0], size, "test %.*s, examinee %.*s", (int)test.n,
             (const char *)test.data, (int)examinee.n, (const char *)examinee.data);
    snprintf(out->captions[1], size, "%lld answers%s: theta now %.3f, standard error %s",
             (long long)reply_int(page, "n_answers"), waits, reply_number(ability, "theta"), se);
    say_end(page, out->captions[2], size);
}

static int take_page(void *context, const msgpack_object *page)
{
    struct course *course = context;
    const msgpack_object *answers = reply_array(page, "answers");

    take_words(page, course);
    course->bank_version = reply_int(page, "bank_version");
    if (!slice_to_text(reply_text(page, "bank"), course->bank, sizeof(course->bank))) {
        return cli_fail(EX_PROTOCOL, "the reply names no bank");
    }
    for (size_t i = 0; i < reply_size(answers) && course->n < LIMIT_ANSWERS; i++) {
        take_step(&answers->via.array.ptr[i], &course->steps[course->n++]);
    }
    return EX_OK;
}

/* The items' difficulties, where the peer may see them. */
static int take_difficulties(struct cli *cli, struct course *course)
{
    struct test_source source = {0};
    const msgpack_object *reply;
    int code = cli_try_items(cli, course->bank, course->bank_version, 0, &reply);

    if (code && strcmp(cli_error_code(cli), "forbidden") == 0) {
        fprintf(stderr, "theta: without the items, which only an author may see\n");
        return EX_OK;
    }
    code = test_source_load_version(cli, course->bank, course->bank_version, &source);
    if (!code) code = test_source_need_one(&source);
    for (size_t i = 0; !code && i < course->n; i++) {
        long item = bank_find(source.bank, slice_str(course->steps[i].item));

        if (item < 0) continue;
        course->steps[i].difficulty = item_difficulty(bank_item(source.bank, (size_t)item));
    }
    test_source_done(&source);
    return code;
}

static int draw_course(const struct args *args, const struct course *course)
{
    struct path path = {.title = course->title, .steps = course->steps, .n = course->n};
    FILE *out = open_out(args);
    enum status st;
    int code;

    if (!out) return EX_CANTCREAT;
    for (size_t i = 0; i < PATH_CAPTIONS; i++) path.captions[i] = course->captions[i];
    st = plot_path(&path, out);
    code = close_out(args, out);
    return st ? cli_fail(EX_OSERR, "no memory") : code;
}

static int run_session(struct cli *cli, const struct args *args)
{
    struct course *course = calloc(1, sizeof(*course));
    int code;

    if (!course) return cli_fail(EX_OSERR, "no memory");
    code = answers_each(cli, args->operands[0], take_page, course);
    if (!code) code = take_difficulties(cli, course);
    if (!code) code = draw_course(args, course);
    free(course);
    return code;
}

const struct command command_plot_session = {
    .name = "plot session",
    .operands = "SESSION",
    .n_operand = 1,
    .about = "How a session went, as SVG: theta after each answer, and the items at their "
             "difficulty",
    .details = "The band is theta +- 1.96 standard errors. An item's colour says how it was "
               "answered; where the peer is no author the items are left out.\n\n"
               "Example:\n  theta plot session take-17 --out take-17.svg",
    .options = {OPTION_OUT_FILE},
    .n_option = 1,
    .run = run_session,
};

const struct command command_plot_item = {
    .name = "plot item",
    .operands = "[BANK] ITEM...",
    .n_operand = 1,
    .max_operand = ARGS_OPERANDS,
    .about = "Response curves and information of items, as SVG",
    .details = "With --bank FILE the bank is read from that file and BANK is left out.\n\n"
               "Examples:\n  theta plot item algebra q17 q18 --out items.svg\n"
               "  theta plot item --bank algebra.csv q17 > q17.svg",
    .options = {OPTION_BANK_FILE, OPTION_FORMAT, OPTION_MODEL, OPTION_D, OPTION_OUT_FILE},
    .n_option = 5,
    .run = run_item,
};

const struct command command_plot_test = {
    .name = "plot test",
    .operands = "[TEST]",
    .max_operand = 1,
    .about = "Information and standard error that a test's bank allows, as SVG",
    .details =
        "Of the whole bank, and of the best items at each theta, as many as the test asks at "
        "most. With --bank and --document no daemon is needed and TEST is left out.\n\n"
        "Examples:\n  theta plot test algebra-6 --out algebra-6.svg\n"
        "  theta plot test --bank algebra.csv --document algebra-6.json > algebra-6.svg",
    .options = {TEST_SOURCE_OPTIONS, OPTION_OUT_FILE},
    .n_option = TEST_SOURCE_N_OPTION + 1,
    .run = run_test,
};
