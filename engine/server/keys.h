/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may do what: the clients' keys, as the folder of certificates said when it was last read,
 * and what each of them has used of its limits. The loop owns it. */
#ifndef SERVER_KEYS_H
#define SERVER_KEYS_H

#include "proto/certificate.h"
#include "server/config.h"
#include "server/quota.h"
#include "store/env.h"

struct keys;

/* One key. It lives as long as the daemon: one that is taken out of the folder is only no longer
 * valid, so that taking it out and in again does not give it new limits. Nor does a restart, with
 * the folder as it is or another: see keys_keep. */
struct key {
    char public_key[CERTIFICATE_KEY + 1];
    char name[LIMIT_ID + 1], tenant[LIMIT_ID + 1];
    unsigned roles;
    int64_t expires_ms;  // since 1970; INT64_MAX: never
    bool valid;          // in the folder
    struct quota quota;
};

/* What the handshake has to know of a key. A value, for the thread that does it. */
struct key_admission {
    uint8_t public_key[32];
    int64_t expires_ms;
};

MUST_CHECK enum status keys_new(struct keys **out);
void keys_free(struct keys *keys);

/* Take in the folder as it is now: every file but those whose name begins with a dot. A file that
 * is no good certificate is named in the log and left out. `limits` are those of a key that names
 * none of its own. NOT_FOUND where the folder cannot be read, FORBIDDEN where everybody may write
 * to it, NO_MEMORY; all keys then stay as they were. */
MUST_CHECK enum status keys_read(struct keys *keys, const char *folder,
                                 const struct quota_limits *limits, struct fault *fault);

/* The same a few files at a time, for a folder of thousands: begin, go on until that says that all
 * have been read, take. Nothing changes before that; keys_take ends the reading, whatever it
 * returns, as keys_abandon does. Errors of keys_begin and keys_take as of keys_read. */
MUST_CHECK enum status keys_begin(struct keys *keys, const char *folder,
                                  const struct quota_limits *limits, struct fault *fault);
bool keys_go_on(struct keys *keys, size_t n_file);
MUST_CHECK enum status keys_take(struct keys *keys, struct fault *fault);
void keys_abandon(struct keys *keys);
/* Whether a reading is under way. */
bool keys_are_being_read(const struct keys *keys);

/* What keys have used of their limits outlives the daemon: a record of each (server/quota.h) in the
 * store's `meta`, under "quota", a NUL and the public key in Z85. Look at the next `n_most` keys in
 * turn, and put those that have used something since they were put last into the batch; all that
 * have something used where the wall's clock was set meanwhile, for their times are wrong now. */
void keys_keep(struct keys *keys, const struct env *env, struct batch *batch, size_t n_most,
               int64_t now_us, int64_t wall_ms);
/* Take in what was kept, behind the first reading of the folder. A record of which all has come
 * back is removed, so what is known of a key that is gone for good does not stay; so is a damaged
 * one, which the log names. IO_ERROR, NO_MEMORY; CORRUPT: the table's pages are damaged. */
MUST_CHECK enum status keys_take_kept(struct keys *keys, struct env *env, struct batch *batch,
                                      int64_t now_us, int64_t wall_ms);

/* The key of that text in Z85, valid or not; NULL where there has been none. */
struct key *keys_find(struct keys *keys, const char *public_key);

/* Why a key may not be used now, NULL where it may. */
const char *key_refusal(const struct key *key, int64_t now_ms);

size_t keys_n_valid(const struct keys *keys);

/* Append a struct key_admission for every valid key, by ascending key. A failure sticks to
 * `out`. */
void keys_admissions(const struct keys *keys, struct buf *out);

#endif
