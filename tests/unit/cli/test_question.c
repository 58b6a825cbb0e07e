/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients/cli/question.h"

#include <criterion/criterion.h>
#include <string.h>

static struct question with_options(void)
{
    struct question question = {.seq = 3, .item = "q1", .n_option = 3};

    strcpy(question.options[0], "7");
    strcpy(question.options[1], "c");
    strcpy(question.options[2], "1/2");
    return question;
}

static void expect_raw(const struct question *question, const char *line, const char *raw)
{
    struct answer answer;

    cr_assert(question_understand(question, line, true, &answer), "%s", line);
    cr_expect_eq(answer.kind, ANSWER_RAW);
    cr_expect_str_eq(answer.raw, raw);
}

Test(question, takes_letters_and_options)
{
    struct question question = with_options();
    struct answer answer;

    expect_raw(&question, "a", "7");
    expect_raw(&question, "B", "c");
    expect_raw(&question, "1/2", "1/2");
    expect_raw(&question, "c", "c");  // the option itself goes before the letter
    cr_expect_not(question_understand(&question, "d", true, &answer));
    cr_expect_not(question_understand(&question, "8", true, &answer));
    cr_expect_not(question_understand(&question, "", true, &answer));
    cr_expect_not(question_understand(&question, "ab", true, &answer));
}

Test(question, takes_q_and_dash)
{
    struct question question = with_options();
    struct answer answer;

    cr_assert(question_understand(&question, "q", true, &answer));
    cr_expect_eq(answer.kind, ANSWER_QUIT);
    cr_assert(question_understand(&question, "-", true, &answer));
    cr_expect_eq(answer.kind, ANSWER_OMITTED);
}

Test(question, takes_scores_where_there_is_no_key)
{
    struct question question = {.seq = 1, .item = "q1"};
    struct answer answer;

    cr_assert(question_understand(&question, "12", false, &answer));
    cr_expect_eq(answer.kind, ANSWER_SCORE);
    cr_expect_eq(answer.score, 12);
    expect_raw(&question, "12", "12");
    cr_assert(question_understand(&question, "-5", false, &answer));
    cr_expect_eq(answer.kind, ANSWER_RAW);
}

/* The state that `json`-like calls would give, written by hand. */
static void write_state(struct buf *bytes)
{
    struct writer out = writer_of(bytes);

    write_map(&out, 2);
    put_int(&out, "seq", 4);
    write_text(&out, "item");
    write_map(&out, 3);
    put_text(&out, "id", "q9");
    write_text(&out, "content");
    write_map(&out, 1);
    put_text(&out, "text", "2 + 2?");
    write_text(&out, "options");
    write_array(&out, 2);
    write_text(&out, "3");
    write_text(&out, "4");
}

Test(question, is_read_and_answered)
{
    struct question question = {0};
    struct answer answer = {.kind = ANSWER_RAW, .raw = "4", .elapsed_ms = 1200};
    struct buf bytes = {0}, request = {0}, wanted = {0};
    struct writer out = writer_of(&request), expected = writer_of(&wanted);
    struct decoder decoder;
    msgpack_object state;
    struct fault fault;

    write_state(&bytes);
    cr_assert_eq(decoder_init(&decoder), OK);
    cr_assert_eq(decode(&decoder, buf_slice(&bytes), &state, &fault), OK);
    cr_assert(question_read(&question, &state));
    cr_expect_eq(question.seq, 4);
    cr_expect_str_eq(question.item, "q9");
    cr_expect_eq(question.n_option, 2);
    cr_expect_str_eq(question.options[1], "4");
    cr_expect(slice_equal_str(buf_slice(&question.content), "2 + 2?"));

    question_put_answer(&question, "s1", &answer, &out);
    write_map(&expected, 5);
    put_text(&expected, "session", "s1");
    put_int(&expected, "seq", 4);
    put_text(&expected, "item", "q9");
    put_text(&expected, "response", "4");
    put_int(&expected, "elapsed_ms", 1200);
    cr_expect(slice_equal(buf_slice(&request), buf_slice(&wanted)));

    question_done(&question);
    buf_done(&bytes);
    buf_done(&request);
    buf_done(&wanted);
    decoder_done(&decoder);
}
