/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was refused lately: a peer that tries again and again is told of in the log once a
 * minute. */
#ifndef SERVER_REFUSALS_H
#define SERVER_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

enum { REFUSALS_MOST = 256, REFUSAL_NAME = 128 };

/* Starts from {0}. */
struct refusals {
    struct refusal {
        char name[REFUSAL_NAME];  // "" is a free place
        int64_t since_us;
        uint64_t n;
    } place[REFUSALS_MOST];
};

/* One more refusal of `name`. Whether it is to be logged: the first in a minute is, and *out_n is
 * how many of that name went unlogged before it. Where all places are taken by names of the last
 * minute the oldest makes room. */
bool refusals_add(struct refusals *refusals, const char *name, int64_t now_us, uint64_t *out_n);

#endif
