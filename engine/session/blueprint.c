/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a blueprint rules out as the session goes on. It is worked out from the items given, anew at
 * each pick: they are few, and there is nothing to keep in step. */
#include "session/state.h"

static void mark_list(const uint32_t *list, size_t n, struct blocked blocked,
                      void (*mark)(struct blocked, size_t))
{
    for (size_t j = 0; j < n; j++) mark(blocked, list[j]);
}

void session_block_enemies(const struct session *session, struct blocked blocked,
                           void (*mark)(struct blocked, size_t))
{
    const struct enemies *enemies = session->plan->enemies;

    if (!enemies || enemies_are_none(enemies)) return;
    for (unsigned j = 0; j < session->n_answer; j++) {
        size_t n;
        const uint32_t *list = enemies_of(enemies, session->given[j], &n);

        mark_list(list, n, blocked, mark);
    }
}

void session_block_sets(const struct session *session, struct blocked blocked,
                        void (*mark)(struct blocked, size_t))
{
    const struct sets *sets = session->plan->sets;
    size_t now = session_set(session);

    for (unsigned j = 0; sets && j < session->n_answer; j++) {
        size_t n, set = sets_of(sets, session->given[j]);
        const uint32_t *list;

        if (set == now || set == sets_n(sets)) continue;
        list = sets_items(sets, set, &n);
        mark_list(list, n, blocked, mark);
    }
}

size_t session_set(const struct session *session)
{
    const struct sets *sets = session->plan->sets;
    size_t set;

    if (!sets) return SET_NONE;
    set = sets_next(sets, session->given, session->n_answer, session->plan->test.max_per_set);
    return set == sets_n(sets) ? SET_NONE : set;
}
