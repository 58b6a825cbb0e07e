/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/tally.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_PLACES = 64, FIRST_USED = 16 };

static const struct eligibility_rule no_rule = {
    .max_rate = 1.0, .fading = 1.0, .acceleration = 1.0};

size_t tally_text(const struct tally_name *name, char out[TALLY_NAME])
{
    const struct slice parts[] = {name->tenant, name->test, name->bank};
    size_t n = 0;

    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (parts[i].n > 0) memcpy(out + n, parts[i].data, parts[i].n);
        n += parts[i].n;
        out[n++] = '\0';
    }
    return n;
}

static void plan_free_view(struct tally_plan *plan)
{
    free(plan->place_of);
    free(plan->item_of);
    free(plan->used_item);
    free(plan);
}

void tally_free(struct tally *tally)
{
    while (tally->plans) {
        struct tally_plan *plan = tally->plans;

        LL_DELETE(tally->plans, plan);
        plan_free_view(plan);
    }
    while (tally->used) {
        struct used *used = tally->used;

        LL_DELETE(tally->used, used);
        free(used->at);
        free(used->has);
        free(used);
    }
    HASH_CLEAR(hh, tally->places);
    for (size_t i = 0; tally->counts && i < tally->counts->n_place; i++) free(tally->place[i]);
    free(tally->place);
    eligibility_counts_free(tally->counts);
    eligibility_counts_free(tally->fresh);
    eligibility_counts_free(tally->sent);
    free(tally);
}

struct tally *tally_new(const struct tally_name *name)
{
    struct tally *tally = calloc(1, sizeof(*tally));
    const char *test, *bank;

    if (!tally) return NULL;
    tally->n_text = tally_text(name, tally->text);
    test = tally->text + name->tenant.n + 1;
    bank = test + name->test.n + 1;
    tally->name = (struct tally_name){.tenant = slice_of(tally->text, name->tenant.n),
                                      .test = slice_of(test, name->test.n),
                                      .bank = slice_of(bank, name->bank.n)};
    tally->counts = eligibility_counts_new(&no_rule, FIRST_PLACES, NULL);
    tally->place = calloc(FIRST_PLACES, sizeof(*tally->place));
    if (tally->counts && tally->place) return tally;
    tally_free(tally);
    return NULL;
}

enum status tally_reserve_place(struct tally *tally)
{
    struct eligibility_counts *counts = tally->counts;
    size_t cap = 2 * counts->cap;
    struct place **place;
    struct tally_plan *plan;

    if (counts->n_place < counts->cap) return OK;
    place = realloc(tally->place, cap * sizeof(struct place *));
    if (!place) return NO_MEMORY;
    tally->place = place;
    LL_FOREACH(tally->plans, plan)
    {
        uint32_t *item_of = realloc(plan->item_of, cap * sizeof(*item_of));

        if (!item_of) return NO_MEMORY;
        plan->item_of = item_of;
    }
    if (tally->fresh) {
        struct eligibility_counts *fresh =
            eligibility_counts_new(&tally->fresh->rule, cap, tally->fresh);

        if (!fresh) return NO_MEMORY;
        eligibility_counts_free(tally->fresh);
        tally->fresh = fresh;
    }
    counts = eligibility_counts_new(&counts->rule, cap, counts);
    if (!counts) return NO_MEMORY;
    eligibility_counts_free(tally->counts);
    tally->counts = counts;
    return OK;
}

enum status tally_keep_fresh(struct tally *tally)
{
    if (tally->fresh) return OK;
    tally->fresh = eligibility_counts_new(&tally->counts->rule, tally->counts->cap, NULL);
    if (!tally->fresh) return NO_MEMORY;
    tally->fresh->n_place = tally->counts->n_place;
    return OK;
}

static enum status reserve_has(struct used *used, size_t n_place)
{
    bool *has;

    if (n_place <= used->n_has) return OK;
    has = realloc(used->has, n_place * sizeof(*has));
    if (!has) return NO_MEMORY;
    memset(has + used->n_has, 0, (n_place - used->n_has) * sizeof(*has));
    used->has = has;
    used->n_has = n_place;
    return OK;
}

enum status tally_reserve_used(struct tally *tally, struct used *used)
{
    uint32_t cap = used->cap ? 2 * used->cap : FIRST_USED;
    struct tally_plan *plan;
    uint32_t *at;

    if (reserve_has(used, tally->counts->cap)) return NO_MEMORY;
    if (used->n < used->cap) return OK;
    at = realloc(used->at, cap * sizeof(*at));
    if (!at) return NO_MEMORY;
    used->at = at;
    LL_FOREACH(tally->plans, plan)
    {
        uint32_t *item;

        if (plan->used != used) continue;
        item = realloc(plan->used_item, cap * sizeof(*item));
        if (!item) return NO_MEMORY;
        plan->used_item = item;
    }
    used->cap = cap;
    return OK;
}

static struct place *find_place(const struct tally *tally, struct slice id)
{
    struct place *place;

    HASH_FIND(hh, tally->places, id.data, id.n, place);
    return place;
}

/* Where a plan's bank has the item of a place. */
static void map_place(struct tally_plan *plan, const struct place *place)
{
    long item = bank_find(plan->plan->bank, slice_str(place->id));

    plan->item_of[place->at] = item < 0 ? ELIGIBILITY_NONE : (uint32_t)item;
    if (item >= 0) plan->place_of[item] = place->at;
}

/* A place for an item that has none. NULL without memory. Pre: reserve_place. */
static struct place *add_place(struct tally *tally, struct slice id, double k)
{
    struct place *place = calloc(1, sizeof(*place));
    struct tally_plan *plan;

    if (!place) return NULL;
    place->at = (uint32_t)tally->counts->n_place;
    if (slice_to_text(id, place->id, sizeof(place->id))) {
        HASH_ADD_KEYPTR(hh, tally->places, place->id, id.n, place);
    } else {
        place->lost = true;
    }
    if (place->lost) {
        free(place);
        return NULL;
    }
    tally->place[place->at] = place;
    place->k = k;
    eligibility_add(tally->counts, k);
    if (tally->fresh) eligibility_add(tally->fresh, 1.0);
    LL_FOREACH(tally->plans, plan)
    {
        map_place(plan, place);
    }
    return place;
}

enum status tally_place(struct tally *tally, struct slice id, double k, struct place **out)
{
    *out = find_place(tally, id);
    if (*out) return OK;
    if (tally_reserve_place(tally)) return NO_MEMORY;
    *out = add_place(tally, id, k);
    return *out ? OK : NO_MEMORY;
}

struct used *tally_used_list(struct tally *tally, uint32_t most)
{
    struct used *used;

    LL_FOREACH(tally->used, used)
    {
        if (used->most == most) return used;
    }
    used = calloc(1, sizeof(*used));
    if (!used) return NULL;
    used->most = most;
    LL_PREPEND(tally->used, used);
    return used;
}

static uint32_t used_item(const struct tally_plan *plan, uint32_t at)
{
    uint32_t item = plan->item_of[at];

    return item == ELIGIBILITY_NONE ? NO_ITEM : item;
}

static struct tally_plan *find_plan(const struct tally *tally, const struct plan *plan)
{
    struct tally_plan *found;

    LL_FOREACH(tally->plans, found)
    {
        if (found->plan == plan) return found;
    }
    return NULL;
}

static struct tally_plan *view_new(struct tally *tally, const struct plan *plan)
{
    size_t n_item = bank_n_item(plan->bank);
    uint32_t most = plan->test.exposure.max_uses;
    struct tally_plan *made = calloc(1, sizeof(*made));

    if (!made) return NULL;
    made->tally = tally;
    made->plan = plan;
    made->place_of = calloc(n_item, sizeof(*made->place_of));
    made->item_of = calloc(tally->counts->cap, sizeof(*made->item_of));
    made->used = most > 0 ? tally_used_list(tally, most) : NULL;
    if (made->used) made->used_item = calloc(made->used->cap + 1u, sizeof(*made->used_item));
    if (!made->place_of || !made->item_of || (most > 0 && !made->used_item)) {
        plan_free_view(made);
        return NULL;
    }
    for (size_t i = 0; i < n_item; i++) made->place_of[i] = ELIGIBILITY_NONE;
    for (size_t i = 0; i < tally->counts->n_place; i++) map_place(made, tally->place[i]);
    for (uint32_t j = 0; made->used && j < made->used->n; j++) {
        made->used_item[j] = used_item(made, made->used->at[j]);
    }
    LL_PREPEND(tally->plans, made);
    return made;
}

struct tally_plan *tally_view(struct tally *tally, const struct plan *plan)
{
    struct tally_plan *found = find_plan(tally, plan);

    return found ? found : view_new(tally, plan);
}

void tally_add_used(struct tally *tally, struct used *used, uint32_t at)
{
    struct tally_plan *plan;

    used->at[used->n] = at;
    used->has[at] = true;
    LL_FOREACH(tally->plans, plan)
    {
        if (plan->used == used) plan->used_item[used->n] = used_item(plan, at);
    }
    used->n++;
}

bool tally_is_used(const struct used *used, uint32_t at)
{
    return at < used->n_has && used->has[at];
}
