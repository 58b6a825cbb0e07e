/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits of uses over all nodes. Whoever appends an event that asks an item has its use counted in
 * the same statement, and the event is refused where there is none left: so a limit is never
 * passed. A node learns that an item is used up from what it appends. Where two nodes append the
 * same event at the same moment, or two starts for one examinee come, of which one is refused, a
 * use may be counted that is none. */
#ifndef STORE_SHARED_USES_H
#define STORE_SHARED_USES_H

#include "store/shared.h"

/* What is to be learned from what became of events: `visit` gets items that are used up, with the
 * number i of an event by whose test, bank and limit they are. */
MUST_CHECK enum status shared_used(struct shared *shared, const struct shared_event *events,
                                   size_t n, const enum shared_fate *fate,
                                   void (*visit)(void *context, size_t i, struct slice item),
                                   void *context);

#endif
