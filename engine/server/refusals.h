/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was refused lately: a peer that tries again and again is told of in the log once a
 * minute; one that comes under a new name each time, such as a new key, fills no log either. */
#ifndef SERVER_REFUSALS_H
#define SERVER_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

enum { REFUSALS_MOST = 256, REFUSAL_NAME = 128, REFUSALS_LINES = 60 };

/* Starts from {0}. */
struct refusals {
    struct refusal {
        char name[REFUSAL_NAME];  // "" is a free place
        int64_t since_us;
        uint64_t n;
    } place[REFUSALS_MOST];
    int64_t minute_us;  // when the first of the last n_line lines was told
    int n_line;
    uint64_t n_untold;  // of names for which there was no line left
};

/* One more refusal of `name`. Whether it is to be logged: the first in a minute is, of the first
 * REFUSALS_LINES names. *out_n is how many went unlogged before it: those of that name, and those
 * of names beyond these. Where all places are taken the oldest makes room. */
bool refusals_add(struct refusals *refusals, const char *name, int64_t now_us, uint64_t *out_n);

#endif
