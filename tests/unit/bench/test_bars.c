/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/common/bars.h"

#include <criterion/criterion.h>
#include <math.h>

Test(bars, a_bar_is_met_or_missed)
{
    static const struct {
        double value, bound;
        bool at_least, met;
    } cases[] = {{1.19, 1.2, false, true}, {1.2, 1.2, false, true},  {1.21, 1.2, false, false},
                 {0.41, 0.4, true, true},  {0.39, 0.4, true, false}, {NAN, 1.2, false, false},
                 {NAN, 0.4, true, false}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bars bars = {0};

        if (cases[i].at_least)
            bars_at_least(&bars, "it", "", cases[i].value, cases[i].bound);
        else
            bars_at_most(&bars, "it", "", cases[i].value, cases[i].bound);
        cr_assert_eq(bars_met(&bars), cases[i].met, "case %zu", i);
    }
}

Test(bars, one_miss_is_a_miss)
{
    struct bars bars = {0};
    json_t *json;

    bars_at_most(&bars, "good", "us", 0.9, 1.0);
    bars_at_least(&bars, "bad", "", 0.3, 0.4);
    cr_assert_not(bars_met(&bars));
    json = bars_json(&bars);
    cr_assert_eq(json_array_size(json), 2);
    cr_assert_float_eq(json_real_value(json_object_get(json_array_get(json, 0), "most")), 1.0, 0);
    cr_assert_float_eq(json_real_value(json_object_get(json_array_get(json, 1), "least")), 0.4, 0);
    cr_assert(json_is_false(json_object_get(json_array_get(json, 1), "met")));
    json_decref(json);
}
