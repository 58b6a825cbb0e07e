/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/uploads.h"
#include "base/bytes.h"
#include "server/registry.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* A number that is told is below 2^53: the upload's own has the lower bits. */
enum { MARK_SHIFT = 32, MARKS = (1 << 21) - 2 };

#define UPLOAD_STAY_US ((int64_t)10 * 60 * 1000 * 1000)

static enum status count_item(void *context, uint32_t number, struct slice item)
{
    uint32_t *n = context;

    (void)item;
    *n = number + 1;
    return OK;
}

/* Uploads are numbered from 1; one that no bank stands on was cut off before its end. */
static enum status remove_orphans(struct env *env, const struct registry *registry, uint64_t last,
                                  struct batch *batch)
{
    for (uint64_t upload = 1; upload <= last; upload++) {
        uint32_t n = 0;
        enum status st;

        if (registry_has_upload(registry, upload)) continue;
        st = library_each_item(env, upload, 0, count_item, &n);
        if (st) return st;
        library_remove_items(batch, upload, n);
    }
    return OK;
}

/* The number that the next upload gets, in the store: one that was told is never given again. */
static void put_next_id(const struct env *env, struct batch *batch, uint64_t next_id)
{
    uint8_t bytes[8];

    bytes_put_u64(bytes, next_id);
    batch_put(env, batch, TABLE_META, slice_str("uploads"), slice_of(bytes, sizeof(bytes)), NULL);
}

static enum status get_next_id(struct env *env, uint64_t *out)
{
    struct buf bytes = {0};
    enum status st = env_get(env, TABLE_META, slice_str("uploads"), &bytes);

    *out = 1;
    if (st == OK && bytes.n == 8)
        *out = bytes_get_u64(bytes.data);
    else if (st == OK)
        st = CORRUPT;
    buf_done(&bytes);
    return st == NOT_FOUND ? OK : st;
}

enum status uploads_open(struct env *env, const struct registry *registry, struct batch *batch,
                         struct uploads **out)
{
    struct uploads *uploads = calloc(1, sizeof(*uploads));
    uint64_t last;
    enum status st;

    if (!uploads) return NO_MEMORY;
    st = library_last_upload(env, &last);
    if (st == OK) st = get_next_id(env, &uploads->next_id);
    if (st == OK) st = remove_orphans(env, registry, last, batch);
    if (st) {
        free(uploads);
        return st;
    }
    if (uploads->next_id <= last) uploads->next_id = last + 1;
    uploads->env = env;
    *out = uploads;
    return OK;
}

void uploads_free(struct uploads *uploads)
{
    free(uploads);
}

static bool is_over(const struct upload *upload)
{
    return upload->state == UPLOAD_PUBLISHED || upload->state == UPLOAD_REFUSED;
}

static bool is_older(const struct upload *upload, const struct upload *oldest)
{
    return is_over(upload) && (!oldest || upload->used_us < oldest->used_us);
}

/* A free place, or that of the upload that came to its end longest ago: of the tenant's own where
 * it has its share, so that none takes the places of the others. */
static struct upload *find_place(struct uploads *uploads, struct slice tenant, struct batch *batch)
{
    struct upload *free = NULL, *oldest = NULL, *own = NULL;
    size_t n_own = 0;

    for (size_t i = 0; i < LIMIT_UPLOADS; i++) {
        struct upload *upload = &uploads->place[i];
        bool is_own = upload->id != 0 && slice_equal_str(tenant, upload->tenant);

        n_own += is_own;
        if (upload->id == 0 && !free) free = upload;
        if (upload->id != 0 && is_older(upload, oldest)) oldest = upload;
        if (is_own && is_older(upload, own)) own = upload;
    }
    if (n_own >= LIMIT_TENANT_UPLOADS)
        oldest = own;
    else if (free)
        return free;
    if (oldest) uploads_drop(oldest, batch);
    return oldest;
}

struct upload *uploads_begin(struct uploads *uploads, struct library_name name, double D,
                             struct batch *batch, int64_t now_us)
{
    struct upload *upload = find_place(uploads, name.tenant, batch);

    if (!upload) return NULL;
    *upload = (struct upload){.id = uploads->next_id, .D = D, .used_us = now_us};
    if (!slice_to_text(name.tenant, upload->tenant, sizeof(upload->tenant)) ||
        !slice_to_text(name.name, upload->bank, sizeof(upload->bank))) {
        upload->id = 0;
        return NULL;
    }
    uploads->next_id++;
    put_next_id(uploads->env, batch, uploads->next_id);
    return upload;
}

void uploads_set_mark(struct uploads *uploads)
{
    uploads->mark = 1 + randombytes_uniform(MARKS);
}

int64_t uploads_number(const struct uploads *uploads, uint64_t id)
{
    return (int64_t)((uint64_t)uploads->mark << MARK_SHIFT | id);
}

struct upload *uploads_find(struct uploads *uploads, struct slice tenant, int64_t number)
{
    for (size_t i = 0; i < LIMIT_UPLOADS; i++) {
        struct upload *upload = &uploads->place[i];

        if (upload->id > 0 && uploads_number(uploads, upload->id) == number &&
            slice_equal_str(tenant, upload->tenant)) {
            return upload;
        }
    }
    return NULL;
}

struct upload *uploads_find_token(struct uploads *uploads, const uint8_t token[UPLOAD_TOKEN])
{
    for (size_t i = 0; i < LIMIT_UPLOADS; i++) {
        struct upload *upload = &uploads->place[i];

        if (upload->id != 0 && memcmp(upload->token, token, UPLOAD_TOKEN) == 0) return upload;
    }
    return NULL;
}

uint64_t uploads_take_id(struct uploads *uploads, struct batch *batch)
{
    uint64_t id = uploads->next_id++;

    put_next_id(uploads->env, batch, uploads->next_id);
    return id;
}

void uploads_drop(struct upload *upload, struct batch *batch)
{
    if (upload->state != UPLOAD_PUBLISHED) library_remove_items(batch, upload->id, upload->n_item);
    *upload = (struct upload){0};
}

void uploads_tidy(struct uploads *uploads, struct batch *batch, int64_t now_us)
{
    for (size_t i = 0; i < LIMIT_UPLOADS; i++) {
        struct upload *upload = &uploads->place[i];
        bool is_idle = upload->id != 0 && now_us - upload->used_us > UPLOAD_STAY_US;

        if (is_idle && upload->state != UPLOAD_COMPILING) uploads_drop(upload, batch);
    }
}

size_t uploads_n(const struct uploads *uploads)
{
    size_t n = 0;

    for (size_t i = 0; i < LIMIT_UPLOADS; i++) {
        const struct upload *upload = &uploads->place[i];

        n += upload->id != 0 && !is_over(upload);
    }
    return n;
}
