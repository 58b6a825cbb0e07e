/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scene: a bank, a test and students whose answers are known beforehand, as one JSON value that
 * every engine plays: {items, students (a string of 0 and 1 by item), length, min, max}. The test
 * is that of jscat: EAP under a standard normal prior on 121 nodes from -6 to 6, maximum
 * information. */
#ifndef BENCH_PEERS_SCENE_H
#define BENCH_PEERS_SCENE_H

#include "session/plan.h"

#include <jansson.h>

enum { SCENE_LENGTH = 30 };

/* Items 2PL and 3PL by turns; abilities evenly from -2.5 to 2.5. Ends the program without memory,
 * as all here do with whatever goes wrong. */
json_t *scene_new(size_t n_item, size_t n_student);

/* The test's document, to be freed with json_decref. */
json_t *scene_document(void);

/* The same bank and test compiled. */
struct bank *scene_bank(json_t *scene);
struct plan *scene_plan(const struct bank *bank);

/* The answer of a student to an item. */
unsigned scene_score(json_t *scene, size_t student, size_t item);

#endif
