/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bank: an immutable set of calibrated items. Any number of threads may read one.
 *
 *     bank_new -> bank_add for each item -> bank_seal -> reading -> bank_free
 */
#ifndef IRT_BANK_H
#define IRT_BANK_H

#include "base/fault.h"
#include "base/slice.h"
#include "irt/model.h"

struct bank;

struct tag {
    struct slice name, value;
};

/* An item as it comes in. Slopes are on the bank's own metric (see D). What it points to is
 * copied. */
struct item_spec {
    struct slice id;
    const struct model *model;
    double value[SLOT_STEPS];  // by enum param_slot; ignored where the model has no such parameter
    unsigned n_step, n_slope;  // of the lists; alike where the model has both
    double steps[LIMIT_CATS - 1];
    double slopes[LIMIT_CATS - 1];
    unsigned n_dim;  // of direction; 0 where the model has none
    double direction[LIMIT_DIMS];
    struct slice key;  // n = 0: none
    size_t n_option, n_tag, n_enemy;
    struct slice options[LIMIT_OPTIONS];
    struct tag tags[LIMIT_TAGS];
    struct slice enemies[LIMIT_ENEMIES];  // ids
    struct slice set;                     // n = 0: none
    struct slice content;                 // opaque, n = 0: none
    int64_t rapid_ms;                     // an answer faster than that is a guess; 0: not known
    double exposure;  // k of Sympson and Hetter, at most 1; 0: not known, which counts as 1
    double seconds;   // expected time of an answer; 0: not known
    bool is_later;    // a person scores its answers; then it has neither key nor options
};

/* A bank with room for `n_item` items whose slopes are to be multiplied by D. NULL without
 * memory. */
struct bank *bank_new(size_t n_item, double D);
void bank_free(struct bank *bank);  // NULL is fine

/* Add one item. Everything wrong with it goes to `faults`; then the bank must not be used. */
void bank_add(struct bank *bank, const struct item_spec *spec, struct faults *faults);

/* Check what concerns several items (double ids, enemies, dimensions) and make the bank ready for
 * reading. */
MUST_CHECK enum status bank_seal(struct bank *bank, struct faults *faults);

size_t bank_n_item(const struct bank *bank);
size_t bank_n_dim(const struct bank *bank);  // dimensions of theta
const struct item *bank_item(const struct bank *bank, size_t i);
const char *bank_id(const struct bank *bank, size_t i);

/* The index of the item with that id, -1 where there is none. */
long bank_find(const struct bank *bank, struct slice id);

/* The value of a tag of item i, empty where it has none of that name. */
struct slice bank_tag(const struct bank *bank, size_t i, struct slice name);
struct slice bank_set(const struct bank *bank, size_t i);  // empty: none
size_t bank_n_enemy(const struct bank *bank, size_t i);    // that the item names itself
struct slice bank_enemy(const struct bank *bank, size_t i, size_t enemy);  // id
struct slice bank_content(const struct bank *bank, size_t i);              // empty: none
double bank_exposure(const struct bank *bank, size_t i);   // k of Sympson and Hetter, 1: always
int64_t bank_rapid_ms(const struct bank *bank, size_t i);  // 0: not known
/* Expected time of an answer to item i, in seconds: its own, else the mean of the items that have
 * one, else 1. */
double bank_seconds(const struct bank *bank, size_t i);
bool bank_is_later(const struct bank *bank, size_t i);  // a person scores its answers
size_t bank_n_option(const struct bank *bank, size_t i);
struct slice bank_option(const struct bank *bank, size_t i, size_t option);

/* Score a raw answer: by the key (1 or 0), or by the option's position. BAD_RESPONSE where the
 * answer is none of the item's options, or the item has neither key nor options. */
MUST_CHECK enum status bank_score(const struct bank *bank, size_t i, struct slice raw,
                                  unsigned *out_score);

/* The shortlists of the whole bank, NULL where there are none. */
const struct shortlists *bank_shortlists(const struct bank *bank);

/* Fisher information of every item at theta, out [n_item]: the kernel of maximum information. */
void bank_info_all(const struct bank *bank, double theta, double *out);

#endif
