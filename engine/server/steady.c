/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/steady.h"
#include "base/planted.h"

enum {
    SLEW = 100
};  // a time limit is off by a hundredth at most, and an error of a second is
    // gone in two minutes

int64_t steady_ms(struct steady *steady, int64_t wall_ms, int64_t forward_us)
{
    int64_t most_us, apart_us;

    if (steady->read_us == 0 || planted("wall clock in events")) {
        *steady = (struct steady){wall_ms * 1000, forward_us, forward_us};
        return wall_ms;
    }
    steady->now_us += forward_us - steady->read_us;
    steady->read_us = forward_us;
    apart_us = wall_ms * 1000 - steady->now_us;
    most_us = (forward_us - steady->slewed_us) / SLEW;
    steady->slewed_us += most_us * SLEW;  // what is left of a hundred counts at the next reading
    if (apart_us > most_us) apart_us = most_us;
    if (apart_us < -most_us) apart_us = -most_us;
    steady->now_us += apart_us;
    return steady->now_us / 1000;
}
