/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A ring of those who may ask, and a wheel of slots of time for those who pause (Varghese and Lauck
 * 1987, scheme 4): each costs the same, however many there are. */
#include "tests/torture/idle.h"
#include "server/clock.h"

#include <stdlib.h>

enum { WHEEL = 1024, SLOT_US = 16384 };

struct idle {
    size_t cap, first, n;
    int64_t slot;           // that was emptied last, since ever
    uint32_t wheel[WHEEL];  // who pauses until then, and one; 0: nobody
    uint32_t *ring;         // [cap]
    uint32_t *next;         // [cap] who pauses as long, and one
};

struct idle *idle_new(size_t n)
{
    struct idle *idle = calloc(1, sizeof(*idle));

    if (!idle) return NULL;
    idle->cap = n;
    idle->slot = clock_us() / SLOT_US;
    idle->ring = calloc(n, sizeof(*idle->ring));
    idle->next = calloc(n, sizeof(*idle->next));
    if (idle->ring && idle->next) return idle;
    idle_free(idle);
    return NULL;
}

void idle_free(struct idle *idle)
{
    if (!idle) return;
    free(idle->ring);
    free(idle->next);
    free(idle);
}

static void push(struct idle *idle, uint32_t who)
{
    idle->ring[(idle->first + idle->n++) % idle->cap] = who;
}

void idle_put(struct idle *idle, uint32_t who, int64_t from_us)
{
    int64_t slot = from_us / SLOT_US + 1;
    uint32_t *first;

    if (slot <= idle->slot + 1) {
        push(idle, who);
        return;
    }
    if (slot >= idle->slot + WHEEL) slot = idle->slot + WHEEL - 1;
    first = &idle->wheel[slot % WHEEL];
    idle->next[who] = *first;
    *first = who + 1;
}

/* Whoever has paused for long enough. */
static void wake(struct idle *idle, int64_t now_us)
{
    while (idle->slot < now_us / SLOT_US) {
        uint32_t *first = &idle->wheel[++idle->slot % WHEEL];

        while (*first) {
            uint32_t who = *first - 1;

            *first = idle->next[who];
            push(idle, who);
        }
    }
}

int64_t idle_take(struct idle *idle, int64_t now_us)
{
    uint32_t who;

    wake(idle, now_us);
    if (idle->n == 0) return -1;
    who = idle->ring[idle->first];
    idle->first = (idle->first + 1) % idle->cap;
    idle->n--;
    return who;
}
