/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bank is the daemon's own structure, so a simulated answer follows the very model that the
 * answer is scored with. Each question has two random numbers of its own: one for the score, one
 * for the choice among options of equal score. */
#include "tools/student.h"
#include "base/rng.h"
#include "irt/dims.h"
#include "store/item_document.h"

#include <assert.h>
#include <stdlib.h>

struct student {
    struct bank *bank;
    struct buf content;  // of the item being learnt
    size_t n_item;
};

struct student *student_new(size_t n_item, double D)
{
    struct student *student = calloc(1, sizeof(*student));

    if (!student) return NULL;
    student->bank = bank_new(n_item, D);
    if (student->bank) return student;
    student_free(student);
    return NULL;
}

void student_free(struct student *student)
{
    if (!student) return;
    bank_free(student->bank);
    buf_done(&student->content);
    free(student);
}

enum status student_learn(struct student *student, const msgpack_object *items,
                          struct faults *faults)
{
    struct item_spec *spec = malloc(sizeof(*spec));
    size_t before = faults->total;

    if (!spec) return NO_MEMORY;
    for (uint32_t i = 0; i < items->via.array.size; i++) {
        const msgpack_object *item = &items->via.array.ptr[i];

        student->n_item++;
        if (item_document_read(item, student->n_item, spec, &student->content, faults)) {
            bank_add(student->bank, spec, faults);
        }
    }
    free(spec);
    return faults->total == before ? OK : BAD_REQUEST;
}

enum status student_ready(struct student *student, struct faults *faults)
{
    return bank_seal(student->bank, faults);
}

bool student_knows(const struct student *student, struct slice item)
{
    return bank_find(student->bank, item) >= 0;
}

static size_t index_of(const struct student *student, struct slice item)
{
    long i = bank_find(student->bank, item);

    assert(i >= 0);
    return (size_t)i;
}

static struct slice choose_option(const struct bank *bank, size_t i, unsigned wanted, double u)
{
    size_t fitting[LIMIT_OPTIONS];
    size_t n = 0;

    for (size_t k = 0; k < bank_n_option(bank, i); k++) {
        unsigned score;

        if (bank_score(bank, i, bank_option(bank, i, k), &score) == OK && score == wanted) {
            fitting[n++] = k;
        }
    }
    return n > 0 ? bank_option(bank, i, fitting[(size_t)(u * (double)n)]) : (struct slice){0};
}

unsigned student_answer(const struct student *student, const struct occasion *occasion,
                        struct slice *out_option)
{
    size_t i = index_of(student, occasion->item);
    const struct item *item = bank_item(student->bank, i);
    double u = rng_uniform(occasion->seed, 2 * occasion->seq);
    double p[LIMIT_CATS], theta[LIMIT_DIMS];
    unsigned score = 0;

    for (size_t m = 0; m < LIMIT_DIMS; m++) theta[m] = occasion->theta;
    item->model->prob(item, item_predictor(item, theta), p);
    while (score + 1 < item->n_cat && u >= p[score]) {
        u -= p[score];
        score++;
    }
    *out_option =
        choose_option(student->bank, i, score, rng_uniform(occasion->seed, 2 * occasion->seq + 1));
    return score;
}

int student_score(const struct student *student, struct slice item, struct slice raw)
{
    unsigned score;

    if (bank_score(student->bank, index_of(student, item), raw, &score)) return -1;
    return (int)score;
}

unsigned student_max_score(const struct student *student, struct slice item)
{
    return bank_item(student->bank, index_of(student, item))->n_cat - 1;
}
