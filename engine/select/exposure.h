/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exposure control: which items a session may see at all, and when. One row each, in one table. */
#ifndef SELECT_EXPOSURE_H
#define SELECT_EXPOSURE_H

#include "irt/dims.h"
#include "irt/partition.h"
#include "select/eligibility.h"

/* What a rule is told in a test document. */
struct exposure_spec {
    const struct exposure_rule *rule;
    size_t n_stratum;  // a-stratified
    bool b_blocks;     // a-stratified: strata that are alike in difficulty (Chang, Qian, Ying 2001)
    struct eligibility_rule eligibility;  // eligibility
    uint32_t max_uses;  // an item asked so often is out of every later pick; 0: no such limit
    int64_t repeat_ms;  // for so long an examinee is not asked an item again; 0: no such limit
};

struct exposure_rule {
    const char *name;
    enum dims dims;  // of the banks it is for
    /* Whether a session may be asked an item; NULL: any. A pure function of the session's seed. */
    bool (*admits)(const struct bank *bank, uint32_t item, uint64_t seed);
    /* The items by the stage of the test at which they may be asked; NULL: at any. `strata` answers
     * NULL without memory. */
    struct partition *(*strata)(const struct bank *bank, const struct exposure_spec *spec);
    bool by_counts;  // a session's items are drawn by what earlier sessions were asked
};

/* Whether it counts what is asked in all sessions of a test. */
bool exposure_counts_uses(const struct exposure_spec *spec);

/* All rules, NULL at the end. */
extern const struct exposure_rule *const exposure_rules[];
extern const struct exposure_rule exposure_none, exposure_sympson_hetter, exposure_a_stratified,
    exposure_eligibility;

const struct exposure_rule *exposure_rule_find(struct slice name);

/* The draw of Sympson and Hetter: whether a session of this seed is let to an item with this k. */
bool exposure_admits(double k, uint32_t item, uint64_t seed);

#endif
