/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/news.h"
#include "base/bytes.h"
#include "num/elementary.h"
#include "server/request.h"
#include "server/server.h"
#include "store/test_document.h"

#include <sodium.h>
#include <string.h>

enum {
    CREATED_BYTES = 8,
    BANK_HEAD = CREATED_BYTES + 8 + 4 + UPLOAD_TOKEN,
    HASH_BYTES = 16,
    NEWS_BYTES = 8 + 8 + HASH_BYTES,
};

static void hash_key(const struct server *server, uint8_t out[HASH_BYTES])
{
    crypto_generichash(out, HASH_BYTES, district_shared(server->district)->key, SHARED_KEY, NULL,
                       0);
}

static void write_known(struct server *server, const struct shared_news *known)
{
    uint8_t bytes[NEWS_BYTES];

    bytes_put_u64(bytes, known->newest);
    bytes_put_u64(bytes + 8, known->retired);
    hash_key(server, bytes + 16);
    batch_put(server->env, &server->batch, TABLE_META, slice_str("news"),
              slice_of(bytes, sizeof(bytes)), NULL);
}

static enum status refuse_store(struct fault *fault, const char *why)
{
    fault_set(fault, NULL, NULL, "%s", why);
    return CORRUPT;
}

static enum status read_known(struct server *server, struct shared_news *out, struct fault *fault)
{
    uint8_t hash[HASH_BYTES];
    struct buf bytes = {0};
    enum status st = env_get(server->env, TABLE_META, slice_str("news"), &bytes);

    *out = (struct shared_news){0};
    hash_key(server, hash);
    if (st == NOT_FOUND) {
        bool is_empty =
            registry_n_bank(server->registry) == 0 && registry_n_test(server->registry) == 0;

        st = is_empty ? OK
                      : refuse_store(fault, "data_dir has banks or tests that are not of the "
                                            "district: begin with an empty folder");
    } else if (st == OK && bytes.n != NEWS_BYTES) {
        st = refuse_store(fault, "what is noted of the district's news is damaged");
    } else if (st == OK && memcmp(bytes.data + 16, hash, HASH_BYTES) != 0) {
        st = refuse_store(fault, "data_dir belongs to another district");
    } else if (st == OK) {
        out->newest = bytes_get_u64(bytes.data);
        out->retired = bytes_get_u64(bytes.data + 8);
    } else {
        fault_set(fault, NULL, NULL, "what is noted of the district's news cannot be read");
    }
    buf_done(&bytes);
    return st;
}

static enum status commit(struct server *server, struct fault *fault)
{
    enum status st = env_commit(server->env, &server->batch, fault);

    while (st == MAP_FULL) {
        st = env_grow(server->env);
        if (st == OK) st = env_commit(server->env, &server->batch, fault);
    }
    return st;
}

/* Take in the document behind what is known. */
static enum status take_next(struct server *server, bool *out_more, struct fault *fault)
{
    struct shared *shared = district_shared(server->district);
    struct shared_news known = district_known(server->district), seen;
    struct shared_document document;
    struct bank *made = NULL;
    enum status st = shared_next(shared, known.newest, &document, &seen);

    *out_more = false;
    if (st) {
        *fault = shared->fault;
        return st;
    }
    if (seen.newest < known.newest) {
        return refuse_store(fault, "the shared store is older than what this node has had of it");
    }
    if (document.number == 0) return OK;
    st = news_compile(&document, &made);
    if (!news_take(server, &document, made, st)) {
        return refuse_store(fault, "news of the district cannot be taken in: the log says which");
    }
    shared_news_add(&known, &document);
    district_set_known(server->district, &known);
    *out_more = true;
    return commit(server, fault);
}

enum status news_open(struct server *server, struct fault *fault)
{
    struct shared_news known;
    enum status st = read_known(server, &known, fault);
    bool more = st == OK;

    if (more) district_set_known(server->district, &known);
    while (st == OK && more) st = take_next(server, &more, fault);
    pg_disconnect(&district_shared(server->district)->pg);
    return st;
}

enum status news_check(struct server *server, const struct peer *peer, enum status st)
{
    if (!server->district || district_has_news_of(server->district, peer->arrived_us)) return st;
    return sessions_wait(server->sessions, district_await_news(server->district, peer->tenant));
}

bool news_waits(struct server *server, struct slice tenant)
{
    struct group *group;

    if (!server->district) return false;
    group = district_find(server->district, tenant, slice_of(NULL, 0));
    if (!group || group == district_serving(server->district)) return false;
    return sessions_wait(server->sessions, group) == RETRY;
}

static enum status share(struct server *server, const struct shared_document *document)
{
    return sessions_wait(server->sessions, district_publish(server->district, document));
}

enum status news_share_test(struct server *server, const struct test_header *header)
{
    uint8_t head[CREATED_BYTES];
    struct shared_document document = {.kind = slice_str(SHARED_TEST),
                                       .tenant = header->name.tenant,
                                       .name = header->name.name,
                                       .version = header->version,
                                       .head = slice_of(head, sizeof(head)),
                                       .body = header->document};

    bytes_put_u64(head, (uint64_t)header->created_ms);
    return share(server, &document);
}

enum status news_share_bank(struct server *server, struct upload *upload, int64_t created_ms,
                            struct slice items)
{
    struct library_name name = {slice_str(upload->tenant), slice_str(upload->bank)};
    uint8_t head[BANK_HEAD];
    struct shared_document document = {.kind = slice_str(SHARED_BANK),
                                       .tenant = name.tenant,
                                       .name = name.name,
                                       .version =
                                           registry_next_bank_version(server->registry, name),
                                       .head = slice_of(head, sizeof(head)),
                                       .body = items};

    if (sodium_is_zero(upload->token, UPLOAD_TOKEN)) randombytes_buf(upload->token, UPLOAD_TOKEN);
    bytes_put_u64(head, (uint64_t)created_ms);
    bytes_put_u64(head + 8, num_bits(upload->D));
    bytes_put_u32(head + 16, upload->n_item);
    memcpy(head + 20, upload->token, UPLOAD_TOKEN);
    return share(server, &document);
}

enum status news_share_item(struct server *server, const struct library_name *bank,
                            struct slice item)
{
    struct bank_entry *entry = registry_bank(server->registry, *bank);
    struct shared_document document = {.kind = slice_str(SHARED_ITEM),
                                       .tenant = bank->tenant,
                                       .name = bank->name,
                                       .version = bank_entry_n_retired(entry) + 1,
                                       .body = item};

    return share(server, &document);
}

static bool read_bank_head(const struct shared_document *document, struct bank_header *out)
{
    const uint8_t *head = document->head.data;

    if (document->head.n != BANK_HEAD) return false;
    *out = (struct bank_header){.name = {document->tenant, document->name},
                                .version = document->version,
                                .n_item = bytes_get_u32(head + 16),
                                .created_ms = (int64_t)bytes_get_u64(head)};
    out->D = num_of_bits(bytes_get_u64(head + 8));
    return out->n_item <= LIMIT_ITEMS;
}

enum status news_compile(const struct shared_document *document, struct bank **out)
{
    struct bank_header header;
    struct faults faults = {0};
    enum status st;

    *out = NULL;
    if (!slice_equal_str(document->kind, SHARED_BANK)) return OK;
    if (!read_bank_head(document, &header)) return CORRUPT;
    st = library_compile(document->body, &header, out, &faults);
    faults_done(&faults);
    return st;
}

/* The items of a bank that was not uploaded here. */
static uint64_t put_items(struct server *server, struct slice items)
{
    uint64_t id = uploads_take_id(server->uploads, &server->batch);
    struct slice item;

    for (uint32_t i = 0; library_take_item(&items, &item); i++) {
        library_put_item(server->env, &server->batch, id, i, item);
    }
    return id;
}

/* `made` is taken over on OK. */
static enum status take_bank(struct server *server, const struct shared_document *document,
                             struct bank *made)
{
    struct bank_header header;
    struct upload *upload;
    enum status st;

    if (!read_bank_head(document, &header) || !made) return CORRUPT;
    if (header.version != registry_next_bank_version(server->registry, header.name)) return CORRUPT;
    upload = uploads_find_token(server->uploads, document->head.data + 20);
    if (upload && upload->n_item != header.n_item) upload = NULL;  // more have been added to it
    header.upload = upload ? upload->id : put_items(server, document->body);
    st = registry_add_bank(server->registry, &header, made, NULL);
    if (st) return st;
    library_put_bank(server->env, &server->batch, &header);
    if (!upload) return OK;
    upload->state = UPLOAD_PUBLISHED;
    upload->version = header.version;
    return OK;
}

static enum status take_test(struct server *server, const struct shared_document *document,
                             struct bank *made)
{
    struct test_header header = {.name = {document->tenant, document->name},
                                 .version = document->version,
                                 .document = document->body};
    struct decoder decoder;
    struct faults faults = {0};
    struct fault fault = {0};
    msgpack_object root;
    struct test test;
    enum status st;

    (void)made;
    if (document->head.n != CREATED_BYTES) return CORRUPT;
    if (header.version != registry_next_test_version(server->registry, header.name)) return CORRUPT;
    header.created_ms = (int64_t)bytes_get_u64(document->head.data);
    st = decoder_init(&decoder);
    if (st) return st;
    st = decode(&decoder, document->body, &root, &fault);
    if (st == OK && !test_document_read(&root, &test, &faults)) st = CORRUPT;
    if (st == OK) st = registry_add_test(server->registry, &header, &test, NULL);
    if (st == OK) library_put_test(server->env, &server->batch, &header);
    faults_done(&faults);
    decoder_done(&decoder);
    return st;
}

static enum status take_item(struct server *server, const struct shared_document *document,
                             struct bank *made)
{
    struct library_name name = {document->tenant, document->name};
    struct bank_entry *entry = registry_bank(server->registry, name);
    enum status st;

    (void)made;
    if (!entry || document->version != bank_entry_n_retired(entry) + 1) return CORRUPT;
    st = registry_retire(server->registry, entry, document->body);
    if (st) return st;
    library_put_retired(server->env, &server->batch, &name, document->version - 1, document->body);
    return OK;
}

static const struct {
    const char *kind;
    enum status (*take)(struct server *server, const struct shared_document *document,
                        struct bank *made);
} kinds[] = {{SHARED_BANK, take_bank}, {SHARED_TEST, take_test}, {SHARED_ITEM, take_item}};

bool news_take(void *context, const struct shared_document *document, struct bank *made,
               enum status made_status)
{
    struct server *server = context;
    struct shared_news known = district_known(server->district);
    enum status st = made_status ? made_status : CORRUPT;

    for (size_t i = 0; i < COUNT_OF(kinds) && !made_status; i++) {
        if (slice_equal_str(document->kind, kinds[i].kind)) {
            st = kinds[i].take(server, document, made);
        }
    }
    log_line(st ? LOG_ERROR : LOG_INFO, st ? "news cannot be taken in" : "news taken in",
             "number=%llu kind=%.*s name=%.*s version=%u", (unsigned long long)document->number,
             (int)document->kind.n, (const char *)document->kind.data, (int)document->name.n,
             (const char *)document->name.data, document->version);
    if (st) {
        bank_free(made);
        server->batch.bytes.failed = true;
        return false;
    }
    shared_news_add(&known, document);
    write_known(server, &known);
    return true;
}
