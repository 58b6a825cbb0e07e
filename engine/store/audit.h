/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The audit: who did or saw what is not everybody's, when, and what came of it. Nothing is ever
 * taken out of it.
 *
 *   table    key              value
 *   audit    number (u64)     | link 16 | {time_ms, tenant, who, roles, op, subject, code} |
 *   meta     "audit"          | number 8 | seal 16 | of the newest entry
 *
 * The link is the seal of the entry before it, zeros for the first. The head in meta is written
 * with every entry: entries are few beside answers. */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "proto/reader.h"
#include "store/env.h"

struct audit_head {
    uint64_t number;  // of the newest entry, 0 where there is none
    uint8_t seal[SEAL_BYTES];
};

struct audit {
    struct env *env;
    struct audit_head head;
};

MUST_CHECK enum status audit_init(struct audit *audit, struct env *env);

struct audit_entry {
    int64_t time_ms;
    struct slice tenant, who;
    unsigned roles;  // bits, of the peer
    struct slice op;
    struct slice subject;  // on whom or what, may be empty
    struct slice code;     // of the outcome
};

/* Add an entry to the batch. */
void audit_append(struct audit *audit, struct batch *batch, const struct audit_entry *entry);

/* The newest entry as meta tells of it; number 0 where it tells of none. */
MUST_CHECK enum status audit_read_head(struct env *env, struct audit_head *out);

/* Read the key and the value of an entry; *out_link [SEAL_BYTES] points into the value. CORRUPT,
 * NO_MEMORY. */
MUST_CHECK enum status audit_read(struct decoder *decoder, struct slice key, struct slice value,
                                  uint64_t *out_number, const uint8_t **out_link,
                                  struct audit_entry *out);

/* Visit the entries from a number on, as env_each does. */
MUST_CHECK enum status audit_each(struct env *env, uint64_t from, struct visitor visitor);

/* What stands for an examinee in the audit, so that it does not keep a name that is to be erased:
 * "examinee-" and a keyed hash. */
enum { AUDIT_EXAMINEE = 48 };
void audit_examinee(const struct env *env, struct slice tenant, struct slice examinee,
                    char out[AUDIT_EXAMINEE]);

#endif
