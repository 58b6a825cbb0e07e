/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/event_index.h"
#include "server/lsns.h"

#include <stdlib.h>
#include <string.h>

static struct indexed *find(const struct indexed *index, struct slice key)
{
    struct indexed *entry;

    HASH_FIND(hh, index, key.data, key.n, entry);
    return entry;
}

/* The session's entry, made where there is none. NULL without memory. */
static struct indexed *need(struct indexed **index, const struct session_key *session)
{
    struct indexed *entry = find(*index, session_key_slice(session));

    if (entry) return entry;
    entry = calloc(1, sizeof(*entry) + session->n);
    if (!entry) return NULL;
    memcpy(entry->key, session->bytes, session->n);
    entry->n_key = session->n;
    HASH_ADD_KEYPTR(hh, *index, entry->key, entry->n_key, entry);
    if (!entry->lost) return entry;
    free(entry);
    return NULL;
}

enum status event_index_add(struct indexed **index, const struct session_key *session, uint64_t lsn)
{
    struct indexed *entry = need(index, session);

    if (!entry) return NO_MEMORY;
    if (lsns_reserve(&entry->lsn, entry->n, &entry->cap) != OK) return NO_MEMORY;
    entry->lsn[entry->n++] = lsn;
    return OK;
}

bool event_index_has(const struct indexed *index, struct slice key)
{
    return find(index, key) != NULL;
}

void event_index_free(struct indexed *index)
{
    struct indexed *entry, *next;

    HASH_ITER(hh, index, entry, next)
    {
        HASH_DEL(index, entry);
        free(entry->lsn);
        free(entry);
    }
}
