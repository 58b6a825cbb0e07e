/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The question of a session, and the answer to it. */
#ifndef CLI_QUESTION_H
#define CLI_QUESTION_H

#include "clients/cli/cli.h"
#include "tools/student.h"

struct question {
    int64_t seq;
    char item[LIMIT_ID + 1];
    struct buf content;  // its text
    size_t n_option;
    char options[LIMIT_OPTIONS][LIMIT_RAW + 1];
};

enum answer_kind { ANSWER_SCORE, ANSWER_RAW, ANSWER_OMITTED, ANSWER_QUIT };

struct answer {
    enum answer_kind kind;
    unsigned score;
    char raw[LIMIT_RAW + 1];
    int64_t elapsed_ms;  // -1: not measured
};

/* Copy the question out of a session state. False where there is none. Start from {0}. */
MUST_CHECK bool question_read(struct question *question, const msgpack_object *state);
void question_done(struct question *question);

/* Number, text, as many lines as it has, and lettered options. */
void question_show(const struct question *question);

/* Whether its answers are told right from wrong by a key; false where the student, which may be
 * NULL, does not know the item. */
bool question_has_key(const struct question *question, const struct student *student);

enum { QUESTION_EXPECTS = 64 };

/* What may be answered, in words: "a letter from a to d", "score 0 to 3", "answer". */
void question_expects(const struct question *question, const struct student *student,
                      char out[QUESTION_EXPECTS]);

/* Understand what a person typed: an option's letter or text, q to stop, - for no answer. False
 * where it is none of the options. Without options a whole number is a score, unless `has_key`. */
MUST_CHECK bool question_understand(const struct question *question, const char *line, bool has_key,
                                    struct answer *out);

/* The request that gives the answer. */
void question_put_answer(const struct question *question, const char *session,
                         const struct answer *answer, struct writer *out);

/* The answer in words and, where the student knows the item, what it scores. */
void question_show_answer(const struct question *question, const struct answer *answer,
                          const struct student *student, bool utf8);

#endif
