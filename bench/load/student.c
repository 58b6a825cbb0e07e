/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/load/student.h"
#include "base/rng.h"

#include <inttypes.h>
#include <stdio.h>

enum { ECHO_BYTES = 200, ID_BYTES = 48 };  // an echo is as long as a reply of session.answer

bool student_must_start(const struct talk *talk, const struct student *student)
{
    return talk->kind == &talk_test && student->seq == 0;
}

static void put_head(struct writer *out, size_t n_field, const char *op)
{
    write_map(out, 3 + n_field);
    put_int(out, "v", 1);
    put_int(out, "id", 1);
    put_text(out, "op", op);
}

static void put_session(struct writer *out, const struct talk *talk, const struct student *student)
{
    char id[ID_BYTES];

    snprintf(id, sizeof(id), "%.20s-%" PRIu64 "-%" PRIu32, talk->run, student->number,
             student->n_session);
    put_text(out, "session", id);
}

static void say_start(const struct talk *talk, const struct student *student, struct writer *out)
{
    char examinee[ID_BYTES];

    snprintf(examinee, sizeof(examinee), "pupil-%" PRIu64, student->number);
    put_head(out, 3, "session.start");
    put_session(out, talk, student);
    put_text(out, "test", "bench");
    put_text(out, "examinee", examinee);
}

static void say_test(const struct talk *talk, const struct student *student, struct buf *out)
{
    struct writer writer = writer_of(out);
    uint64_t draw = (uint64_t)student->n_session * LIMIT_ANSWERS + (uint64_t)student->seq;

    if (student->seq == 0) {
        say_start(talk, student, &writer);
        return;
    }
    put_head(&writer, 4, "session.answer");
    put_session(&writer, talk, student);
    put_int(&writer, "seq", student->seq);
    put_text(&writer, "item", student->item);
    put_int(&writer, "response", rng_uniform(student->number, draw) < 0.5);
}

static enum heard refuse(struct talk *talk, const char *why)
{
    snprintf(talk->refusal, sizeof(talk->refusal), "%s", why);
    return HEARD_REFUSAL;
}

/* The fields of a reply that is ok; else NULL and the refusal noted. */
static const msgpack_object *read_ok(struct talk *talk, struct slice body, msgpack_object *root)
{
    struct fault fault = {0};
    const msgpack_object *ok, *error, *message;
    struct slice text;

    if (decode(talk->decoder, body, root, &fault) != OK) {
        refuse(talk, "a reply that cannot be read");
        return NULL;
    }
    ok = map_find(root, "ok");
    if (ok && ok->type == MSGPACK_OBJECT_BOOLEAN && ok->via.boolean) return root;
    error = map_find(root, "error");
    message = error ? map_find(error, "message") : NULL;
    if (!message || !object_str(message, &text) ||
        !slice_to_text(text, talk->refusal, sizeof(talk->refusal))) {
        refuse(talk, "a refusal without a message");
    }
    return NULL;
}

/* The question asked now, if there is one. */
static bool read_question(const msgpack_object *reply, struct student *student)
{
    const msgpack_object *item = map_find(reply, "item"), *seq = map_find(reply, "seq");
    const msgpack_object *id = item ? map_find(item, "id") : NULL;
    struct slice text;

    return id && seq && object_id(id, &text) && object_int(seq, 1, LIMIT_ANSWERS, &student->seq) &&
           slice_to_text(text, student->item, sizeof(student->item));
}

static enum heard hear_test(struct talk *talk, struct student *student, struct slice body)
{
    enum heard heard = student->seq > 0 ? HEARD_ANSWER : HEARD_START;
    msgpack_object root;
    const msgpack_object *reply = read_ok(talk, body, &root);

    if (!reply) return HEARD_REFUSAL;
    if (!read_question(reply, student) || student->seq > talk->n_answer) {
        student->seq = 0;
        student->n_session++;
    }
    return heard;
}

static void say_ping(const struct talk *talk, const struct student *student, struct buf *out)
{
    struct writer writer = writer_of(out);

    (void)talk;
    (void)student;
    put_head(&writer, 0, "ping");
}

static enum heard hear_ping(struct talk *talk, struct student *student, struct slice body)
{
    msgpack_object root;

    (void)student;
    return read_ok(talk, body, &root) ? HEARD_ANSWER : HEARD_REFUSAL;
}

static void say_echo(const struct talk *talk, const struct student *student, struct buf *out)
{
    static const uint8_t body[ECHO_BYTES];

    (void)talk;
    (void)student;
    buf_append(out, body, sizeof(body));
}

static enum heard hear_echo(struct talk *talk, struct student *student, struct slice body)
{
    (void)student;
    return body.n == ECHO_BYTES ? HEARD_ANSWER : refuse(talk, "an echo of another length");
}

const struct talk_kind talk_test = {"test", say_test, hear_test};
const struct talk_kind talk_ping = {"ping", say_ping, hear_ping};
const struct talk_kind talk_echo = {"echo", say_echo, hear_echo};
