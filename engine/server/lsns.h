/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Room in a list of event numbers. */
#ifndef SERVER_LSNS_H
#define SERVER_LSNS_H

#include "base/status.h"

#include <stdint.h>
#include <stdlib.h>

enum { LSNS_FIRST = 4 };

/* Room for one more in `*lsn` [*cap], of which `n` are taken; a first one is [LSNS_FIRST].
 * NO_MEMORY: all is as it was. */
MUST_CHECK static inline enum status lsns_reserve(uint64_t **lsn, uint32_t n, uint32_t *cap)
{
    uint32_t more = *cap ? 2 * *cap : LSNS_FIRST;
    uint64_t *grown;

    if (n < *cap) return OK;
    grown = realloc(*lsn, more * sizeof(*grown));
    if (!grown) return NO_MEMORY;
    *lsn = grown;
    *cap = more;
    return OK;
}

#endif
