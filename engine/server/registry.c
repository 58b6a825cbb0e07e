/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/registry.h"
#include "session/event.h"
#include "store/test_document.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A failed growth of a table loses the new entry, and the caller says NO_MEMORY. */
#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((entry)->lost = true)
#include <uthash.h>

enum { NAME_BYTES = 2 * (LIMIT_ID + 1) };

/* "tenant 0 name 0": what both kinds of entry are found by. */
struct entry_name {
    char text[NAME_BYTES];
    size_t n, n_tenant;
};

struct bank_entry {
    struct entry_name name;
    struct bank_version **versions;  // by version - 1
    uint32_t n_version;
    char (*retired)[LIMIT_ID + 1];
    uint32_t n_retired;
    bool lost;
    UT_hash_handle hh;
};

struct test_entry {
    struct entry_name name;
    struct test_version **versions;  // by version - 1
    uint32_t n_version;
    bool lost;
    UT_hash_handle hh;
};

struct plan_of {
    const struct bank_version *bank;
    struct plan *plan;
    struct plan_of *next;
};

struct registry {
    struct env *env;
    struct bank_entry *banks;
    struct test_entry *tests;
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

struct bank_entry *registry_bank(struct registry *registry, struct library_name name)
{
    struct entry_name key = entry_name_of(name);
    struct bank_entry *entry;

    HASH_FIND(hh, registry->banks, key.text, key.n, entry);
    return entry;
}

struct test_entry *registry_test(struct registry *registry, struct library_name name)
{
    struct entry_name key = entry_name_of(name);
    struct test_entry *entry;

    HASH_FIND(hh, registry->tests, key.text, key.n, entry);
    return entry;
}

static struct bank_entry *bank_entry_get(struct registry *registry, struct library_name name)
{
    struct bank_entry *entry = registry_bank(registry, name);

    if (entry) return entry;
    entry = calloc(1, sizeof(*entry));
    if (!entry) return NULL;
    entry->name = entry_name_of(name);
    HASH_ADD(hh, registry->banks, name.text, entry->name.n, entry);
    if (!entry->lost) return entry;
    free(entry);
    return NULL;
}

static struct test_entry *test_entry_get(struct registry *registry, struct library_name name)
{
    struct test_entry *entry = registry_test(registry, name);

    if (entry) return entry;
    entry = calloc(1, sizeof(*entry));
    if (!entry) return NULL;
    entry->name = entry_name_of(name);
    HASH_ADD(hh, registry->tests, name.text, entry->name.n, entry);
    if (!entry->lost) return entry;
    free(entry);
    return NULL;
}

struct bank_version *bank_entry_version(struct bank_entry *entry, uint32_t version)
{
    if (version == 0) version = entry->n_version;
    return version >= 1 && version <= entry->n_version ? entry->versions[version - 1] : NULL;
}

struct test_version *test_entry_version(struct test_entry *entry, uint32_t version)
{
    if (version == 0) version = entry->n_version;
    return version >= 1 && version <= entry->n_version ? entry->versions[version - 1] : NULL;
}

struct library_name bank_entry_name(const struct bank_entry *entry)
{
    return library_name_of(&entry->name);
}

struct library_name test_entry_name(const struct test_entry *entry)
{
    return library_name_of(&entry->name);
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
    struct bank_header header = {.name = library_name_of(&version->entry->name),
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

static struct plan_of *find_plan(const struct test_version *test, const struct bank_version *bank)
{
    for (struct plan_of *plan = test->plans; plan; plan = plan->next) {
        if (plan->bank == bank) return plan;
    }
    return NULL;
}

enum status registry_plan(struct registry *registry, struct test_version *test,
                          struct bank_version *bank, const struct plan **out_plan,
                          struct faults *faults)
{
    struct plan_of *plan = find_plan(test, bank);
    enum status st;

    if (!plan) {
        st = registry_load_bank(registry, bank);
        if (st) return st;
        plan = calloc(1, sizeof(*plan));
        if (!plan) return NO_MEMORY;
        st = plan_new(&test->test, bank->bank, &plan->plan, faults);
        if (st) {
            free(plan);
            return st;
        }
        plan->bank = bank;
        plan->next = test->plans;
        test->plans = plan;
    }
    *out_plan = plan->plan;
    return OK;
}

enum status registry_add_bank(struct registry *registry, const struct bank_header *header,
                              struct bank *bank, struct bank_version **out)
{
    struct bank_entry *entry = bank_entry_get(registry, header->name);
    struct bank_version **versions, *version;

    if (!entry) return NO_MEMORY;
    if (header->version != entry->n_version + 1) return CORRUPT;
    versions = realloc(entry->versions, header->version * sizeof(*versions));
    if (!versions) return NO_MEMORY;
    entry->versions = versions;
    version = calloc(1, sizeof(*version));
    if (!version) return NO_MEMORY;
    *version = (struct bank_version){.entry = entry,
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
    struct test_entry *entry = test_entry_get(registry, header->name);
    struct test_version **versions, *version;

    if (!entry) return NO_MEMORY;
    if (header->version != entry->n_version + 1) return CORRUPT;
    versions = realloc(entry->versions, header->version * sizeof(*versions));
    if (!versions) return NO_MEMORY;
    entry->versions = versions;
    version = calloc(1, sizeof(*version));
    if (!version) return NO_MEMORY;
    version->entry = entry;
    version->version = header->version;
    version->created_ms = header->created_ms;
    version->test = *test;
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
    for (uint32_t v = 0; v < entry->n_version; v++) {
        struct bank_version *version = entry->versions[v];
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
    for (uint32_t v = 0; v < entry->n_version; v++) {
        struct bank_version *version = entry->versions[v];

        if (version->bank) version->retired[entry->n_retired] = retired_index(version, id);
    }
    entry->n_retired++;
    return OK;
}

uint32_t registry_next_bank_version(struct registry *registry, struct library_name name)
{
    const struct bank_entry *entry = registry_bank(registry, name);

    return entry ? entry->n_version + 1 : 1;
}

uint32_t registry_next_test_version(struct registry *registry, struct library_name name)
{
    const struct test_entry *entry = registry_test(registry, name);

    return entry ? entry->n_version + 1 : 1;
}

size_t registry_n_bank(const struct registry *registry)
{
    return HASH_COUNT(registry->banks);
}

size_t registry_n_test(const struct registry *registry)
{
    return HASH_COUNT(registry->tests);
}

static int by_bank_name(const struct bank_entry *a, const struct bank_entry *b)
{
    size_t n = a->name.n < b->name.n ? a->name.n : b->name.n;

    return memcmp(a->name.text, b->name.text, n);
}

static int by_test_name(const struct test_entry *a, const struct test_entry *b)
{
    size_t n = a->name.n < b->name.n ? a->name.n : b->name.n;

    return memcmp(a->name.text, b->name.text, n);
}

void registry_each_bank(struct registry *registry, struct slice tenant,
                        void (*visit)(void *context, struct bank_entry *entry), void *context)
{
    HASH_SORT(registry->banks, by_bank_name);
    for (struct bank_entry *entry = registry->banks; entry; entry = entry->hh.next) {
        if (entry->n_version > 0 && is_of_tenant(&entry->name, tenant)) visit(context, entry);
    }
}

void registry_each_test(struct registry *registry, struct slice tenant,
                        void (*visit)(void *context, struct test_entry *entry), void *context)
{
    HASH_SORT(registry->tests, by_test_name);
    for (struct test_entry *entry = registry->tests; entry; entry = entry->hh.next) {
        if (entry->n_version > 0 && is_of_tenant(&entry->name, tenant)) visit(context, entry);
    }
}

bool registry_has_upload(const struct registry *registry, uint64_t upload)
{
    for (const struct bank_entry *entry = registry->banks; entry; entry = entry->hh.next) {
        for (uint32_t v = 0; v < entry->n_version; v++) {
            if (entry->versions[v]->upload == upload) return true;
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
    for (uint32_t v = 0; v < entry->n_version; v++) {
        bank_free(entry->versions[v]->bank);
        free(entry->versions[v]->retired);
        free(entry->versions[v]);
    }
    free(entry->versions);
    free(entry->retired);
    free(entry);
}

static void test_entry_free(struct test_entry *entry)
{
    for (uint32_t v = 0; v < entry->n_version; v++) test_version_free(entry->versions[v]);
    free(entry->versions);
    free(entry);
}

void registry_free(struct registry *registry)
{
    struct bank_entry *bank, *next_bank;
    struct test_entry *test, *next_test;

    if (!registry) return;
    HASH_ITER(hh, registry->tests, test, next_test)
    {
        HASH_DEL(registry->tests, test);
        test_entry_free(test);
    }
    HASH_ITER(hh, registry->banks, bank, next_bank)
    {
        HASH_DEL(registry->banks, bank);
        bank_entry_free(bank);
    }
    free(registry);
}
