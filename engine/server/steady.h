/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The time of events: the wall's, but it never jumps and never goes back. A clock that is set while
 * tests are being taken must not end one by its time limit. */
#ifndef SERVER_STEADY_H
#define SERVER_STEADY_H

#include <stdint.h>

/* Start from {0}: the first reading is the wall's. */
struct steady {
    int64_t now_us, read_us, slewed_us;
};

/* Milliseconds since 1970, given both clocks as they are now (clock.h). Where they have come apart
 * from the wall's they run faster or slower by a hundredth until they agree with it again. */
int64_t steady_ms(struct steady *steady, int64_t wall_ms, int64_t forward_us);

#endif
