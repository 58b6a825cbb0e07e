/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/tombs.h"

#include <stdlib.h>

enum { FIRST_TOMBS = 16 };

struct tomb {
    char tenant[LIMIT_ID + 1], session[LIMIT_ID + 1];
    char who[LIMIT_ID + 1], reason[LIMIT_RAW + 1];
    int64_t erased_ms;
};

/* Room for one more. */
static bool reserve(struct tombs *tombs)
{
    size_t cap = tombs->cap ? 2 * tombs->cap : FIRST_TOMBS;
    struct tomb *told;

    if (tombs->n_told < tombs->cap) return true;
    told = realloc(tombs->told, cap * sizeof(*told));
    if (!told) return false;
    tombs->told = told;
    tombs->cap = cap;
    return true;
}

/* A text that does not fit is left out. */
static void copy(struct slice text, char *out, size_t size)
{
    if (!slice_to_text(text, out, size)) out[0] = '\0';
}

enum status tombs_note(struct tombs *tombs, const struct owner *owner,
                       const struct tombstone *tombstone)
{
    struct tomb *tomb;

    tombs->n++;
    if (tombs->n_told == LIMIT_FAULTS) return OK;
    if (!reserve(tombs)) return NO_MEMORY;
    tomb = &tombs->told[tombs->n_told++];
    tomb->erased_ms = tombstone->erased_ms;
    copy(owner->tenant, tomb->tenant, sizeof(tomb->tenant));
    copy(owner->session, tomb->session, sizeof(tomb->session));
    copy(tombstone->who, tomb->who, sizeof(tomb->who));
    copy(tombstone->reason, tomb->reason, sizeof(tomb->reason));
    return OK;
}

void tombs_done(struct tombs *tombs)
{
    free(tombs->told);
    *tombs = (struct tombs){0};
}

static bool is_told(const struct tomb *tomb, const struct slice *tenant)
{
    return !tenant || slice_equal_str(*tenant, tomb->tenant);
}

void tombs_write(const struct tombs *tombs, const struct slice *tenant, struct writer *out)
{
    size_t n = 0;

    for (size_t i = 0; i < tombs->n_told; i++) n += is_told(&tombs->told[i], tenant);
    write_array(out, n);
    for (size_t i = 0; i < tombs->n_told; i++) {
        const struct tomb *tomb = &tombs->told[i];

        if (!is_told(tomb, tenant)) continue;
        write_map(out, 4u + (tomb->reason[0] != 0));
        put_text(out, "tenant", tomb->tenant);
        put_text(out, "session", tomb->session);
        put_int(out, "erased_ms", tomb->erased_ms);
        put_text(out, "who", tomb->who);
        if (tomb->reason[0]) put_text(out, "reason", tomb->reason);
    }
}
