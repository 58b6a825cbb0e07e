/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/steady.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const int64_t wall_ms = 1700000000385, hour_ms = 3600000, year_ms = 365 * 24 * 3600000LL;

Test(steady, begins_at_the_wall_and_goes_with_it)
{
    struct steady steady = {0};

    cr_expect_eq(steady_ms(&steady, wall_ms, 4711), wall_ms);
    for (int64_t ms = 1; ms < 5000; ms += 7) {
        int64_t now = steady_ms(&steady, wall_ms + ms, 4711 + ms * 1000);

        cr_expect(now >= wall_ms + ms - 1 && now <= wall_ms + ms, "after %d ms", (int)ms);
    }
}

/* However often it is read, and wherever the wall's clock is put. */
Test(steady, a_jump_bends_it_by_a_hundredth)
{
    static const int64_t jumps_ms[] = {year_ms, -year_ms, hour_ms, -hour_ms, -wall_ms};

    for (int j = 0; j < 5; j++) {
        for (int64_t step_us = 13; step_us < 20000000; step_us *= 11) {
            struct steady steady = {0};
            int64_t now, before = steady_ms(&steady, wall_ms, 1), passed_us = 0;

            for (int i = 0; i < 1000; i++) {
                passed_us += step_us;
                now = steady_ms(&steady, wall_ms + passed_us / 1000 + jumps_ms[j], 1 + passed_us);
                cr_expect(now >= before, "it went back");
                before = now;
            }
            cr_expect_leq(llabs(before - wall_ms - passed_us / 1000), passed_us / 100000 + 1);
        }
    }
}

Test(steady, comes_back_to_the_wall)
{
    struct steady steady = {0};
    int64_t now = steady_ms(&steady, wall_ms, 1);

    for (int64_t ms = 0; ms <= 200000; ms++) {
        now = steady_ms(&steady, wall_ms + ms + 1000, 1 + ms * 1000);
    }
    cr_expect(llabs(now - (wall_ms + 200000 + 1000)) <= 1, "%lld", (long long)now);
}
