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

static void write_item(struct writer *out, const char *id, const char *key)
{
    write_map(out, key ? 5 : 4);
    put_text(out, "id", id);
    put_text(out, "model", key ? "2PL" : "GRM");
    put_f64(out, "a", 1.25);
    if (key) {
        put_f64(out, "b", 0.385);
        put_text(out, "key", key);
        return;
    }
    write_text(out, "b");
    write_array(out, 2);
    write_f64(out, -0.5);
    write_f64(out, 0.25);
}

/* Knows "graded" of three categories and "keyed". */
static struct student *learn(void)
{
    struct student *student = student_new(2, 1.0);
    struct faults faults = {0};
    struct buf bytes = {0};
    struct writer out = writer_of(&bytes);
    struct decoder decoder;
    msgpack_object items;
    struct fault fault;

    write_array(&out, 2);
    write_item(&out, "graded", NULL);
    write_item(&out, "keyed", "x");
    cr_assert_eq(decoder_init(&decoder), OK);
    cr_assert_eq(decode(&decoder, buf_slice(&bytes), &items, &fault), OK);
    cr_assert_eq(student_learn(student, &items, &faults), OK);
    cr_assert_eq(student_ready(student, &faults), OK);
    decoder_done(&decoder);
    buf_done(&bytes);
    return student;
}

static void expect_expects(const char *item, size_t n_option, const struct student *student,
                           const char *wanted)
{
    struct question question = {.seq = 1, .n_option = n_option};
    char text[QUESTION_EXPECTS];

    strcpy(question.item, item);
    question_expects(&question, student, text);
    cr_expect_str_eq(text, wanted);
}

Test(question, says_what_it_expects)
{
    struct student *student = learn();

    expect_expects("graded", 0, student, "score 0 to 2");
    expect_expects("keyed", 0, student, "answer");
    expect_expects("unknown", 0, student, "answer or score");
    expect_expects("graded", 0, NULL, "answer or score");
    expect_expects("graded", 3, student, "a letter from a to c");
    student_free(student);
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
