/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/common/bars.h"

#include <assert.h>
#include <stdio.h>

static void add(struct bars *bars, const char *name, struct bar bar)
{
    assert(bars->n < BARS);
    snprintf(bar.name, sizeof(bar.name), "%s", name);
    bars->bar[bars->n++] = bar;
}

void bars_at_most(struct bars *bars, const char *name, const char *unit, double value, double most)
{
    add(bars, name, (struct bar){.unit = unit, .value = value, .bound = most});
}

void bars_at_least(struct bars *bars, const char *name, const char *unit, double value,
                   double least)
{
    add(bars, name, (struct bar){.unit = unit, .value = value, .bound = least, .at_least = true});
}

static bool is_met(const struct bar *bar)
{
    return bar->at_least ? bar->value >= bar->bound : bar->value <= bar->bound;
}

bool bars_met(const struct bars *bars)
{
    for (size_t i = 0; i < bars->n; i++) {
        if (!is_met(&bars->bar[i])) return false;
    }
    return true;
}

void bars_print(const struct bars *bars, const char *advice)
{
    printf("\n%-60s %10s  %s\n", "", "", "the bar");
    for (size_t i = 0; i < bars->n; i++) {
        const struct bar *bar = &bars->bar[i];
        char bound[32];

        snprintf(bound, sizeof(bound), "%s %g %s", bar->at_least ? ">=" : "<=", bar->bound,
                 bar->unit);
        printf("%-60s %10.4g  %-14s %s\n", bar->name, bar->value, bound,
               is_met(bar) ? "met" : "missed");
    }
    if (!bars_met(bars)) printf("\nmissed: %s\n", advice);
}

json_t *bars_json(const struct bars *bars)
{
    json_t *array = json_array();

    for (size_t i = 0; i < bars->n; i++) {
        const struct bar *bar = &bars->bar[i];

        json_array_append_new(array, json_pack("{s:s, s:f, s:s, s:f, s:b}", "name", bar->name,
                                               "value", bar->value, "unit", bar->unit,
                                               bar->at_least ? "least" : "most", bar->bound, "met",
                                               is_met(bar)));
    }
    return array;
}
