/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/damage.h"
#include "server/hash.h"
#include "server/log.h"

#include <stdlib.h>
#include <string.h>

struct damage {
    struct session_key key;
    uint8_t seal[SEAL_BYTES];
    bool has_seal, lost;
    UT_hash_handle hh;
};

static struct damage *find(const struct damage *damage, struct slice tenant, struct slice session)
{
    struct session_key key = session_key_of(tenant, session);
    struct damage *found;

    HASH_FIND(hh, damage, key.bytes, key.n, found);
    return found;
}

bool damage_has(const struct damage *damage, struct slice tenant, struct slice session)
{
    return damage && find(damage, tenant, session);
}

enum status damage_note(struct damage **damage, struct slice tenant, struct slice session,
                        uint64_t lsn, const uint8_t *seal)
{
    struct damage *entry;

    if (damage_has(*damage, tenant, session)) return OK;
    entry = calloc(1, sizeof(*entry));
    if (!entry) return NO_MEMORY;
    entry->key = session_key_of(tenant, session);
    entry->has_seal = seal != NULL;
    if (seal) memcpy(entry->seal, seal, SEAL_BYTES);
    HASH_ADD_KEYPTR(hh, *damage, entry->key.bytes, entry->key.n, entry);
    if (entry->lost) {
        free(entry);
        return NO_MEMORY;
    }
    log_line(LOG_ERROR, "a session is damaged on disk and is refused",
             "tenant=%.*s session=%.*s event=%llu hint=\"theta verify; put a backup back\"",
             (int)tenant.n, (const char *)tenant.data, (int)session.n, (const char *)session.data,
             (unsigned long long)lsn);
    return OK;
}

void damage_forget(struct damage **damage, struct slice tenant, struct slice session)
{
    struct damage *entry = *damage ? find(*damage, tenant, session) : NULL;

    if (!entry) return;
    log_line(LOG_WARN, "a session that was damaged is sound", "tenant=%.*s session=%.*s",
             (int)tenant.n, (const char *)tenant.data, (int)session.n, (const char *)session.data);
    HASH_DEL(*damage, entry);
    free(entry);
}

void damage_free(struct damage *damage)
{
    struct damage *entry, *next;

    HASH_ITER(hh, damage, entry, next)
    {
        HASH_DEL(damage, entry);
        free(entry);
    }
}

bool damage_has_seal(const struct damage *damage, struct slice bytes)
{
    for (const struct damage *entry = damage; entry; entry = entry->hh.next) {
        if (entry->has_seal && memmem(bytes.data, bytes.n, entry->seal, SEAL_BYTES)) return true;
    }
    return false;
}
