/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients/cli/question.h"
#include "clients/cli/text_table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INDENT = 3 };  // of all but a question's first line

static void read_content(struct question *question, const msgpack_object *item)
{
    const msgpack_object *content = map_find(item, "content");
    struct slice text = {0};

    if (content && !object_str(content, &text)) text = reply_text(content, "text");
    buf_clear(&question->content);
    buf_append(&question->content, text.data, text.n);
}

bool question_read(struct question *question, const msgpack_object *state)
{
    const msgpack_object *item = reply_map(state, "item");
    const msgpack_object *options = item ? reply_array(item, "options") : NULL;

    if (!item || !slice_to_text(reply_text(item, "id"), question->item, sizeof(question->item))) {
        return false;
    }
    question->seq = reply_int(state, "seq");
    question->n_option = 0;
    read_content(question, item);
    for (size_t i = 0; i < reply_size(options) && i < LIMIT_OPTIONS; i++) {
        struct slice text = {0};

        if (!object_str(&options->via.array.ptr[i], &text) ||
            !slice_to_text(text, question->options[i], sizeof(question->options[i]))) {
            return false;
        }
        question->n_option++;
    }
    return true;
}

void question_done(struct question *question)
{
    buf_done(&question->content);
}

void question_show(const struct question *question)
{
    printf("\n%lld. ", (long long)question->seq);
    if (question->content.n > 0)
        text_print_lines(buf_slice(&question->content), INDENT, stdout);
    else
        printf("[%s]", question->item);
    putchar('\n');
    for (size_t i = 0; i < question->n_option; i++) {
        printf("   %c) ", (char)('a' + i));
        text_print_safe(slice_str(question->options[i]), stdout);
        putchar('\n');
    }
}

bool question_has_key(const struct question *question, const struct student *student)
{
    struct slice item = slice_str(question->item);

    return student && student_knows(student, item) &&
           student_score(student, item, slice_str("")) >= 0;
}

void question_expects(const struct question *question, const struct student *student,
                      char out[QUESTION_EXPECTS])
{
    struct slice item = slice_str(question->item);
    bool known = student && student_knows(student, item);

    if (question->n_option > 0)
        snprintf(out, QUESTION_EXPECTS, "a letter from a to %c",
                 (char)('a' + question->n_option - 1));
    else if (known && !question_has_key(question, student))
        snprintf(out, QUESTION_EXPECTS, "score 0 to %u", student_max_score(student, item));
    else
        snprintf(out, QUESTION_EXPECTS, "%s", known ? "answer" : "answer or score");
}

static void set_raw(struct answer *out, const char *text)
{
    out->kind = ANSWER_RAW;
    snprintf(out->raw, sizeof(out->raw), "%s", text);
}

static bool choose(const struct question *question, const char *line, struct answer *out)
{
    size_t letter = (size_t)(tolower((unsigned char)line[0]) - 'a');

    for (size_t i = 0; i < question->n_option; i++) {
        if (strcmp(line, question->options[i]) != 0) continue;
        set_raw(out, line);
        return true;
    }
    if (line[1] || letter >= question->n_option) return false;
    set_raw(out, question->options[letter]);
    return true;
}

bool question_understand(const struct question *question, const char *line, bool has_key,
                         struct answer *out)
{
    unsigned long score;
    char *end;

    *out = (struct answer){.elapsed_ms = -1};
    if (!*line || strlen(line) > LIMIT_RAW) return false;
    if (question->n_option > 0 && choose(question, line, out)) return true;
    if (strcmp(line, "q") == 0 || strcmp(line, "-") == 0) {
        out->kind = *line == 'q' ? ANSWER_QUIT : ANSWER_OMITTED;
        return true;
    }
    if (question->n_option > 0) return false;
    score = strtoul(line, &end, 10);
    if (!has_key && isdigit((unsigned char)line[0]) && !*end && score < LIMIT_CATS) {
        out->kind = ANSWER_SCORE;
        out->score = (unsigned)score;
    } else {
        set_raw(out, line);
    }
    return true;
}

void question_put_answer(const struct question *question, const char *session,
                         const struct answer *answer, struct writer *out)
{
    write_map(out, answer->elapsed_ms >= 0 ? 5 : 4);
    put_text(out, "session", session);
    put_int(out, "seq", question->seq);
    put_text(out, "item", question->item);
    write_text(out, "response");
    if (answer->kind == ANSWER_SCORE)
        write_int(out, answer->score);
    else if (answer->kind == ANSWER_RAW)
        write_text(out, answer->raw);
    else
        write_nil(out);
    if (answer->elapsed_ms >= 0) put_int(out, "elapsed_ms", answer->elapsed_ms);
}

static void show_mark(int score, unsigned max, bool utf8)
{
    if (max > 1)
        printf("   %d of %u points", score, max);
    else if (score == 1)
        printf("   %sright", utf8 ? "✓ " : "");
    else
        printf("   %swrong", utf8 ? "✗ " : "");
}

void question_show_answer(const struct question *question, const struct answer *answer,
                          const struct student *student, bool utf8)
{
    struct slice item = slice_str(question->item);
    bool known = student && student_knows(student, item);
    int score = -1;

    printf("   answer: ");
    if (answer->kind == ANSWER_OMITTED) {
        printf("none");
    } else if (answer->kind == ANSWER_SCORE) {
        printf("score %u", answer->score);
        score = (int)answer->score;
    } else {
        text_print_safe(slice_str(answer->raw), stdout);
        if (known) score = student_score(student, item, slice_str(answer->raw));
    }
    if (known && score >= 0) show_mark(score, student_max_score(student, item), utf8);
    putchar('\n');
}
