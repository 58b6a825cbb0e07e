/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a student says to replies that are good, refused or nonsense. */
#include "bench/load/student.h"

#include <criterion/criterion.h>
#include <string.h>

static struct decoder decoder;
static struct talk talk;

static void set_up(void)
{
    cr_assert_eq(decoder_init(&decoder), OK);
    talk = (struct talk){
        .kind = &talk_test, .run = "r", .n_answer = LIMIT_ANSWERS, .decoder = &decoder};
}

static void tear_down(void)
{
    decoder_done(&decoder);
}

TestSuite(student, .init = set_up, .fini = tear_down);

static void write_question(struct writer *out, const char *item, int64_t seq)
{
    write_map(out, 3);
    put_bool(out, "ok", true);
    put_int(out, "seq", seq);
    write_text(out, "item");
    write_map(out, 1);
    put_text(out, "id", item);
}

static enum heard hear(struct student *student, struct buf *body)
{
    enum heard heard = talk.kind->hear(&talk, student, buf_slice(body));

    buf_clear(body);
    return heard;
}

/* The op that the student says next. */
static bool says(const struct student *student, const char *op)
{
    struct buf body = {0};
    msgpack_object root;
    const msgpack_object *said;
    struct fault fault = {0};
    struct slice text;
    bool equal;

    talk.kind->say(&talk, student, &body);
    cr_assert_eq(decode(&decoder, buf_slice(&body), &root, &fault), OK, "%s", fault.text);
    said = map_find(&root, "op");
    equal = said && object_str(said, &text) && slice_equal_str(text, op);
    buf_done(&body);
    return equal;
}

Test(student, takes_a_test_and_begins_another)
{
    struct student student = {.number = 4711};
    struct buf body = {0};
    struct writer out = writer_of(&body);

    cr_assert(student_must_start(&talk, &student));
    cr_assert(says(&student, "session.start"));
    write_question(&out, "q17", 1);
    cr_assert_eq(hear(&student, &body), HEARD_START);
    cr_assert_eq(student.seq, 1);
    cr_assert_str_eq(student.item, "q17");
    cr_assert(says(&student, "session.answer"));
    write_question(&out, "q385", 2);
    cr_assert_eq(hear(&student, &body), HEARD_ANSWER);
    cr_assert_eq(student.seq, 2);

    write_map(&out, 2);  // the test is over: no item
    put_bool(&out, "ok", true);
    put_int(&out, "seq", 2);
    cr_assert_eq(hear(&student, &body), HEARD_ANSWER);
    cr_assert(student_must_start(&talk, &student));
    cr_assert_eq(student.n_session, 1);
    buf_done(&body);
}

Test(student, leaves_after_so_many_answers)
{
    struct student student = {.number = 3};
    struct buf body = {0};
    struct writer out = writer_of(&body);

    talk.n_answer = 1;
    write_question(&out, "a", 1);
    hear(&student, &body);
    cr_assert_not(student_must_start(&talk, &student));
    write_question(&out, "b", 2);
    hear(&student, &body);
    cr_assert(student_must_start(&talk, &student));
    buf_done(&body);
}

Test(student, says_the_same_again_after_a_refusal)
{
    struct student student = {.number = 3, .seq = 7, .item = "q9"};
    struct buf body = {0};
    struct writer out = writer_of(&body);

    write_map(&out, 2);
    put_bool(&out, "ok", false);
    write_text(&out, "error");
    write_map(&out, 1);
    put_text(&out, "message", "too many requests");
    cr_assert_eq(hear(&student, &body), HEARD_REFUSAL);
    cr_assert_str_eq(talk.refusal, "too many requests");
    cr_assert_eq(student.seq, 7);
    buf_append(&body, "\xc1", 1);
    cr_assert_eq(hear(&student, &body), HEARD_REFUSAL);
    cr_assert(strstr(talk.refusal, "cannot be read"));
    buf_done(&body);
}

Test(student, an_echo_has_its_length)
{
    struct student student = {0};
    struct buf body = {0};

    talk.kind = &talk_echo;
    talk.kind->say(&talk, &student, &body);
    cr_assert_eq(body.n, 200);
    cr_assert_eq(talk.kind->hear(&talk, &student, buf_slice(&body)), HEARD_ANSWER);
    cr_assert_eq(talk.kind->hear(&talk, &student, slice_of(body.data, 199)), HEARD_REFUSAL);
    buf_done(&body);
}
