/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tally on disk tells of all events before its log sequence number. Counting an event costs no
 * write: the event itself is in the journal, and after a restart those from that number on are
 * counted again as they are replayed. Once so many have come the tally is written anew, and until
 * then the journal is not trimmed past the first of them.
 *
 * Only the list of what is used up is written at once, in the batch of the event that used it up:
 * an event records how long the list was, and a replay takes as much of it. */
#include "server/tally_share.h"

#include <stdlib.h>
#include <string.h>

/* A tally that is behind by so many events is written: a restart counts that many again. */
enum { BEHIND_EVENTS = 5000 };

enum { HANDED_MOST = 32 };  // tallies that are handed over at once

struct tallies {
    struct env *env;
    struct tally *table;
    struct tally *loading;  // that the items being visited belong to
    bool ready, shares;
    unsigned round;
};

/* The tally of that name, made where there is none. NULL without memory. */
static struct tally *find_or_make(struct tallies *tallies, const struct tally_name *name)
{
    char text[TALLY_NAME];
    size_t n = tally_text(name, text);
    struct tally *tally;

    HASH_FIND(hh, tallies->table, text, n, tally);
    if (tally) return tally;
    tally = tally_new(name);
    if (!tally) return NULL;
    HASH_ADD_KEYPTR(hh, tallies->table, tally->text, tally->n_text, tally);
    if (!tally->lost) return tally;
    tally_free(tally);
    return NULL;
}

enum status tally_reserve(struct tally_plan *plan)
{
    struct used *used;
    enum status st = tally_reserve_place(plan->tally);

    LL_FOREACH(plan->tally->used, used)
    {
        if (st == OK) st = tally_reserve_used(plan->tally, used);
    }
    return st;
}

/* Items of which the bank says how often they are to be admitted begin with that. */
static enum status begin_with_k(struct tally_plan *plan)
{
    const struct bank *bank = plan->plan->bank;
    enum status st = OK;

    if (!plan->plan->test.exposure.rule->by_counts) return OK;
    for (size_t i = 0; i < bank_n_item(bank) && st == OK; i++) {
        struct place *place;

        if (bank_exposure(bank, i) >= 1.0 || plan->place_of[i] != ELIGIBILITY_NONE) continue;
        st = tally_place(plan->tally, slice_str(bank_id(bank, i)), bank_exposure(bank, i), &place);
    }
    return st;
}

/* Count by the plan's rule from now on. */
static enum status set_rule(struct tally_plan *plan)
{
    const struct eligibility_rule *rule = &plan->plan->test.exposure.eligibility;
    struct tally *tally = plan->tally;
    struct eligibility_counts *counts;

    if (!plan->plan->test.exposure.rule->by_counts) return OK;
    if (!eligibility_same_cuts(&tally->counts->rule, rule)) {
        counts = eligibility_counts_new(rule, tally->counts->cap, tally->counts);
        if (!counts) return NO_MEMORY;
        eligibility_counts_free(tally->counts);
        tally->counts = counts;
        eligibility_counts_free(tally->fresh);  // by intervals that are no more
        tally->fresh = NULL;
    }
    tally->counts->rule = *rule;
    tally->rule_version = plan->version;
    if (tally->fresh) tally->fresh->rule = *rule;
    return begin_with_k(plan);
}

static void write_used(const struct tallies *tallies, const struct tally *tally,
                       const struct used *used, struct batch *batch)
{
    const struct place *place = tally->place[used->at[used->n - 1]];

    used_put(tallies->env, batch, &tally->name, used->most, used->n - 1, slice_str(place->id));
}

/* A limit that a new version of the test has brought may have been passed already. */
static enum status settle(const struct tallies *tallies, struct tally_plan *plan,
                          struct batch *batch)
{
    struct tally *tally = plan->tally;
    struct used *used = plan->used;

    if (!used || used->settled || tallies->shares) return OK;
    for (uint32_t at = 0; at < tally->counts->n_place; at++) {
        if (tally->place[at]->uses < used->most || tally_is_used(used, at)) continue;
        if (tally_reserve_used(tally, used)) return NO_MEMORY;
        tally_add_used(tally, used, at);
        write_used(tallies, tally, used, batch);
    }
    used->settled = true;
    return OK;
}

/* A session may end where none of its test has begun: it is counted by its rule there too. */
static enum status begin_sharing(struct tally_plan *plan)
{
    enum status st = OK;

    if (!plan->plan->test.exposure.rule->by_counts) return OK;
    if (plan->version > plan->tally->rule_version) st = set_rule(plan);
    return st ? st : tally_keep_fresh(plan->tally);
}

enum status tallies_plan(struct tallies *tallies, const struct tally_name *name,
                         const struct plan *plan, uint32_t version, struct tally_plan **out)
{
    struct tally *tally;
    struct tally_plan *view;

    *out = NULL;
    if (!exposure_counts_uses(&plan->test.exposure)) return OK;
    tally = find_or_make(tallies, name);
    if (!tally) return NO_MEMORY;
    view = tally_view(tally, plan);
    if (!view) return NO_MEMORY;
    view->version = version;
    view->is_shared = tallies->shares;
    *out = view;
    return tallies->shares ? begin_sharing(view) : OK;
}

enum status tally_begin(struct tallies *tallies, struct tally_plan *plan, struct batch *batch)
{
    enum status st = set_rule(plan);

    if (st == OK && tallies->shares) st = begin_sharing(plan);
    return st ? st : settle(tallies, plan, batch);
}

void tally_used(const struct tally_plan *plan, struct event *event)
{
    event->used = plan->used ? plan->used_item : NULL;
    event->n_used = plan->used ? plan->used->n : 0;
}

bool tally_is_shared(const struct tally_plan *plan)
{
    return plan->is_shared;
}

void tally_learn(struct tallies *tallies, struct tally_plan *plan, struct slice item,
                 struct batch *batch)
{
    struct tally *tally = plan->tally;
    struct place *place;

    if (!plan->used || tally_place(tally, item, 1.0, &place) ||
        tally_is_used(plan->used, place->at) || tally_reserve_used(tally, plan->used)) {
        return;
    }
    tally_add_used(tally, plan->used, place->at);
    write_used(tallies, tally, plan->used, batch);
}

size_t tally_n_place(const struct tally_plan *plan)
{
    return plan->plan->test.exposure.rule->by_counts ? plan->tally->counts->n_place : 0;
}

size_t tally_draw(const struct tally_plan *plan, uint64_t seed, struct kept_out *out)
{
    if (!plan->plan->test.exposure.rule->by_counts) return 0;
    return eligibility_draw(plan->tally->counts, seed, plan->item_of, out);
}

/* Sessions of an older version of the test whose intervals are others are left out of the rates. */
static void count_session(const struct tally_plan *plan, const struct tally_event *event)
{
    const struct exposure_spec *exposure = &plan->plan->test.exposure;
    struct eligibility_counts *counts = plan->tally->counts;
    const struct eligibility_session session = {.pick = event->pick,
                                                .n_pick = event->n_pick,
                                                .kept = event->kept,
                                                .n_kept = event->n_kept,
                                                .place_of = plan->place_of};

    if (!exposure->rule->by_counts) return;
    if (!eligibility_same_cuts(&exposure->eligibility, &counts->rule)) return;
    /* What another node has asked may have no place here. */
    for (size_t j = 0; j < event->n_pick; j++) {
        uint32_t item = event->pick[j].item;
        struct place *place;

        if (plan->place_of[item] != ELIGIBILITY_NONE) continue;
        if (tally_place(plan->tally, slice_str(bank_id(plan->plan->bank, item)), 1.0, &place)) {
            return;  // without memory the session is not counted
        }
    }
    counts = plan->tally->counts;
    eligibility_count(counts, &session);
    if (plan->tally->fresh) eligibility_count(plan->tally->fresh, &session);
}

/* Count a use; the place of its item is returned. NULL without memory. */
static struct place *count_use(struct tally_plan *plan, uint32_t item)
{
    struct tally *tally = plan->tally;
    uint32_t at = plan->place_of[item];
    struct place *place = at == ELIGIBILITY_NONE ? NULL : tally->place[at];

    if (!place && tally_place(tally, slice_str(bank_id(plan->plan->bank, item)), 1.0, &place)) {
        return NULL;
    }
    place->uses++;
    return place;
}

static bool is_news(const struct tally_event *event)
{
    return event->news.item != NO_ITEM || event->news.ends;
}

static void note_first(struct tally *tally, uint64_t lsn)
{
    if (tally->first == 0) tally->first = lsn;
}

static void take_use(const struct tallies *tallies, struct tally_plan *plan, uint32_t item,
                     struct batch *batch)
{
    struct tally *tally = plan->tally;
    const struct place *place = count_use(plan, item);
    struct used *used;

    if (!place) {
        batch->bytes.failed = true;  // memory is behind the batch: it must not be written
        return;
    }
    LL_FOREACH(tally->used, used)
    {
        if (place->uses != used->most || tallies->shares) continue;
        tally_add_used(tally, used, place->at);
        write_used(tallies, tally, used, batch);
    }
}

void tally_count(struct tallies *tallies, struct tally_plan *plan, const struct tally_event *event,
                 struct batch *batch)
{
    if (!is_news(event)) return;
    note_first(plan->tally, event->lsn);
    if (event->news.item != NO_ITEM) take_use(tallies, plan, event->news.item, batch);
    if (event->news.ends) count_session(plan, event);
}

enum status tally_recount(const struct tallies *tallies, struct tally_plan *plan,
                          const struct tally_event *event)
{
    enum status st = OK;

    if (tallies->ready || !is_news(event) || event->lsn < plan->tally->lsn) return OK;
    note_first(plan->tally, event->lsn);
    if (event->n_pick == 1 && event->news.item != NO_ITEM) st = set_rule(plan);
    if (st) return st;
    if (event->news.item != NO_ITEM && !count_use(plan, event->news.item)) return NO_MEMORY;
    if (event->news.ends) count_session(plan, event);
    return OK;
}

void tallies_ready(struct tallies *tallies)
{
    tallies->ready = true;
}

static void write_tally(struct env *env, struct tally *tally, struct batch *batch,
                        uint64_t next_lsn)
{
    tally_put(env, batch, &tally->name, next_lsn, tally->counts);
    for (size_t at = 0; at < tally->counts->n_place; at++) {
        const struct place *place = tally->place[at];
        const struct tally_item item = {slice_str(place->id), place->uses, {0}};

        tally_put_item(env, batch, &tally->name, &item, tally->counts, at);
    }
    tally->lsn = next_lsn;
    tally->first = 0;
}

/* Write those that are behind by at least so many events. */
static void write_behind(struct tallies *tallies, struct batch *batch, uint64_t next_lsn,
                         uint64_t behind)
{
    for (struct tally *tally = tallies->table; tally; tally = tally->hh.next) {
        if (tally->first == 0 || next_lsn - tally->first < behind) continue;
        write_tally(tallies->env, tally, batch, next_lsn);
    }
}

void tallies_tidy(struct tallies *tallies, struct batch *batch, uint64_t next_lsn)
{
    write_behind(tallies, batch, next_lsn, BEHIND_EVENTS);
}

void tallies_write(struct tallies *tallies, struct batch *batch, uint64_t next_lsn)
{
    write_behind(tallies, batch, next_lsn, 0);
}

uint64_t tallies_first(const struct tallies *tallies)
{
    uint64_t first = UINT64_MAX;

    for (const struct tally *tally = tallies->table; tally; tally = tally->hh.next) {
        if (tally->first > 0 && tally->first < first) first = tally->first;
    }
    return first;
}

static enum status load_head(void *context, const struct tally_name *name, uint64_t lsn,
                             const struct eligibility_counts *head)
{
    struct tallies *tallies = context;
    struct tally *tally = find_or_make(tallies, name);
    struct eligibility_counts *counts;

    if (!tally) return NO_MEMORY;
    counts = eligibility_counts_new(&head->rule, tally->counts->cap, NULL);
    if (!counts) return NO_MEMORY;
    memcpy(counts->sessions, head->sessions, sizeof(counts->sessions));
    memcpy(counts->weight, head->weight, sizeof(counts->weight));
    eligibility_counts_free(tally->counts);
    tally->counts = counts;
    tally->lsn = lsn;
    tallies->loading = tally;
    return OK;
}

static enum status load_item(void *context, const struct tally_item *item)
{
    struct tally *tally = ((struct tallies *)context)->loading;
    struct place *place;
    enum status st = tally ? tally_place(tally, item->id, 1.0, &place) : CORRUPT;

    if (st) return st;
    place->uses = item->uses;
    return tally_item_values(item, tally->counts, place->at);
}

static enum status load_used(void *context, const struct tally_name *name, uint32_t most,
                             struct slice item)
{
    struct tally *tally = find_or_make(context, name);
    struct used *used = tally ? tally_used_list(tally, most) : NULL;
    struct place *place;

    if (!used || tally_place(tally, item, 1.0, &place)) return NO_MEMORY;
    if (tally_reserve_used(tally, used)) return NO_MEMORY;
    tally_add_used(tally, used, place->at);
    return OK;
}

enum status tallies_open(struct env *env, struct tallies **out)
{
    struct tallies *tallies = calloc(1, sizeof(*tallies));
    enum status st;

    if (!tallies) return NO_MEMORY;
    tallies->env = env;
    st = tally_each(env, (struct tally_visitor){load_head, load_item, tallies});
    if (st == OK) st = used_each(env, load_used, tallies);
    if (st) {
        tallies_free(tallies);
        return st;
    }
    *out = tallies;
    return OK;
}

void tallies_free(struct tallies *tallies)
{
    struct tally *tally, *next;

    if (!tallies) return;
    HASH_ITER(hh, tallies->table, tally, next)
    {
        HASH_DEL(tallies->table, tally);
        tally_free(tally);
    }
    free(tallies);
}

void tallies_share(struct tallies *tallies)
{
    tallies->shares = true;
}

/* What was counted here since goes on its way, and the next is counted apart. */
static void send_fresh(struct tally *tally, struct buf *out)
{
    struct eligibility_counts *fresh = tally->fresh;

    if (!(fresh->sessions[0] > 0.0)) return;
    tally->fresh = NULL;
    if (tally_keep_fresh(tally)) {
        tally->fresh = fresh;  // without memory it waits
        return;
    }
    tally_write(tally, fresh, out);
    tally->sent = fresh;
}

static size_t hand_over(struct tallies *tallies, struct buf *out)
{
    struct buf counts = {0};
    size_t n = 0;

    for (struct tally *tally = tallies->table; tally; tally = tally->hh.next) {
        if (!tally->fresh || tally->round == tallies->round || n == HANDED_MOST) continue;
        buf_clear(&counts);
        send_fresh(tally, &counts);
        buf_append_slice(out, tally->name.tenant);
        buf_append_slice(out, tally->name.test);
        buf_append_slice(out, tally->name.bank);
        buf_append(out, &tally->shared_version, sizeof(tally->shared_version));
        buf_append_slice(out, buf_slice(&counts));
        if (counts.failed) out->failed = true;
        tally->round = tallies->round;
        n++;
    }
    buf_done(&counts);
    return n;
}

size_t tallies_hand_over(struct tallies *tallies, struct buf *out)
{
    size_t n = hand_over(tallies, out);

    if (n > 0) return n;
    tallies->round++;
    return hand_over(tallies, out);
}

/* It is not there: it was counted before what is fresh. */
static void put_back(struct tally *tally)
{
    struct eligibility_counts *sent = tally->sent, *whole;

    if (!sent) return;
    tally->sent = NULL;
    whole = eligibility_counts_new(&tally->counts->rule, tally->counts->cap, sent);
    eligibility_counts_free(sent);
    if (!whole) return;
    whole->n_place = tally->counts->n_place;
    if (tally->fresh) eligibility_follow(whole, tally->fresh, NULL);
    eligibility_counts_free(tally->fresh);
    tally->fresh = whole;
}

/* One of what has come back. They are ours, so it is whole. */
static enum status take_one(struct tallies *tallies, struct slice *rest)
{
    struct tally_name name;
    struct slice counts;
    struct tally *tally;
    uint64_t version;
    bool is_there;
    enum status st;

    name.tenant = slice_take(rest);
    name.test = slice_take(rest);
    name.bank = slice_take(rest);
    tally = find_or_make(tallies, &name);
    is_there = rest->data[0];
    memcpy(&version, rest->data + 1, sizeof(version));
    *rest = slice_of(rest->data + 1 + sizeof(version), rest->n - 1 - sizeof(version));
    counts = slice_take(rest);
    if (!tally) return NO_MEMORY;
    if (is_there) {
        eligibility_counts_free(tally->sent);
        tally->sent = NULL;
    }
    put_back(tally);
    if (counts.n == 0 || tally_keep_fresh(tally)) return OK;
    st = tally_rest_on(tally, counts);
    /* What cannot be read is not asked for again until it is another. */
    if (st != NO_MEMORY) tally->shared_version = version;
    return st;
}

enum status tallies_take_back(struct tallies *tallies, struct slice rest)
{
    enum status first = OK;

    while (rest.n > 0) {
        enum status st = take_one(tallies, &rest);

        if (first == OK) first = st;
    }
    for (struct tally *tally = tallies->table; tally; tally = tally->hh.next) put_back(tally);
    return first;
}
