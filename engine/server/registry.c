/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/registry.h"
#include "server/hash.h"
#include "server/notify.h"
#include "session/event.h"
#include "store/test_document.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 2 * (LIMIT_ID + 1) };

/* "tenant 0 name 0": what both kinds of entry are found by. */
struct entry_name {
    char text[NAME_BYTES];
    size_t n, n_tenant;
};

/* What banks and tests have in common: a name, versions, a place in a table. */
struct entry {
    struct entry_name name;
    void **versions;  // struct bank_version or struct test_version, by version - 1
    uint32_t n_version;
    bool lost;
    UT_hash_handle hh;
};

struct bank_entry {
    struct entry entry;  // first, so that an entry of the table of banks is one of these
    char (*retired)[LIMIT_ID + 1];
    uint32_t n_retired;
};

struct test_entry {
    struct entry entry;  // first
};

struct plan_of {
    const struct bank_version *bank;
    struct plan *plan;
    struct plan_of *next;
};

struct registry {
    struct env *env;
    struct entry *banks;  // each a struct bank_entry
    struct entry *tests;  // each a struct test_entry
};

static struct entry_name entry_name_of(struct library_name name)
{
    struct entry_name out = {.n = name.tenant.n + name.name.n + 2, .n_tenant = name.tenant.n};

    assert(out.n <= NAME_BYTES);
    memcpy(out.text, name.tenant.data, name.tenant.n);
    memcpy(out.text + name.tenant.n + 1, name.name.data, name.name.n);
    return out;
}

static struct library_name library_name_of(const struct entry_name *name)
{
    size_t n_name = name->n - name->n_tenant - 2;

    return (struct library_name){.tenant = slice_of(name->text, name->n_tenant),
                                 .name = slice_of(name->text + name->n_tenant + 1, n_name)};
}

static bool is_of_tenant(const struct entry_name *name, struct slice tenant)
{
    return slice_equal(library_name_of(name).tenant, tenant);
}

static struct entry *entry_find(struct entry *table, struct library_name name)
{
    struct entry_name key = entry_name_of(name);
    struct entry *entry;

    HASH_FIND(hh, table, key.text, key.n, entry);
    return entry;
}

/* The entry of that name, made where there is none; `size` is that of the whole struct. NULL
 * without memory. */
static struct entry *entry_make(struct entry **table, struct library_name name, size_t size)
{
    struct entry *entry = entry_find(*table, name);

    if (entry) return entry;
    entry = calloc(1, size);
    if (!entry) return NULL;
    entry->name = entry_name_of(name);
    HASH_ADD(hh, *table, name.text, entry->name.n, entry);
    if (!entry->lost) return entry;
    free(entry);
    return NULL;
}

/* Room for version `number`, which must be the next. */
static enum status entry_reserve(struct entry *entry, uint32_t number)
{
    void **versions;

    if (number != entry->n_version + 1) return CORRUPT;
    versions = realloc(entry->versions, number * sizeof(*versions));
    if (!versions) return NO_MEMORY;
    entry->versions = versions;
    return OK;
}

static void *entry_version(const struct entry *entry, uint32_t version)
{
    if (version == 0) version = entry->n_version;
    return version >= 1 && version <= entry->n_version ? entry->versions[version - 1] : NULL;
}

static uint32_t next_version(struct entry *table, struct library_name name)
{
    const struct entry *entry = entry_find(table, name);

    return entry ? entry->n_version + 1 : 1;
}

static int by_name(const struct entry *a, const struct entry *b)
{
    return slice_compare(slice_of(a->name.text, a->name.n), slice_of(b->name.text, b->name.n));
}

struct bank_entry *registry_bank(struct registry *registry, struct library_name name)
{
    return (struct bank_entry *)entry_find(registry->banks, name);
}

struct test_entry *registry_test(struct registry *registry, struct library_name name)
{
    return (struct test_entry *)entry_find(registry->tests, name);
}

struct bank_version *bank_entry_version(const struct bank_entry *entry, uint32_t version)
{
    return entry_version(&entry->entry, version);
}

struct test_version *test_entry_version(struct test_entry *entry, uint32_t version)
{
    return entry_version(&entry->entry, version);
}

struct library_name bank_entry_name(const struct bank_entry *entry)
{
    return library_name_of(&entry->entry.name);
}

struct library_name test_entry_name(const struct test_entry *entry)
{
    return library_name_of(&entry->entry.name);
}

uint32_t bank_entry_n_retired(const struct bank_entry *entry)
{
    return entry->n_retired;
}

const char *bank_entry_retired(const struct bank_entry *entry, uint32_t i)
{
    return entry->retired[i];
}

/* The index of a withdrawn item in a version. */
static uint32_t retired_index(const struct bank_version *version, const char *id)
{
    long item = bank_find(version->bank, slice_str(id));

    return item < 0 ? NO_ITEM : (uint32_t)item;
}

static enum status set_bank(struct bank_version *version, struct bank *bank)
{
    const struct bank_entry *entry = version->entry;
    uint32_t *retired = calloc(entry->n_retired + 1, sizeof(*retired));

    if (!retired) return NO_MEMORY;
    version->bank = bank;
    for (uint32_t i = 0; i < entry->n_retired; i++) {
        retired[i] = retired_index(version, entry->retired[i]);
    }
    version->retired = retired;
    return OK;
}

enum status registry_load_bank(struct registry *registry, struct bank_version *version)
{
    struct bank_header header = {.name = bank_entry_name(version->entry),
                                 .version = version->version,
                                 .upload = version->upload,
                                 .n_item = version->n_item,
                                 .D = version->D};
    struct faults faults = {0};
    struct bank *bank;
    enum status st;

    if (version->bank) return OK;
    st = library_load_bank(registry->env, &header, &bank, &faults);
    faults_done(&faults);
    if (st) return st == INVALID_BANK ? CORRUPT : st;
    st = set_bank(version, bank);
    if (st) bank_free(bank);
    return st;
}

enum status registry_load_newest(struct registry *registry)
{
    for (struct entry *entry = registry->banks; entry; entry = entry->hh.next) {
        struct bank_version *newest = entry_version(entry, 0);
        enum status st;

        notify_patience(NOTIFY_PATIENCE_MS);
        st = newest ? registry_load_bank(registry, newest) : OK;
        if (st) return st;
    }
    return OK;
}

static struct plan_of *find_plan(const struct test_version *test, const struct bank_version *bank)
{
    for (struct plan_of *plan = test->plans; plan; plan = plan->next) {
        if (plan->bank == bank) return plan;
    }
    return NULL;
}

bool registry_has_plan(const struct test_version *test, const struct bank_version *bank)
{
    return find_plan(test, bank) != NULL;
}

/* False without memory. */
static bool add_plan(struct test_version *test, const struct bank_version *bank, struct plan *plan)
{
    struct plan_of *of = calloc(1, sizeof(*of));

    if (!of) return false;
    *of = (struct plan_of){.bank = bank, .plan = plan, .next = test->plans};
    test->plans = of;
    return true;
}

void registry_keep_plan(struct test_version *test, const struct bank_version *bank,
                        struct plan *plan)
{
    if (find_plan(test, bank) || !add_plan(test, bank, plan)) plan_free(plan);
}

void registry_keep_bank(struct bank_version *version, struct bank *bank)
{
    if (version->bank || set_bank(version, bank)) bank_free(bank);
}

enum status registry_plan(struct registry *registry, struct test_version *test,
                          struct bank_version *bank, const struct plan **out_plan,
                          struct faults *faults)
{
    const struct plan_of *kept = find_plan(test, bank);
    struct plan *plan;
    enum status st;

    if (!kept) {
        st = registry_load_bank(registry, bank);
        if (st == OK) st = plan_new(&test->test, bank->bank, &plan, faults);
        if (st) return st;
        if (!add_plan(test, bank, plan)) {
            plan_free(plan);
            return NO_MEMORY;
        }
        kept = test->plans;
    }
    *out_plan = kept->plan;
    return OK;
}

enum status registry_add_bank(struct registry *registry, const struct bank_header *header,
                              struct bank *bank, struct bank_version **out)
{
    struct entry *entry = entry_make(&registry->banks, header->name, sizeof(struct bank_entry));
    struct bank_version *version;
    enum status st = entry ? entry_reserve(entry, header->version) : NO_MEMORY;

    if (st) return st;
    version = calloc(1, sizeof(*version));
    if (!version) return NO_MEMORY;
    *version = (struct bank_version){.entry = (struct bank_entry *)entry,
                                     .version = header->version,
                                     .upload = header->upload,
                                     .n_item = header->n_item,
                                     .D = header->D,
                                     .created_ms = header->created_ms};
    if (bank && set_bank(version, bank)) {
        free(version);
        return NO_MEMORY;
    }
    entry->versions[entry->n_version++] = version;
    if (out) *out = version;
    return OK;
}

static void test_version_free(struct test_version *version)
{
    struct plan_of *plan = version->plans;

    while (plan) {
        struct plan_of *next = plan->next;

        plan_free(plan->plan);
        free(plan);
        plan = next;
    }
    buf_done(&version->document);
    free(version);
}

enum status registry_add_test(struct registry *registry, const struct test_header *header,
                              const struct test *test, struct test_version **out)
{
    struct entry *entry = entry_make(&registry->tests, header->name, sizeof(struct test_entry));
    struct test_version *version;
    enum status st = entry ? entry_reserve(entry, header->version) : NO_MEMORY;

    if (st) return st;
    version = calloc(1, sizeof(*version));
    if (!version) return NO_MEMORY;
    version->entry = (struct test_entry *)entry;
    version->version = header->version;
    version->created_ms = header->created_ms;
    test_copy(&version->test, test);
    buf_append(&version->document, header->document.data, header->document.n);
    if (version->document.failed) {
        test_version_free(version);
        return NO_MEMORY;
    }
    entry->versions[entry->n_version++] = version;
    if (out) *out = version;
    return OK;
}

/* Room for one more withdrawn item everywhere, before anything changes. */
static enum status reserve_retired(struct bank_entry *entry)
{
    size_t n = entry->n_retired + 1;
    char(*ids)[LIMIT_ID + 1] = realloc(entry->retired, n * sizeof(*ids));

    if (!ids) return NO_MEMORY;
    entry->retired = ids;
    for (uint32_t v = 0; v < entry->entry.n_version; v++) {
        struct bank_version *version = entry->entry.versions[v];
        uint32_t *retired;

        if (!version->bank) continue;
        retired = realloc(version->retired, n * sizeof(*retired));
        if (!retired) return NO_MEMORY;
        version->retired = retired;
    }
    return OK;
}

enum status registry_retire(struct registry *registry, struct bank_entry *entry, struct slice item)
{
    struct bank_version *newest = bank_entry_version(entry, 0);
    char *id;
    enum status st;

    for (uint32_t i = 0; i < entry->n_retired; i++) {
        if (slice_equal_str(item, entry->retired[i])) return EXISTS;
    }
    st = registry_load_bank(registry, newest);
    if (st == OK) st = reserve_retired(entry);
    if (st) return st;
    id = entry->retired[entry->n_retired];
    if (!slice_to_text(item, id, LIMIT_ID + 1)) return UNKNOWN_ITEM;
    for (uint32_t v = 0; v < entry->entry.n_version; v++) {
        struct bank_version *version = entry->entry.versions[v];

        if (version->bank) version->retired[entry->n_retired] = retired_index(version, id);
    }
    entry->n_retired++;
    return OK;
}

uint32_t registry_next_bank_version(struct registry *registry, struct library_name name)
{
    return next_version(registry->banks, name);
}

uint32_t registry_next_test_version(struct registry *registry, struct library_name name)
{
    return next_version(registry->tests, name);
}

size_t registry_n_bank(const struct registry *registry)
{
    return HASH_COUNT(registry->banks);
}

size_t registry_n_test(const struct registry *registry)
{
    return HASH_COUNT(registry->tests);
}

void registry_each_bank(struct registry *registry, struct slice tenant,
                        void (*visit)(void *context, struct bank_entry *entry), void *context)
{
    HASH_SORT(registry->banks, by_name);
    for (struct entry *entry = registry->banks; entry; entry = entry->hh.next) {
        if (entry->n_version == 0 || !is_of_tenant(&entry->name, tenant)) continue;
        visit(context, (struct bank_entry *)entry);
    }
}

void registry_each_test(struct registry *registry, struct slice tenant,
                        void (*visit)(void *context, struct test_entry *entry), void *context)
{
    HASH_SORT(registry->tests, by_name);
    for (struct entry *entry = registry->tests; entry; entry = entry->hh.next) {
        if (entry->n_version == 0 || !is_of_tenant(&entry->name, tenant)) continue;
        visit(context, (struct test_entry *)entry);
    }
}

bool registry_counts_uses(const struct registry *registry)
{
    for (const struct entry *entry = registry->tests; entry; entry = entry->hh.next) {
        for (uint32_t v = 0; v < entry->n_version; v++) {
            const struct test_version *version = entry->versions[v];

            if (exposure_counts_uses(&version->test.exposure)) return true;
        }
    }
    return false;
}

bool registry_has_upload(const struct registry *registry, uint64_t upload)
{
    for (const struct entry *entry = registry->banks; entry; entry = entry->hh.next) {
        for (uint32_t v = 0; v < entry->n_version; v++) {
            const struct bank_version *version = entry->versions[v];

            if (version->upload == upload) return true;
        }
    }
    return false;
}

static enum status on_bank(void *context, const struct bank_header *header)
{
    return registry_add_bank(context, header, NULL, NULL);
}

static enum status on_test(void *context, const struct test_header *header)
{
    struct decoder decoder;
    struct faults faults = {0};
    struct fault fault;
    msgpack_object root;
    struct test test;
    enum status st = decoder_init(&decoder);

    if (st) return st;
    st = decode(&decoder, header->document, &root, &fault);
    if (st == OK && !test_document_read(&root, &test, &faults)) st = CORRUPT;
    if (st == OK) st = registry_add_test(context, header, &test, NULL);
    faults_done(&faults);
    decoder_done(&decoder);
    return st == BAD_REQUEST ? CORRUPT : st;
}

static enum status on_retired(void *context, const struct library_name *bank, struct slice item)
{
    struct bank_entry *entry = registry_bank(context, *bank);
    enum status st;

    if (!entry) return CORRUPT;
    st = reserve_retired(entry);
    if (st) return st;
    if (!slice_to_text(item, entry->retired[entry->n_retired], LIMIT_ID + 1)) return CORRUPT;
    entry->n_retired++;
    return OK;
}

enum status registry_open(struct env *env, struct registry **out)
{
    struct registry *registry = calloc(1, sizeof(*registry));
    enum status st;

    if (!registry) return NO_MEMORY;
    registry->env = env;
    st = library_each_bank(env, on_bank, registry);
    if (st == OK) st = library_each_test(env, on_test, registry);
    if (st == OK) st = library_each_retired(env, on_retired, registry);
    if (st) {
        registry_free(registry);
        return st;
    }
    *out = registry;
    return OK;
}

static void bank_entry_free(struct bank_entry *entry)
{
    for (uint32_t v = 0; v < entry->entry.n_version; v++) {
        struct bank_version *version = entry->entry.versions[v];

        bank_free(version->bank);
        free(version->retired);
        free(version);
    }
    free(entry->entry.versions);
    free(entry->retired);
    free(entry);
}

static void test_entry_free(struct test_entry *entry)
{
    for (uint32_t v = 0; v < entry->entry.n_version; v++) {
        test_version_free(entry->entry.versions[v]);
    }
    free(entry->entry.versions);
    free(entry);
}

void registry_free(struct registry *registry)
{
    struct entry *entry, *next;

    if (!registry) return;
    HASH_ITER(hh, registry->tests, entry, next)
    {
        HASH_DEL(registry->tests, entry);
        test_entry_free((struct test_entry *)entry);
    }
    HASH_ITER(hh, registry->banks, entry, next)
    {
        HASH_DEL(registry->banks, entry);
        bank_entry_free((struct bank_entry *)entry);
    }
    free(registry);
}
