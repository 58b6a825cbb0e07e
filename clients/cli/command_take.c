/* SPDX-License-Identifier: GPL-3.0-or-later */
/* take: a whole test on the terminal, answered by a person or by a simulated student. */
#include "clients/cli/args.h"
#include "clients/cli/question.h"
#include "clients/cli/session_view.h"
#include "tools/student.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { EXIT_SUSPENDED = EX_TEMPFAIL };  // stopped, and to be gone on with

struct taking {
    struct cli *cli;
    const char *test, *examinee;
    char session[LIMIT_ID + 1];
    bool simulated, pause, hint, started;
    double theta;  // of the simulated student
    int64_t seed;
    struct student *student;  // NULL where this peer may not see the bank
    struct question question;
};

static int start(struct taking *taking, const msgpack_object **out_state)
{
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    int code;

    write_map(&out, 4);
    put_text(&out, "test", taking->test);
    put_text(&out, "examinee", taking->examinee);
    put_text(&out, "session", taking->session);
    put_int(&out, "seed", taking->seed);
    code = cli_call(taking->cli, "session.start", &fields, out_state);
    buf_done(&fields);
    taking->started = true;
    return code;
}

/* False, and told, where the session is one of another test; an older daemon does not say of which
 * it is. */
static bool is_of_test(const struct taking *taking, const msgpack_object *state)
{
    struct slice test = reply_text(state, "test");

    if (test.n == 0 || slice_equal_str(test, taking->test)) return true;
    cli_fail(EX_DATAERR, "session %s is of the test %.*s, not of %s", taking->session, (int)test.n,
             (const char *)test.data, taking->test);
    return false;
}

/* Take the session up where it stands, or start it. */
static int start_or_resume(struct taking *taking, bool named, const msgpack_object **out_state)
{
    int code;

    if (!named) return start(taking, out_state);
    code = cli_try_session(taking->cli, "session.get", taking->session, out_state);
    if (!code && !is_of_test(taking, *out_state)) return EX_DATAERR;
    if (!code && session_is(*out_state, "suspended")) {
        code = cli_try_session(taking->cli, "session.resume", taking->session, out_state);
    }
    if (!code) return EX_OK;
    if (strcmp(cli_error_code(taking->cli), "unknown_session") == 0) {
        return start(taking, out_state);
    }
    cli_tell_error(taking->cli, *out_state);
    return code;
}

/* The bank of the test, item by item. */
static int learn_items(struct taking *taking, const char *bank, int64_t version,
                       const msgpack_object **out_reply)
{
    struct faults faults = {0};
    enum status st = OK;
    int64_t n_seen = 0, n_item = 0;

    do {
        const msgpack_object *items;
        int code = cli_try_items(taking->cli, bank, version, n_seen, out_reply);

        if (code) return code;
        code = cli_n_item(*out_reply, &n_item);
        if (code) return code;
        items = reply_array(*out_reply, "items");
        if (n_seen == 0) {
            taking->student = student_new((size_t)n_item, reply_number(*out_reply, "D"));
            if (!taking->student) return cli_fail(EX_OSERR, "no memory");
        }
        if (reply_size(items) == 0) break;
        st = student_learn(taking->student, items, &faults);
        n_seen += (int64_t)reply_size(items);
    } while (!st && n_seen < n_item);
    if (!st) st = student_ready(taking->student, &faults);
    if (st && faults.n > 0) {
        cli_fail(EX_PROTOCOL, "bank %s: item %s: %s", bank, faults.list[0].item,
                 faults.list[0].text);
    }
    faults_done(&faults);
    return st ? EX_PROTOCOL : EX_OK;
}

static int learn_bank(struct taking *taking, const msgpack_object **out_reply)
{
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    const msgpack_object *document;
    char bank[LIMIT_ID + 1];
    int code;

    write_map(&out, 1);
    put_text(&out, "test", taking->test);
    code = cli_try(taking->cli, "test.get", &fields, out_reply);
    buf_done(&fields);
    if (code) return code;
    document = reply_map(*out_reply, "document");
    if (!document || !slice_to_text(reply_text(document, "bank"), bank, sizeof(bank))) {
        return cli_fail(EX_PROTOCOL, "the reply to test.get names no bank");
    }
    return learn_items(taking, bank, reply_int(*out_reply, "bank_version"), out_reply);
}

/* A simulated student must know the bank. A person may do without, and then sees no marks. */
static int prepare(struct taking *taking)
{
    const msgpack_object *reply = NULL;
    int code = learn_bank(taking, &reply);

    if (!code) return EX_OK;
    if (!taking->simulated && strcmp(cli_error_code(taking->cli), "forbidden") == 0) return EX_OK;
    cli_tell_error(taking->cli, reply);
    return code;
}

/* Ctrl-C stops the test as q does. A second one ends the program, should the daemon not answer. */
static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    signal(number, SIG_DFL);
    interrupted = 1;
}

static void catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = interrupt};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);  // without SA_RESTART: a read that waits comes back
}

/* A line from the terminal without its end. At the end of input it is "q". */
static void read_line(char *out, size_t size)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t n = interrupted ? -1 : getline(&line, &room, stdin);

    if (n < 0) {
        snprintf(out, size, "q");
        putchar('\n');
    } else {
        line[strcspn(line, "\r\n")] = '\0';
        snprintf(out, size, "%s", line);
    }
    free(line);
}

static void ask_person(struct taking *taking, struct answer *out)
{
    const struct question *question = &taking->question;
    bool has_key = question_has_key(question, taking->student);
    int64_t begin = cli_clock_ms();
    char line[LIMIT_RAW + 2], expected[QUESTION_EXPECTS];

    question_expects(question, taking->student, expected);
    for (;;) {
        printf("   %s%s> ", question->n_option > 0 ? "" : expected,
               question->n_option > 0 ? "" : " ");
        fflush(stdout);
        read_line(line, sizeof(line));
        if (question_understand(question, line, has_key, out)) break;
        printf("   please type: %s (- for no answer, q to stop)\n", expected);
    }
    out->elapsed_ms = cli_clock_ms() - begin;
}

static int ask_student(struct taking *taking, struct answer *out)
{
    struct occasion occasion = {slice_str(taking->question.item), taking->theta,
                                (uint64_t)taking->seed, (uint64_t)taking->question.seq};
    struct slice option;

    if (!student_knows(taking->student, occasion.item)) {
        return cli_fail(EX_PROTOCOL, "the bank has no item %s", taking->question.item);
    }
    *out = (struct answer){.kind = ANSWER_SCORE, .elapsed_ms = -1};
    out->score = student_answer(taking->student, &occasion, &option);
    if (option.n > 0 && slice_to_text(option, out->raw, sizeof(out->raw))) out->kind = ANSWER_RAW;
    return EX_OK;
}

static int give_answer(struct taking *taking, const struct answer *answer,
                       const msgpack_object **out_state)
{
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    int code;

    question_put_answer(&taking->question, taking->session, answer, &out);
    code = cli_try(taking->cli, "session.answer", &fields, out_state);
    buf_done(&fields);
    return code;
}

static int stop_here(struct taking *taking, const msgpack_object **out_state)
{
    int code = cli_try_session(taking->cli, "session.suspend", taking->session, out_state);

    if (code) {
        cli_tell_error(taking->cli, *out_state);
        return code;
    }
    if (taking->cli->json) {
        code = cli_show_json(*out_state);
        return code ? code : EXIT_SUSPENDED;
    }
    printf("\nSuspended.\n");
    if (taking->hint) {
        printf("To go on:\n  theta take %s --session %s --endpoint %s\n", taking->test,
               taking->session, taking->cli->endpoint);
    }
    return EXIT_SUSPENDED;
}

/* A person answers again where the daemon refused the response, or where the response could not be
 * sent at all (argument: typed bytes that are no UTF-8). */
static bool may_repeat(const struct taking *taking)
{
    const char *code = cli_error_code(taking->cli);

    return !taking->simulated &&
           (strcmp(code, "bad_response") == 0 || strcmp(code, "argument") == 0);
}

/* One question. An answer that the daemon cannot score is asked for again. */
static int take_question(struct taking *taking, const msgpack_object **state, bool *out_stopped)
{
    struct answer answer;
    int code;

    if (!question_read(&taking->question, *state)) {
        return cli_fail(EX_PROTOCOL, "the session asks, but names no question");
    }
    if (interrupted) {
        *out_stopped = true;
        return stop_here(taking, state);
    }
    if (!taking->cli->json) question_show(&taking->question);
    for (;;) {
        code = EX_OK;
        if (taking->simulated)
            code = ask_student(taking, &answer);
        else
            ask_person(taking, &answer);
        if (code) return code;
        *out_stopped = answer.kind == ANSWER_QUIT;
        if (*out_stopped) return stop_here(taking, state);
        code = give_answer(taking, &answer, state);
        if (!code) break;
        cli_tell_error(taking->cli, *state);
        if (!may_repeat(taking)) return code;
    }
    if (taking->cli->json) return cli_show_json(*state);
    question_show_answer(&taking->question, &answer, taking->student, taking->cli->utf8);
    session_show_ability(taking->cli, *state);
    return EX_OK;
}

static int take_all(struct taking *taking, const msgpack_object *state)
{
    bool stopped = false;
    char line[8];

    while (session_is(state, "asking")) {
        int code = take_question(taking, &state, &stopped);

        if (code || stopped) return code;
        if (taking->pause && session_is(state, "asking")) {
            printf("   (Enter to go on) ");
            fflush(stdout);
            read_line(line, sizeof(line));
        }
    }
    if (taking->cli->json) return EX_OK;
    putchar('\n');
    if (session_is(state, "finished"))
        session_show_result(taking->cli, state);
    else
        session_show(taking->cli, state);
    return EX_OK;
}

static bool read_args(struct taking *taking, const struct args *args)
{
    const char *session = args->options[OPTION_SESSION];
    uint64_t random[2];

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        cli_fail(EX_OSERR, "no random numbers");
        return false;
    }
    taking->test = args->operands[0];
    taking->examinee = args->options[OPTION_EXAMINEE] ? args->options[OPTION_EXAMINEE] : "nobody";
    taking->simulated = args->options[OPTION_SIMULATE] || !isatty(STDIN_FILENO);
    taking->pause = args->options[OPTION_PAUSE] != NULL;
    taking->hint = !args->options[OPTION_NO_HINT];
    taking->seed = (int64_t)(random[0] >> 11);
    snprintf(taking->session, sizeof(taking->session), "take-%016llx",
             (unsigned long long)random[1]);
    if (session && !slice_is_id(slice_str(session))) {
        cli_fail(EX_USAGE, "\"%s\" is no id", session);
        return false;
    }
    if (session) snprintf(taking->session, sizeof(taking->session), "%s", session);
    return args_number(args, OPTION_SIMULATE, -LIMIT_THETA, LIMIT_THETA, &taking->theta) &&
           args_int(args, OPTION_SEED, 0, LIMIT_INT, &taking->seed);
}

/* As JSON every state is a line. */
static int show_start(const struct taking *taking, const msgpack_object *state)
{
    if (taking->cli->json) return cli_show_json(state);
    printf("test %s, session %s", taking->test, taking->session);
    if (taking->started || taking->simulated) printf(", seed %lld", (long long)taking->seed);
    putchar('\n');
    if (taking->simulated) printf("a simulated student of theta %g answers\n", taking->theta);
    session_show_ability(taking->cli, state);
    return EX_OK;
}

static int run(struct cli *cli, const struct args *args)
{
    struct taking taking = {.cli = cli};
    const msgpack_object *state;
    int code = EX_USAGE;

    if (!read_args(&taking, args)) return code;
    if (cli->json && !taking.simulated) {
        return cli_fail(EX_USAGE, "--json is for simulated students: say --simulate");
    }
    catch_interrupt();
    code = prepare(&taking);
    if (!code) code = start_or_resume(&taking, args->options[OPTION_SESSION], &state);
    if (!code) {
        code = show_start(&taking, state);
        if (!code) code = take_all(&taking, state);
    }
    question_done(&taking.question);
    student_free(taking.student);
    return code;
}

const struct command command_take = {
    .name = "take",
    .operands = "TEST",
    .n_operand = 1,
    .about = "Take a test here, or let a simulated student take it",
    .details =
        "On a terminal the questions are yours: type an option's letter or the answer itself, - "
        "for "
        "no answer, q or Ctrl-C to stop and go on later. With --simulate, or where there is no "
        "terminal, a "
        "simulated student answers (of ability 0 if nothing is said): each answer is drawn from "
        "the item's model, so the peer must be allowed to read the bank. The same seed and ability "
        "give the same test. With --json every state of the session is a line.\n\n"
        "The exit code is 0 when the test has ended, 75 when it was stopped and is suspended.\n\n"
        "Examples:\n"
        "  theta take algebra-6\n"
        "  theta take algebra-6 --simulate -1.5 --seed 7\n"
        "  theta take algebra-6 --session take-17",
    .options = {OPTION_EXAMINEE, OPTION_SIMULATE, OPTION_SEED, OPTION_SESSION, OPTION_PAUSE,
                OPTION_NO_HINT},
    .n_option = 6,
    .run = run,
};
