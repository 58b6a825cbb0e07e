/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tally that the nodes of a district share. Each counts its own sessions; from time to time what
 * it has counted since is put behind what all have counted so far, as if its sessions had ended
 * then, and what came of it is what every node counts on from.
 *
 *   | 1 | rule version 4 | max_rate 8 | fading 8 | acceleration 8 | cuts 1 | cut 8 ... |
 *   | for each slot: sessions 8 | weight 8 |
 *   | for each item: length 1 | id | k 8 | for each slot: asked 8 | kept 8 |
 *
 * Big-endian; doubles by their bits. */
#ifndef SERVER_TALLY_SHARE_H
#define SERVER_TALLY_SHARE_H

#include "server/tally.h"

/* Write `counts`, which have the tally's places or its first ones. */
void tally_write(const struct tally *tally, const struct eligibility_counts *counts,
                 struct buf *out);

/* Counts that were written, as a tally of their own. CORRUPT, NO_MEMORY. No bytes: an empty one. */
MUST_CHECK enum status tally_read(struct slice bytes, struct tally **out);

/* The sessions of `fresh` behind those of `counts`, both as they were written; `out` gets the
 * whole. A newer version of the test says by which rule. CORRUPT, NO_MEMORY. */
MUST_CHECK enum status tally_join(struct slice counts, struct slice fresh, struct buf *out);

/* Count on from what all have counted, and from what this node has counted beyond. The tally is
 * unchanged on an error: CORRUPT, NO_MEMORY. */
MUST_CHECK enum status tally_rest_on(struct tally *tally, struct slice counts);

#endif
