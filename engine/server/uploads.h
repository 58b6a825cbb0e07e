/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Banks on their way in: what was begun and is not yet published. */
#ifndef SERVER_UPLOADS_H
#define SERVER_UPLOADS_H

#include "base/limits.h"
#include "store/library.h"

enum upload_state { UPLOAD_OPEN, UPLOAD_COMPILING, UPLOAD_REFUSED, UPLOAD_PUBLISHED };

enum { UPLOAD_TOKEN = 16 };                          // random bytes
enum { UPLOAD_REQUEST_ID = LIMIT_REQUEST_ID + 16 };  // bytes of an encoded id, with room to spare

struct registry;

struct upload {
    uint64_t id;  // 0: the place is free
    enum upload_state state;
    char tenant[LIMIT_ID + 1], bank[LIMIT_ID + 1];
    double D;
    uint32_t n_item;
    uint32_t version;  // once published
    int64_t used_us;
    uint8_t token[UPLOAD_TOKEN];  // zeros until it is first published to a district: to know it by
    /* The last bank.add, to know it by when it comes again: hashes of its id, and of id and
     * items. */
    bool has_last;
    uint64_t last_id, last_add;
};

struct uploads {
    struct upload place[LIMIT_UPLOADS];
    uint64_t next_id;
    uint32_t mark;  // of this start of a district's node; 0: there is none
    const struct env *env;
};

/* Numbers go on behind those in the store. Items of uploads that never became a bank are removed by
 * the batch. */
MUST_CHECK enum status uploads_open(struct env *env, const struct registry *registry,
                                    struct batch *batch, struct uploads **out);
void uploads_free(struct uploads *uploads);

/* A new upload. Where the tenant has as many as it may, that of one of its own that has come to its
 * end goes to it, and where all places are taken that of anybody's; NULL where none has. */
struct upload *uploads_begin(struct uploads *uploads, struct library_name name, double D,
                             struct batch *batch, int64_t now_us);
/* From now on the numbers that are told have a random one in front: to another node of the
 * district, or after a restart, they say nothing. */
void uploads_set_mark(struct uploads *uploads);
/* The number of an upload as it is told. */
int64_t uploads_number(const struct uploads *uploads, uint64_t id);
/* NULL where the tenant has none of that number. */
struct upload *uploads_find(struct uploads *uploads, struct slice tenant, int64_t number);

/* The one that has that token, NULL where none has. */
struct upload *uploads_find_token(struct uploads *uploads, const uint8_t token[UPLOAD_TOKEN]);
/* The id of an upload that came whole. */
uint64_t uploads_take_id(struct uploads *uploads, struct batch *batch);

/* Forget it; unless it was published, its items are removed by the batch. */
void uploads_drop(struct upload *upload, struct batch *batch);

/* Drop what was left alone for ten minutes. */
void uploads_tidy(struct uploads *uploads, struct batch *batch, int64_t now_us);
/* How many are under way. */
size_t uploads_n(const struct uploads *uploads);

#endif
