/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A simulated student: answers the items of a bank as a person of a known theta would, and knows
 * what an answer scores. The items come as bank.get gives them. */
#ifndef TOOLS_STUDENT_H
#define TOOLS_STUDENT_H

#include "base/fault.h"
#include "base/slice.h"

#include <msgpack.h>

struct student;

/* Room for n_item items whose slopes are to be multiplied by D. NULL without memory. */
struct student *student_new(size_t n_item, double D);
void student_free(struct student *student);  // NULL is fine

/* Learn an array of item maps. BAD_REQUEST, with faults, where one is no item. */
MUST_CHECK enum status student_learn(struct student *student, const msgpack_object *items,
                                     struct faults *faults);
/* All items are there: from now on the student answers. */
MUST_CHECK enum status student_ready(struct student *student, struct faults *faults);

/* Whether the student knows the item: the condition of what follows. */
bool student_knows(const struct student *student, struct slice item);

/* A person and a question: the answer is a pure function of these. */
struct occasion {
    struct slice item;
    double theta;
    uint64_t seed, seq;
};

/* A score drawn from the item's model. One of the options that have this score goes to *out_option,
 * an empty text where there is none. */
unsigned student_answer(const struct student *student, const struct occasion *occasion,
                        struct slice *out_option);

/* What `raw` scores, -1 where the item cannot tell; and the most that an answer can score. */
int student_score(const struct student *student, struct slice item, struct slice raw);
unsigned student_max_score(const struct student *student, struct slice item);

#endif
