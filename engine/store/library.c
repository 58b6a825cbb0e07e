/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/library.h"
#include "base/bytes.h"
#include "proto/writer.h"
#include "store/item_document.h"

#include <string.h>

enum { ITEM_KEY = 12, NAME_KEY = 2 * (LIMIT_ID + 1) + 4 };

struct key {
    uint8_t bytes[NAME_KEY];
    size_t n;
};

static struct slice key_slice(const struct key *key)
{
    return slice_of(key->bytes, key->n);
}

/* tenant 0 name 0 number */
static struct key name_key(const struct library_name *name, uint32_t number)
{
    struct key key = {.n = name->tenant.n + name->name.n + 6};
    uint8_t *at = key.bytes;

    memcpy(at, name->tenant.data, name->tenant.n);
    at += name->tenant.n;
    *at++ = 0;
    memcpy(at, name->name.data, name->name.n);
    at += name->name.n;
    *at++ = 0;
    bytes_put_u32(at, number);
    return key;
}

static bool name_key_read(struct slice key, struct library_name *out, uint32_t *out_number)
{
    const uint8_t *tenant_end = memchr(key.data, 0, key.n);
    const uint8_t *name;

    if (!tenant_end || key.n < 6) return false;
    name = tenant_end + 1;
    out->tenant = slice_of(key.data, (size_t)(tenant_end - key.data));
    if (out->tenant.n + 6 > key.n) return false;
    out->name = slice_of(name, key.n - out->tenant.n - 6);
    *out_number = bytes_get_u32(key.data + key.n - 4);
    return true;
}

static struct key item_key(uint64_t upload, uint32_t number)
{
    struct key key = {.n = ITEM_KEY};

    bytes_put_u64(key.bytes, upload);
    bytes_put_u32(key.bytes + 8, number);
    return key;
}

void library_put_item(const struct env *env, struct batch *batch, uint64_t upload, uint32_t number,
                      struct slice item)
{
    struct key key = item_key(upload, number);

    batch_put(env, batch, TABLE_ITEM, key_slice(&key), item, NULL);
}

void library_remove_items(struct batch *batch, uint64_t upload, uint32_t n_item)
{
    for (uint32_t i = 0; i < n_item; i++) {
        struct key key = item_key(upload, i);

        batch_remove(batch, TABLE_ITEM, key_slice(&key));
    }
}

void library_put_bank(const struct env *env, struct batch *batch, const struct bank_header *header)
{
    struct key key = name_key(&header->name, header->version);
    struct buf value = {0};
    struct writer out = writer_of(&value);

    write_map(&out, 4);
    put_int(&out, "upload", (int64_t)header->upload);
    put_int(&out, "n_items", header->n_item);
    put_f64(&out, "D", header->D);
    put_int(&out, "created_ms", header->created_ms);
    batch_put(env, batch, TABLE_BANK, key_slice(&key), buf_slice(&value), NULL);
    if (value.failed) batch->bytes.failed = true;
    buf_done(&value);
}

void library_put_test(const struct env *env, struct batch *batch, const struct test_header *header)
{
    struct key key = name_key(&header->name, header->version);
    struct buf value = {0};
    struct writer out = writer_of(&value);

    write_map(&out, 2);
    put_int(&out, "created_ms", header->created_ms);
    write_text(&out, "document");
    write_raw(&out, header->document);
    batch_put(env, batch, TABLE_TEST, key_slice(&key), buf_slice(&value), NULL);
    if (value.failed) batch->bytes.failed = true;
    buf_done(&value);
}

void library_put_retired(const struct env *env, struct batch *batch,
                         const struct library_name *bank, uint32_t number, struct slice item)
{
    struct key key = name_key(bank, number);

    batch_put(env, batch, TABLE_RETIRED, key_slice(&key), item, NULL);
}

/* A visit to a table of named records. */
struct named_visit {
    struct decoder decoder;
    enum status (*bank)(void *, const struct bank_header *);
    enum status (*test)(void *, const struct test_header *);
    enum status (*retired)(void *, const struct library_name *, struct slice);
    void *context;
};

static enum status visit_bank(void *context, struct slice key, struct slice value)
{
    struct named_visit *visit = context;
    struct bank_header header = {0};
    msgpack_object root;
    struct fault fault;
    struct reader in;
    int64_t upload = 0, n_item = 0;
    enum status st = decode(&visit->decoder, value, &root, &fault);

    if (st) return st == NO_MEMORY ? st : CORRUPT;
    in = reader_of(&root, "", &fault);
    read_int(&in, "upload", REQUIRED, 1, LIMIT_INT, &upload);
    read_int(&in, "n_items", REQUIRED, 1, LIMIT_ITEMS, &n_item);
    read_f64(&in, "D", REQUIRED, 0.0, LIMIT_SLOPE, &header.D);
    read_int(&in, "created_ms", REQUIRED, -LIMIT_INT, LIMIT_INT, &header.created_ms);
    if (in.failed || !name_key_read(key, &header.name, &header.version)) return CORRUPT;
    header.upload = (uint64_t)upload;
    header.n_item = (uint32_t)n_item;
    return visit->bank(visit->context, &header);
}

static enum status visit_test(void *context, struct slice key, struct slice value)
{
    struct named_visit *visit = context;
    struct test_header header = {0};
    const msgpack_object *document = NULL;
    msgpack_object root;
    struct fault fault;
    struct reader in;
    struct buf encoded = {0};
    struct writer out = writer_of(&encoded);
    enum status st = decode(&visit->decoder, value, &root, &fault);

    if (st) return st == NO_MEMORY ? st : CORRUPT;
    in = reader_of(&root, "", &fault);
    read_int(&in, "created_ms", REQUIRED, -LIMIT_INT, LIMIT_INT, &header.created_ms);
    read_map(&in, "document", REQUIRED, &document);
    if (in.failed || !name_key_read(key, &header.name, &header.version)) return CORRUPT;
    write_object(&out, document);
    header.document = buf_slice(&encoded);
    st = encoded.failed ? NO_MEMORY : visit->test(visit->context, &header);
    buf_done(&encoded);
    return st;
}

static enum status visit_retired(void *context, struct slice key, struct slice value)
{
    struct named_visit *visit = context;
    struct library_name bank;
    uint32_t number;

    if (!name_key_read(key, &bank, &number)) return CORRUPT;
    return visit->retired(visit->context, &bank, value);
}

static enum status visit_named(struct env *env, enum table table,
                               enum status (*each)(void *, struct slice, struct slice),
                               struct named_visit *visit)
{
    enum status st = decoder_init(&visit->decoder);

    if (st) return st;
    st = env_each(env, table, slice_of(NULL, 0), (struct visitor){each, visit});
    decoder_done(&visit->decoder);
    return st;
}

enum status library_each_bank(struct env *env,
                              enum status (*visit)(void *, const struct bank_header *),
                              void *context)
{
    struct named_visit named = {.bank = visit, .context = context};

    return visit_named(env, TABLE_BANK, visit_bank, &named);
}

enum status library_each_test(struct env *env,
                              enum status (*visit)(void *, const struct test_header *),
                              void *context)
{
    struct named_visit named = {.test = visit, .context = context};

    return visit_named(env, TABLE_TEST, visit_test, &named);
}

enum status library_each_retired(struct env *env,
                                 enum status (*visit)(void *, const struct library_name *,
                                                      struct slice),
                                 void *context)
{
    struct named_visit named = {.retired = visit, .context = context};

    return visit_named(env, TABLE_RETIRED, visit_retired, &named);
}

struct item_visit {
    uint64_t upload;
    enum status (*visit)(void *, uint32_t, struct slice);
    void *context;
};

static enum status visit_item(void *context, struct slice key, struct slice value)
{
    const struct item_visit *visit = context;

    if (key.n != ITEM_KEY) return CORRUPT;
    if (bytes_get_u64(key.data) != visit->upload) return NOT_FOUND;  // past the last
    return visit->visit(visit->context, bytes_get_u32(key.data + 8), value);
}

enum status library_each_item(struct env *env, uint64_t upload, uint32_t first,
                              enum status (*visit)(void *, uint32_t, struct slice), void *context)
{
    struct item_visit item = {.upload = upload, .visit = visit, .context = context};
    struct key key = item_key(upload, first);

    return env_each(env, TABLE_ITEM, key_slice(&key), (struct visitor){visit_item, &item});
}

struct loading {
    struct decoder decoder;
    struct buf content;
    struct bank *bank;
    struct faults *faults;
    uint32_t n_item, n_read;
    bool has_decoder;
};

static enum status load_item(void *context, uint32_t number, struct slice bytes)
{
    struct loading *loading = context;
    struct item_spec spec;
    struct fault fault;
    msgpack_object root;
    enum status st;

    if (loading->n_read == loading->n_item || number != loading->n_read) return CORRUPT;
    loading->n_read++;
    st = decode(&loading->decoder, bytes, &root, &fault);
    if (st) return st == NO_MEMORY ? st : CORRUPT;
    if (item_document_read(&root, number + 1, &spec, &loading->content, loading->faults)) {
        bank_add(loading->bank, &spec, loading->faults);
    }
    return loading->content.failed ? NO_MEMORY : OK;
}

bool library_take_item(struct slice *items, struct slice *out_item)
{
    size_t n = items->n < 4 ? 0 : bytes_get_u32(items->data);

    if (items->n < 4 + n || items->n == 0) return false;
    *out_item = slice_of(items->data + 4, n);
    *items = slice_of(items->data + 4 + n, items->n - 4 - n);
    return true;
}

void library_append_item(struct buf *items, struct slice item)
{
    uint8_t head[4];

    bytes_put_u32(head, (uint32_t)item.n);
    buf_append(items, head, sizeof(head));
    buf_append(items, item.data, item.n);
}

static enum status loading_begin(struct loading *loading, const struct bank_header *header,
                                 struct faults *faults)
{
    enum status st = decoder_init(&loading->decoder);

    if (st) return st;
    loading->has_decoder = true;
    loading->faults = faults;
    loading->n_item = header->n_item;
    loading->bank = bank_new(header->n_item, header->D);
    return loading->bank ? OK : NO_MEMORY;
}

/* The bank where `st` is OK and all of it was read; else all is freed. */
static enum status loading_end(struct loading *loading, enum status st, struct bank **out_bank)
{
    if (st == OK) {
        st = loading->n_read == loading->n_item ? bank_seal(loading->bank, loading->faults)
                                                : CORRUPT;
    }
    if (st)
        bank_free(loading->bank);
    else
        *out_bank = loading->bank;
    buf_done(&loading->content);
    if (loading->has_decoder) decoder_done(&loading->decoder);
    return st;
}

enum status library_load_bank(struct env *env, const struct bank_header *header,
                              struct bank **out_bank, struct faults *faults)
{
    struct loading loading = {0};
    enum status st = loading_begin(&loading, header, faults);

    if (st == OK) st = library_each_item(env, header->upload, 0, load_item, &loading);
    return loading_end(&loading, st, out_bank);
}

enum status library_compile(struct slice items, const struct bank_header *header,
                            struct bank **out_bank, struct faults *faults)
{
    struct loading loading = {0};
    enum status st = loading_begin(&loading, header, faults);
    struct slice item;

    while (st == OK && library_take_item(&items, &item)) {
        st = load_item(&loading, loading.n_read, item);
    }
    if (st == OK && items.n > 0) st = CORRUPT;
    return loading_end(&loading, st, out_bank);
}

enum status library_last_upload(struct env *env, uint64_t *out_upload)
{
    struct buf key = {0};
    enum status st = env_last_key(env, TABLE_ITEM, &key);

    *out_upload = st == OK && key.n == ITEM_KEY ? bytes_get_u64(key.data) : 0;
    buf_done(&key);
    return st == NOT_FOUND ? OK : st;
}
