/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sessions whose records are damaged: they are refused, and all others are served. */
#ifndef SERVER_DAMAGE_H
#define SERVER_DAMAGE_H

#include "store/journal.h"

struct damage;

/* Note a session, and say so in the log where that is news. `lsn` is the first event that is gone,
 * 0 where it is not known; `seal` [SEAL_BYTES] that of the last event that was sound, or NULL.
 * NO_MEMORY. */
MUST_CHECK enum status damage_note(struct damage **damage, struct slice tenant,
                                   struct slice session, uint64_t lsn, const uint8_t *seal);
void damage_free(struct damage *damage);  // NULL is fine

/* It has turned out to be sound. */
void damage_forget(struct damage **damage, struct slice tenant, struct slice session);

bool damage_has(const struct damage *damage, struct slice tenant, struct slice session);
/* Whether the bytes of a damaged event hold the last sound seal of a session in the list: then it
 * is that session's. */
bool damage_has_seal(const struct damage *damage, struct slice bytes);

#endif
