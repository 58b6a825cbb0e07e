/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bank.*: upload in parts, publish whole, read back, withdraw items. */
#include "server/audits.h"
#include "server/news.h"
#include "server/server.h"

#include <string.h>

static enum status unknown_bank(struct call *call, struct slice name)
{
    return refuse(call, UNKNOWN_BANK, "bank", "there is no bank \"%.*s\"", (int)name.n,
                  (const char *)name.data);
}

static enum status begin(struct call *call)
{
    struct slice bank;
    double D = 1.0;
    struct upload *upload;

    read_id(&call->in, "bank", REQUIRED, &bank);
    read_f64(&call->in, "D", OPTIONAL, LIMIT_D_MIN, LIMIT_D_MAX, &D);
    if (call->in.failed) return BAD_REQUEST;
    upload = uploads_begin(call->server->uploads, call_name(call, bank), D, &call->server->batch,
                           call->now_us);
    if (!upload)
        return refuse(call, BUSY, NULL, "%d uploads are open already", LIMIT_TENANT_UPLOADS);
    reply_begin(call, 1);
    put_int(&call->out, "upload", uploads_number(call->server->uploads, upload->id));
    return OK;
}

/* The upload that the request names. */
static enum status find_upload(struct call *call, struct upload **out)
{
    int64_t id;

    read_int(&call->in, "upload", REQUIRED, 1, LIMIT_INT, &id);
    if (call->in.failed) return BAD_REQUEST;
    *out = uploads_find(call->server->uploads, call->tenant, id);
    if (!*out) {
        return refuse(call, BAD_REQUEST, "upload",
                      "there is no upload %lld here: it was begun elsewhere, before the daemon "
                      "started, or was left alone; begin again",
                      (long long)id);
    }
    (*out)->used_us = call->now_us;
    return OK;
}

/* What tells one bank.add from another: the request's id and its items. */
static uint64_t add_digest(const struct call *call, const msgpack_object *items, bool with_items)
{
    struct buf bytes = {0};
    struct writer out = writer_of(&bytes);
    uint64_t digest;

    write_object(&out, map_find(&call->root, "id"));
    if (with_items) write_object(&out, items);
    digest = slice_hash(buf_slice(&bytes));
    buf_done(&bytes);
    return digest;
}

/* Whether the upload's last bank.add was this one. CONFLICT where it had the same id and other
 * items. */
static enum status check_repeated(struct call *call, struct upload *upload,
                                  const msgpack_object *items, bool *out_again)
{
    uint64_t id = add_digest(call, items, false), all = add_digest(call, items, true);
    bool same_id = upload->has_last && upload->last_id == id;

    *out_again = same_id && upload->last_add == all;
    if (same_id && !*out_again) {
        return refuse(call, CONFLICT, "id", "the last bank.add had this id and other items");
    }
    upload->has_last = true;
    upload->last_id = id;
    upload->last_add = all;
    return OK;
}

static void put_items(struct call *call, struct upload *upload, const msgpack_object *items)
{
    struct batch *batch = &call->server->batch;
    struct buf item = {0};

    for (uint32_t i = 0; i < items->via.array.size; i++) {
        struct writer out = writer_of(&item);

        buf_clear(&item);
        write_object(&out, &items->via.array.ptr[i]);
        library_put_item(call->server->env, batch, upload->id, upload->n_item + i,
                         buf_slice(&item));
        if (item.failed) batch->bytes.failed = true;
    }
    buf_done(&item);
    upload->n_item += items->via.array.size;
}

static enum status add(struct call *call)
{
    const msgpack_object *items = NULL;
    struct upload *upload;
    bool again;
    enum status st;

    read_array(&call->in, "items", REQUIRED, LIMIT_BATCH_ITEMS, &items);
    st = find_upload(call, &upload);
    if (st) return st;
    if (upload->state != UPLOAD_OPEN) {
        return refuse(call, CONFLICT, "upload", "the upload takes no more items");
    }
    if (upload->n_item + items->via.array.size > LIMIT_ITEMS) {
        return refuse(call, TOO_LARGE, "items", "a bank has at most %d items", LIMIT_ITEMS);
    }
    st = check_repeated(call, upload, items, &again);
    if (st) return st;
    if (!again) put_items(call, upload, items);
    reply_begin(call, 1);
    put_int(&call->out, "n_items", upload->n_item);
    return OK;
}

static void reply_published(struct call *call, const struct upload *upload)
{
    reply_begin(call, 3);
    put_text(&call->out, "bank", upload->bank);
    put_int(&call->out, "version", upload->version);
    put_int(&call->out, "n_items", upload->n_item);
}

static enum status publish(struct call *call)
{
    struct upload *upload;
    enum status st = find_upload(call, &upload);

    if (st) return st;
    if (upload->state == UPLOAD_REFUSED) {
        return refuse(call, INVALID_BANK, "upload", "the upload was refused; begin again");
    }
    if (upload->state == UPLOAD_COMPILING) {
        return refuse(call, RETRY, "upload", "the bank is being compiled");
    }
    if (upload->state == UPLOAD_OPEN) upload->state = UPLOAD_COMPILING;
    call->job->upload = (struct bank_header){
        .upload = upload->id, .n_item = upload->n_item, .D = upload->D, .version = upload->version};
    call->job->shares = call->server->district != NULL;
    return OK;
}

static enum status add_shared(void *context, uint32_t number, struct slice item)
{
    (void)number;
    library_append_item(context, item);
    return OK;
}

/* In a helper: compile. A published upload has nothing left to do. */
static enum status publish_work(struct call *call, struct env *env,
                                struct estimate_workspace *workspace)
{
    const struct bank_header *header = &call->job->upload;
    enum status st;

    (void)workspace;
    if (header->version > 0) return OK;
    st = library_load_bank(env, header, &call->job->made, &call->faults);
    if (st == INVALID_BANK) {
        return refuse(call, INVALID_BANK, NULL, "the bank is refused: %zu fault%s",
                      call->faults.total, call->faults.total == 1 ? "" : "s");
    }
    if (st) return refuse(call, st, NULL, "the bank could not be compiled");
    if (!call->job->shares) return OK;
    return library_each_item(env, header->upload, 0, add_shared, call->out.buf);
}

/* It is good: its items go to the district, and the request is served again when the bank has come
 * back as every other node gets it. */
static enum status share(struct call *call, struct upload *upload)
{
    upload->state = UPLOAD_OPEN;
    if (news_waits(call->server, call->tenant)) return RETRY;
    return news_share_bank(call->server, upload, call->now_ms, call->job->helped);
}

static enum status take_in(struct call *call, struct upload *upload)
{
    struct server *server = call->server;
    struct library_name name = call_name(call, slice_str(upload->bank));
    struct bank_header header = {.name = name,
                                 .version = registry_next_bank_version(server->registry, name),
                                 .upload = upload->id,
                                 .n_item = upload->n_item,
                                 .D = upload->D,
                                 .created_ms = call->now_ms};
    enum status st = registry_add_bank(server->registry, &header, call->job->made, NULL);

    if (st) return st;
    call->job->made = NULL;  // the registry owns it now
    library_put_bank(server->env, &server->batch, &header);
    upload->state = UPLOAD_PUBLISHED;
    upload->version = header.version;
    log_line(LOG_INFO, "bank published", "bank=%s version=%u items=%u", upload->bank,
             upload->version, upload->n_item);
    return OK;
}

static enum status publish_finish(struct call *call)
{
    struct uploads *uploads = call->server->uploads;
    struct upload *upload =
        uploads_find(uploads, call->tenant, uploads_number(uploads, call->job->upload.upload));
    enum status st;

    if (!upload) return refuse(call, BAD_REQUEST, "upload", "the upload is gone");
    if (call->job->status == INVALID_BANK) {
        library_remove_items(&call->server->batch, upload->id, upload->n_item);
        upload->n_item = 0;
        upload->state = UPLOAD_REFUSED;
        return INVALID_BANK;
    }
    st = call->job->status;
    if (st == OK && call->job->made && call->job->shares) return share(call, upload);
    if (st == OK && call->job->made) st = take_in(call, upload);
    if (st) {
        if (upload->state == UPLOAD_COMPILING) upload->state = UPLOAD_OPEN;  // to be tried again
        return st;
    }
    reply_published(call, upload);
    return OK;
}

static enum status abort_upload(struct call *call)
{
    int64_t id;
    struct upload *upload;

    read_int(&call->in, "upload", REQUIRED, 1, LIMIT_INT, &id);
    if (call->in.failed) return BAD_REQUEST;
    upload = uploads_find(call->server->uploads, call->tenant, id);
    if (upload && upload->state == UPLOAD_COMPILING) {
        return refuse(call, RETRY, "upload", "the bank is being compiled");
    }
    if (upload) uploads_drop(upload, &call->server->batch);
    reply_begin(call, 0);
    return OK;
}

enum status call_bank_version(struct call *call, struct bank_version **out)
{
    struct slice name;
    int64_t version = 0;
    struct bank_entry *entry;

    read_id(&call->in, "bank", REQUIRED, &name);
    read_int(&call->in, "version", OPTIONAL, 1, UINT32_MAX, &version);
    if (call->in.failed) return BAD_REQUEST;
    entry = registry_bank(call->server->registry, call_name(call, name));
    *out = entry ? bank_entry_version(entry, (uint32_t)version) : NULL;
    if (*out) return OK;
    if (!entry || version == 0) return unknown_bank(call, name);
    return refuse(call, UNKNOWN_BANK, "version", "the bank has no version %lld",
                  (long long)version);
}

/* Items on their way into a reply: as many as asked for and as a client may decode. */
struct page {
    struct buf *items;
    size_t n_most, n;
};

static enum status add_to_page(void *context, uint32_t number, struct slice item)
{
    struct page *page = context;

    (void)number;
    if (page->n == page->n_most) return NOT_FOUND;
    if (page->n > 0 && page->items->n + item.n > LIMIT_PAGE) return NOT_FOUND;
    buf_append(page->items, item.data, item.n);
    page->n++;
    return OK;
}

static void write_retired(struct writer *out, const struct bank_entry *entry)
{
    write_text(out, "retired");
    write_array(out, bank_entry_n_retired(entry));
    for (uint32_t i = 0; i < bank_entry_n_retired(entry); i++) {
        write_text(out, bank_entry_retired(entry, i));
    }
}

static void write_page(struct call *call, const struct bank_version *version,
                       const struct page *page)
{
    size_t n_dim = bank_n_dim(version->bank);

    reply_begin(call, 7u + (n_dim > 1));
    if (n_dim > 1) put_int(&call->out, "n_dims", (int64_t)n_dim);
    put_str(&call->out, "bank", bank_entry_name(version->entry).name);
    put_int(&call->out, "version", version->version);
    put_f64(&call->out, "D", version->D);
    put_int(&call->out, "n_items", version->n_item);
    put_int(&call->out, "created_ms", version->created_ms);
    write_retired(&call->out, version->entry);
    write_text(&call->out, "items");
    write_array(&call->out, page->n);
    write_raw(&call->out, buf_slice(page->items));
}

static enum status get(struct call *call)
{
    int64_t offset = 0, limit = 100;
    struct bank_version *version;
    struct buf items = {0};
    struct page page = {.items = &items};
    enum status st;

    read_int(&call->in, "offset", OPTIONAL, 0, LIMIT_ITEMS, &offset);
    read_int(&call->in, "limit", OPTIONAL, 1, LIMIT_BATCH_ITEMS, &limit);
    st = call_bank_version(call, &version);
    if (st == OK && !version->bank && call->job && !call->job->upload.upload) {
        call->job->upload = (struct bank_header){
            .upload = version->upload, .n_item = version->n_item, .D = version->D};
        call->asks = true;
        return OK;
    }
    if (st == OK) st = registry_load_bank(call->server->registry, version);
    if (st) return st;
    page.n_most = (size_t)limit;
    st =
        library_each_item(call->server->env, version->upload, (uint32_t)offset, add_to_page, &page);
    if (st == OK && items.failed) st = NO_MEMORY;
    if (st == OK) write_page(call, version, &page);
    buf_done(&items);
    return st;
}

/* In a helper: an older version is compiled when it is first asked for. */
static enum status get_work(struct call *call, struct env *env,
                            struct estimate_workspace *workspace)
{
    struct job *job = call->job;
    struct faults faults = {0};
    enum status st = library_load_bank(env, &job->upload, &job->made, &faults);

    (void)workspace;
    faults_done(&faults);
    return st ? refuse(call, st, NULL, "the bank could not be compiled") : OK;
}

static enum status get_finish(struct call *call)
{
    struct job *job = call->job;
    struct bank_version *version;
    enum status st = job->status ? job->status : call_bank_version(call, &version);

    if (st == OK && version->upload == job->upload.upload) {
        registry_keep_bank(version, job->made);
        job->made = NULL;
    }
    return st ? st : get(call);
}

static void count_bank(void *context, struct bank_entry *entry)
{
    size_t *n = context;

    (void)entry;
    ++*n;
}

static void write_bank(void *context, struct bank_entry *entry)
{
    struct call *call = context;
    const struct bank_version *version = bank_entry_version(entry, 0);
    size_t n_dim = version->bank ? bank_n_dim(version->bank) : 1;  // the newest is compiled

    write_map(&call->out, 5u + (n_dim > 1));
    if (n_dim > 1) put_int(&call->out, "n_dims", (int64_t)n_dim);
    put_str(&call->out, "bank", bank_entry_name(entry).name);
    put_int(&call->out, "version", version->version);
    put_int(&call->out, "n_items", version->n_item);
    put_f64(&call->out, "D", version->D);
    put_int(&call->out, "created_ms", version->created_ms);
}

static enum status list(struct call *call)
{
    size_t n = 0;

    registry_each_bank(call->server->registry, call->tenant, count_bank, &n);
    reply_begin(call, 1);
    write_text(&call->out, "banks");
    write_array(&call->out, n);
    registry_each_bank(call->server->registry, call->tenant, write_bank, call);
    return OK;
}

/* OK where some version of the bank has the item. */
static enum status check_item(struct call *call, struct bank_entry *entry, struct slice item)
{
    struct bank_version *version;

    for (uint32_t v = 1; (version = bank_entry_version(entry, v)); v++) {
        enum status st = registry_load_bank(call->server->registry, version);

        if (st) return st;
        if (bank_find(version->bank, item) >= 0) return OK;
    }
    return refuse(call, UNKNOWN_ITEM, "item", "the bank has no item \"%.*s\"", (int)item.n,
                  (const char *)item.data);
}

static bool is_retired(const struct bank_entry *entry, struct slice item)
{
    for (uint32_t i = 0; i < bank_entry_n_retired(entry); i++) {
        if (slice_equal_str(item, bank_entry_retired(entry, i))) return true;
    }
    return false;
}

static enum status retire(struct call *call)
{
    struct server *server = call->server;
    struct slice name, item;
    struct bank_entry *entry;
    struct library_name bank;
    enum status st;

    read_id(&call->in, "bank", REQUIRED, &name);
    read_id(&call->in, "item", REQUIRED, &item);
    if (call->in.failed) return BAD_REQUEST;
    if (news_waits(server, call->tenant)) return RETRY;
    entry = registry_bank(server->registry, call_name(call, name));
    if (!entry || !bank_entry_version(entry, 0)) return unknown_bank(call, name);
    st = check_item(call, entry, item);
    if (st) return st;
    bank = bank_entry_name(entry);
    if (server->district && !is_retired(entry, item)) return news_share_item(server, &bank, item);
    st = registry_retire(server->registry, entry, item);
    if (st == OK) {
        library_put_retired(server->env, &server->batch, &bank, bank_entry_n_retired(entry) - 1,
                            item);
        log_line(LOG_INFO, "item retired", "bank=%.*s item=%.*s", (int)name.n,
                 (const char *)name.data, (int)item.n, (const char *)item.data);
    } else if (st != EXISTS) {
        return st;
    }
    reply_begin(call, 1);
    put_int(&call->out, "n_retired", bank_entry_n_retired(entry));
    return OK;
}

#define BANK_ROW(row_op, row_max, row_run, row_audit)                                              \
    {                                                                                              \
        .op = row_op, .roles = ROLE_AUTHOR, .max_bytes = row_max, .run = row_run,                  \
        .audit = row_audit                                                                         \
    }
#define BANK_READ_ROW(row_op, row_run, row_audit)                                                  \
    {                                                                                              \
        .op = row_op, .roles = ROLE_AUTHOR, .max_bytes = LIMIT_REQUEST, .when_full = true,         \
        .run = row_run, .audit = row_audit                                                         \
    }

const struct request request_bank_begin = BANK_ROW("bank.begin", LIMIT_REQUEST, begin, NULL);
const struct request request_bank_add = BANK_ROW("bank.add", LIMIT_MESSAGE, add, NULL);
const struct request request_bank_publish = {.op = "bank.publish",
                                             .roles = ROLE_AUTHOR,
                                             .max_bytes = LIMIT_REQUEST,
                                             .run = publish,
                                             .work = publish_work,
                                             .finish = publish_finish,
                                             .audit = audit_upload};
const struct request request_bank_abort = BANK_ROW("bank.abort", LIMIT_REQUEST, abort_upload, NULL);
const struct request request_bank_get = {.op = "bank.get",
                                         .roles = ROLE_AUTHOR,
                                         .max_bytes = LIMIT_REQUEST,
                                         .when_full = true,
                                         .run = get,
                                         .work = get_work,
                                         .may_ask = true,
                                         .finish = get_finish,
                                         .audit = audit_bank};
const struct request request_bank_list = BANK_READ_ROW("bank.list", list, NULL);
const struct request request_bank_retire =
    BANK_ROW("bank.retire", LIMIT_REQUEST, retire, audit_bank);
