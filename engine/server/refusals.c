/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/refusals.h"

#include <stdio.h>
#include <string.h>

enum { AGAIN_US = 60 * 1000 * 1000 };

static bool is_of(const struct refusal *place, const char *name)
{
    return strncmp(place->name, name, REFUSAL_NAME - 1) == 0;
}

/* The place of that name, else the one to give to it: a free one, else the oldest. */
static struct refusal *find(struct refusals *refusals, const char *name)
{
    struct refusal *oldest = &refusals->place[0];

    for (int i = 0; i < REFUSALS_MOST; i++) {
        struct refusal *place = &refusals->place[i];

        if (is_of(place, name)) return place;
        if (!place->name[0] || (oldest->name[0] && place->since_us < oldest->since_us))
            oldest = place;
        if (!place->name[0]) break;  // behind a free place there are none
    }
    return oldest;
}

/* Whether there is a line left in this minute. */
static bool take_line(struct refusals *refusals, int64_t now_us)
{
    if (refusals->n_line == 0 || now_us - refusals->minute_us >= AGAIN_US) {
        refusals->minute_us = now_us;
        refusals->n_line = 0;
    }
    if (refusals->n_line == REFUSALS_LINES) return false;
    refusals->n_line++;
    return true;
}

bool refusals_add(struct refusals *refusals, const char *name, int64_t now_us, uint64_t *out_n)
{
    struct refusal *place = find(refusals, name);
    bool known = is_of(place, name);

    if (known && now_us - place->since_us < AGAIN_US) {
        place->n++;
        return false;
    }
    if (!take_line(refusals, now_us)) {
        refusals->n_untold++;
        return false;
    }
    *out_n = refusals->n_untold + (known ? place->n : 0);
    refusals->n_untold = 0;
    snprintf(place->name, sizeof(place->name), "%s", name);
    place->since_us = now_us;
    place->n = 0;
    return true;
}
