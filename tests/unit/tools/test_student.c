/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/student.h"

#include "proto/reader.h"
#include "proto/writer.h"

#include <criterion/criterion.h>
#include <math.h>

/* Learns a 3PL item "q" with key and options, and a GPCM item "p" of three categories, of D 1.702.
 */
static struct student *learn(void)
{
    struct student *student = student_new(2, 1.702);
    struct faults faults = {0};
    struct buf bytes = {0};
    struct writer out = writer_of(&bytes);
    struct decoder decoder;
    msgpack_object items;
    struct fault fault;

    write_array(&out, 2);
    write_map(&out, 7);
    put_text(&out, "id", "q");
    put_text(&out, "model", "3PL");
    put_f64(&out, "a", 1.25);
    put_f64(&out, "b", 0.385);
    put_f64(&out, "c", 0.2);
    put_text(&out, "key", "x");
    write_text(&out, "options");
    write_array(&out, 3);
    write_text(&out, "w");
    write_text(&out, "x");
    write_text(&out, "y");
    write_map(&out, 4);
    put_text(&out, "id", "p");
    put_text(&out, "model", "GPCM");
    put_f64(&out, "a", 0.75);
    write_text(&out, "b");
    write_array(&out, 2);
    write_f64(&out, -0.5);
    write_f64(&out, 0.25);
    cr_assert_eq(decoder_init(&decoder), OK);
    cr_assert_eq(decode(&decoder, buf_slice(&bytes), &items, &fault), OK);
    cr_assert_eq(student_learn(student, &items, &faults), OK, "%s",
                 faults.n ? faults.list[0].text : "");
    cr_assert_eq(student_ready(student, &faults), OK);
    decoder_done(&decoder);
    buf_done(&bytes);
    return student;
}

Test(student, knows_what_answers_score)
{
    struct student *student = learn();

    cr_expect(student_knows(student, slice_str("q")));
    cr_expect_not(student_knows(student, slice_str("z")));
    cr_expect_eq(student_score(student, slice_str("q"), slice_str("x")), 1);
    cr_expect_eq(student_score(student, slice_str("q"), slice_str("w")), 0);
    cr_expect_eq(student_score(student, slice_str("q"), slice_str("?")), -1);
    cr_expect_eq(student_score(student, slice_str("p"), slice_str("x")), -1);
    cr_expect_eq(student_max_score(student, slice_str("q")), 1);
    cr_expect_eq(student_max_score(student, slice_str("p")), 2);
    student_free(student);
}

/* 20,000 draws of a fixed seed: no chance of a false alarm, and 5 standard errors of room. */
static void expect_share(const struct student *student, const char *item, unsigned score, double p)
{
    enum { DRAWS = 20000 };
    struct occasion occasion = {slice_str(item), 0.8, 41, 0};
    size_t hits = 0;
    struct slice option;

    for (; occasion.seq < DRAWS; occasion.seq++)
        hits += student_answer(student, &occasion, &option) == score;
    cr_expect_lt(fabs((double)hits / DRAWS - p), 5.0 * sqrt(p * (1.0 - p) / DRAWS),
                 "%s scores %u in %zu draws", item, score, hits);
}

Test(student, answers_by_the_model)
{
    struct student *student = learn();
    double z1 = 1.702 * 0.75 * (0.8 + 0.5), z2 = z1 + 1.702 * 0.75 * (0.8 - 0.25);
    double sum = 1.0 + exp(z1) + exp(z2);

    expect_share(student, "q", 1, 0.2 + 0.8 / (1.0 + exp(-1.702 * 1.25 * (0.8 - 0.385))));
    expect_share(student, "p", 0, 1.0 / sum);
    expect_share(student, "p", 1, exp(z1) / sum);
    expect_share(student, "p", 2, exp(z2) / sum);
    student_free(student);
}

Test(student, chooses_an_option_of_the_score)
{
    struct student *student = learn();
    struct occasion occasion = {slice_str("q"), 0.0, 17, 0};
    size_t n[3] = {0};

    for (; occasion.seq < 1000; occasion.seq++) {
        struct slice option, again;
        unsigned score = student_answer(student, &occasion, &option);

        cr_assert_eq(student_score(student, occasion.item, option), (int)score);
        cr_assert_eq(student_answer(student, &occasion, &again), score);
        cr_assert(slice_equal(option, again));
        n[option.data[0] - 'w']++;
    }
    cr_expect(n[0] > 100 && n[1] > 100 && n[2] > 100, "%zu %zu %zu", n[0], n[1], n[2]);

    occasion.item = slice_str("p");
    {
        struct slice option = slice_str("?");

        (void)student_answer(student, &occasion, &option);
        cr_expect_eq(option.n, 0);
    }
    student_free(student);
}

Test(student, refuses_what_is_no_item)
{
    struct student *student = student_new(1, 1.0);
    struct faults faults = {0};
    msgpack_object nil = {.type = MSGPACK_OBJECT_NIL};
    msgpack_object items = {.type = MSGPACK_OBJECT_ARRAY, .via.array = {1, &nil}};

    cr_expect_eq(student_learn(student, &items, &faults), BAD_REQUEST);
    cr_expect_geq(faults.total, 1);
    faults_done(&faults);
    student_free(student);
}
