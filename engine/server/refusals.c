/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/refusals.h"

#include <stdio.h>
#include <string.h>

enum { AGAIN_US = 60 * 1000 * 1000 };

/* The place of that name, else the one to give to it: a free one, else the oldest. */
static struct refusal *find(struct refusals *refusals, const char *name)
{
    struct refusal *oldest = &refusals->place[0];

    for (int i = 0; i < REFUSALS_MOST; i++) {
        struct refusal *place = &refusals->place[i];

        if (strncmp(place->name, name, REFUSAL_NAME - 1) == 0) return place;
        if (!place->name[0] || (oldest->name[0] && place->since_us < oldest->since_us))
            oldest = place;
        if (!place->name[0]) break;  // behind a free place there are none
    }
    oldest->name[0] = '\0';
    return oldest;
}

bool refusals_add(struct refusals *refusals, const char *name, int64_t now_us, uint64_t *out_n)
{
    struct refusal *place = find(refusals, name);
    bool known = place->name[0] != '\0';

    if (known && now_us - place->since_us < AGAIN_US) {
        place->n++;
        return false;
    }
    *out_n = known ? place->n : 0;
    snprintf(place->name, sizeof(place->name), "%s", name);
    place->since_us = now_us;
    place->n = 0;
    return true;
}
