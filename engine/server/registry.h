/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Banks, tests and plans in memory. The loop owns it; the banks and plans it hands out never change
 * and live as long as the registry. */
#ifndef SERVER_REGISTRY_H
#define SERVER_REGISTRY_H

#include "session/plan.h"
#include "store/library.h"

struct registry;
struct bank_entry;  // all versions of a bank, and what is withdrawn from it
struct test_entry;  // all versions of a test

struct bank_version {
    const struct bank_entry *entry;
    uint32_t version;
    uint64_t upload;
    uint32_t n_item;
    double D;
    int64_t created_ms;
    struct bank *bank;  // NULL until it is first needed
    /* [entry->n_retired] indices in this version, NO_ITEM where it lacks the item. */
    uint32_t *retired;
};

struct test_version {
    const struct test_entry *entry;
    uint32_t version;
    int64_t created_ms;
    struct buf document;  // encoded
    struct test test;
    struct plan_of *plans;
};

/* Everything in the store. */
MUST_CHECK enum status registry_open(struct env *env, struct registry **out);
void registry_free(struct registry *registry);

/* NULL where there is none. */
struct bank_entry *registry_bank(struct registry *registry, struct library_name name);
struct test_entry *registry_test(struct registry *registry, struct library_name name);

/* A version, 0 for the newest; NULL where there is none. */
struct bank_version *bank_entry_version(const struct bank_entry *entry, uint32_t version);
struct test_version *test_entry_version(struct test_entry *entry, uint32_t version);
struct library_name bank_entry_name(const struct bank_entry *entry);
struct library_name test_entry_name(const struct test_entry *entry);

/* The items withdrawn from a bank, in the order they were. */
uint32_t bank_entry_n_retired(const struct bank_entry *entry);
const char *bank_entry_retired(const struct bank_entry *entry, uint32_t i);

/* The compiled bank of a version, read from the store where it is not in memory yet. */
MUST_CHECK enum status registry_load_bank(struct registry *registry, struct bank_version *version);

/* Compile the newest version of every bank, so that no student waits for it later. */
MUST_CHECK enum status registry_load_newest(struct registry *registry);

/* The plan of a test for a version of its bank, made once. INVALID_TEST with faults where they do
 * not fit. */
MUST_CHECK enum status registry_plan(struct registry *registry, struct test_version *test,
                                     struct bank_version *bank, const struct plan **out_plan,
                                     struct faults *faults);

/* Whether that plan is there already, so that asking for it takes no time. */
bool registry_has_plan(const struct test_version *test, const struct bank_version *bank);

/* Take in a plan that was made elsewhere, or free it where there is one or no memory for it. */
void registry_keep_plan(struct test_version *test, const struct bank_version *bank,
                        struct plan *plan);

/* The same for a bank that was compiled from the version's items. */
void registry_keep_bank(struct bank_version *version, struct bank *bank);

/* Take in what is being written. The header's version must be the next. `bank` is taken over on
 * OK. */
MUST_CHECK enum status registry_add_bank(struct registry *registry,
                                         const struct bank_header *header, struct bank *bank,
                                         struct bank_version **out);
MUST_CHECK enum status registry_add_test(struct registry *registry,
                                         const struct test_header *header, const struct test *test,
                                         struct test_version **out);
/* Withdraw an item that is in some version. EXISTS where it is withdrawn already. */
MUST_CHECK enum status registry_retire(struct registry *registry, struct bank_entry *entry,
                                       struct slice item);

uint32_t registry_next_bank_version(struct registry *registry, struct library_name name);
uint32_t registry_next_test_version(struct registry *registry, struct library_name name);

size_t registry_n_bank(const struct registry *registry);
size_t registry_n_test(const struct registry *registry);

/* Visit the entries of a tenant by name. */
void registry_each_bank(struct registry *registry, struct slice tenant,
                        void (*visit)(void *context, struct bank_entry *entry), void *context);
void registry_each_test(struct registry *registry, struct slice tenant,
                        void (*visit)(void *context, struct test_entry *entry), void *context);

/* Whether a version of a test counts how often its items are asked in all its sessions. */
bool registry_counts_uses(const struct registry *registry);

/* Whether some version of some bank has these items. */
bool registry_has_upload(const struct registry *registry, uint64_t upload);

#endif
