/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/exposure.h"
#include "proto/writer.h"
#include "server/hash.h"
#include "server/sessions.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { FIRST_PICKS = 16 };

/* An examinee with sessions in memory. */
struct examinee {
    struct live *sessions;
    bool lost;
    UT_hash_handle hh;
    char key[];  // tenant 0 id
};

struct exposure {
    struct env *env;
    struct tallies *tallies;
    struct examinee *examinees;
    struct buf seen;  // scratch
};

/* A list in the making. */
struct kept_list {
    struct kept_out *list;
    size_t n, cap;
    bool failed;
};

enum status exposure_open(struct env *env, struct exposure **out)
{
    struct exposure *exposure = calloc(1, sizeof(*exposure));
    enum status st;

    if (!exposure) return NO_MEMORY;
    exposure->env = env;
    st = tallies_open(env, &exposure->tallies);
    if (st) {
        exposure_close(exposure);
        return st;
    }
    *out = exposure;
    return OK;
}

void exposure_close(struct exposure *exposure)
{
    struct examinee *examinee, *next;

    if (!exposure) return;
    HASH_ITER(hh, exposure->examinees, examinee, next)
    {
        HASH_DEL(exposure->examinees, examinee);
        free(examinee);
    }
    tallies_free(exposure->tallies);
    buf_done(&exposure->seen);
    free(exposure);
}

static size_t make_key(const struct live *live, char *out)
{
    memcpy(out, live->tenant.data, live->tenant.n);
    out[live->tenant.n] = '\0';
    memcpy(out + live->tenant.n + 1, live->examinee.data, live->examinee.n);
    return live->tenant.n + 1 + live->examinee.n;
}

static struct examinee *find_examinee(const struct exposure *exposure, const struct live *live)
{
    char key[2 * LIMIT_ID + 1];
    size_t n = make_key(live, key);
    struct examinee *examinee;

    HASH_FIND(hh, exposure->examinees, key, n, examinee);
    return examinee;
}

static struct examinee *need_examinee(struct exposure *exposure, const struct live *live)
{
    struct examinee *examinee = find_examinee(exposure, live);
    size_t n_key;

    if (examinee) return examinee;
    examinee = calloc(1, sizeof(*examinee) + live->tenant.n + 1 + live->examinee.n);
    if (!examinee) return NULL;
    n_key = make_key(live, examinee->key);
    HASH_ADD_KEYPTR(hh, exposure->examinees, examinee->key, n_key, examinee);
    if (!examinee->lost) return examinee;
    free(examinee);
    return NULL;
}

enum status exposure_enter(struct exposure *exposure, struct live *live)
{
    struct library_name test = test_entry_name(live->test->entry);
    struct library_name bank = bank_entry_name(live->bank->entry);
    struct tally_name name = {.tenant = live->tenant, .test = test.name, .bank = bank.name};
    struct examinee *examinee;
    enum status st = tallies_plan(exposure->tallies, &name, session_plan(live->session),
                                  live->test->version, &live->exposed.tally);

    if (st) return st;
    examinee = need_examinee(exposure, live);
    if (!examinee) return NO_MEMORY;
    DL_APPEND2(examinee->sessions, live, exposed.prev, exposed.next);
    return OK;
}

void exposure_leave(struct exposure *exposure, struct live *live)
{
    struct examinee *examinee = find_examinee(exposure, live);

    if (live->exposed.prev) {
        DL_DELETE2(examinee->sessions, live, exposed.prev, exposed.next);
        if (!examinee->sessions) {
            HASH_DEL(exposure->examinees, examinee);
            free(examinee);
        }
    }
    free(live->exposed.kept);
    free(live->exposed.pick);
    used_list_done(&live->exposed.used);
    live->exposed = (struct exposed){0};
}

/* Room for n more. */
static bool reserve(struct kept_list *kept, size_t n)
{
    size_t cap = 2 * (kept->n + n);
    struct kept_out *list;

    if (kept->failed) return false;
    if (kept->n + n <= kept->cap) return true;
    list = realloc(kept->list, cap * sizeof(*list));
    kept->failed = !list;
    if (!list) return false;
    kept->list = list;
    kept->cap = cap;
    return true;
}

/* The search for what an examinee has seen. */
struct search {
    const struct bank *bank;
    int64_t since_ms;
    struct kept_list *kept;
};

static void add_seen(void *context, int64_t time_ms, struct slice id)
{
    struct search *search = context;
    long item = time_ms >= search->since_ms ? bank_find(search->bank, id) : -1;

    if (item < 0 || !reserve(search->kept, 1)) return;
    search->kept->list[search->kept->n++] = (struct kept_out){(uint32_t)item, KEPT_SEEN};
}

/* Whether the last question of a session has no answer: it was seen all the same. */
static bool is_open(const struct session *session)
{
    unsigned n = session_n_answer(session);

    return n == 0 || session_answered_item(session, n) != session_last_item(session);
}

/* Visit what a session in memory has asked so far. */
static void each_asked(const struct live *live,
                       void (*visit)(void *context, int64_t time_ms, struct slice item),
                       void *context)
{
    const struct bank *bank = session_plan(live->session)->bank;
    int64_t time_ms = session_asked_ms(live->session);
    unsigned n = session_n_answer(live->session);
    uint32_t last = session_last_item(live->session);

    for (unsigned seq = 1; seq <= n; seq++) {
        uint32_t item = session_answered_item(live->session, seq);

        visit(context, time_ms, slice_str(bank_id(bank, item)));
    }
    if (is_open(live->session)) visit(context, time_ms, slice_str(bank_id(bank, last)));
}

/* From the sessions in memory, and from those that have left it. */
static enum status find_seen(const struct exposure *exposure, const struct live *live,
                             int64_t since_ms, struct kept_list *kept)
{
    struct slice bank = bank_entry_name(live->bank->entry).name;
    struct seen_key key = {.tenant = live->tenant, .bank = bank, .examinee = live->examinee};
    struct search search = {session_plan(live->session)->bank, since_ms, kept};
    const struct live *other;

    DL_FOREACH2(find_examinee(exposure, live)->sessions, other, exposed.next)
    {
        if (other == live || other->bank->entry != live->bank->entry) continue;
        each_asked(other, add_seen, &search);
    }
    return seen_each(exposure->env, &key, add_seen, &search);
}

/* From what the shared store has told. Pre: the versions of the bank are compiled. */
static enum status find_past(const struct live *live, const struct past *past, int64_t since_ms,
                             struct kept_list *kept)
{
    struct search search = {session_plan(live->session)->bank, since_ms, kept};
    struct slice rest = buf_slice(&past->asked);
    struct past_session session;

    while (past_next(&rest, &session)) {
        const struct bank *bank = bank_entry_version(live->bank->entry, session.version)->bank;

        for (size_t j = 0; j < session.n_item; j++) {
            uint32_t item = past_item(&session, j);

            if (item >= bank_n_item(bank)) return CORRUPT;
            add_seen(&search, session.asked_ms, slice_str(bank_id(bank, item)));
        }
    }
    return OK;
}

static int by_item(const void *x, const void *y)
{
    const struct kept_out *a = x, *b = y;

    if (a->item != b->item) return a->item < b->item ? -1 : 1;
    return a->where < b->where ? -1 : a->where > b->where;
}

/* In the order of the items, each once. */
static void settle(struct kept_list *kept)
{
    size_t n = 0;

    if (kept->n > 0) qsort(kept->list, kept->n, sizeof(*kept->list), by_item);
    for (size_t j = 0; j < kept->n; j++) {
        if (n > 0 && kept->list[n - 1].item == kept->list[j].item)
            kept->list[n - 1].where |= kept->list[j].where;
        else
            kept->list[n++] = kept->list[j];
    }
    kept->n = n;
}

static enum status draw(struct exposure *exposure, struct live *live, uint64_t seed,
                        struct batch *batch, struct kept_list *kept)
{
    struct tally_plan *tally = live->exposed.tally;
    enum status st = tally_begin(exposure->tallies, tally, batch);

    if (st) return st;
    if (!reserve(kept, tally_n_place(tally))) return NO_MEMORY;
    kept->n += tally_draw(tally, seed, kept->list + kept->n);
    return OK;
}

enum status exposure_begin(struct exposure *exposure, struct live *live, struct event *event,
                           struct batch *batch, const struct past *past)
{
    int64_t repeat_ms = session_plan(live->session)->test.exposure.repeat_ms;
    int64_t since_ms = event->time_ms - repeat_ms;
    struct kept_list kept = {0};
    enum status st = OK;

    if (live->exposed.tally) st = draw(exposure, live, event->seed, batch, &kept);
    if (st == OK && repeat_ms > 0) {
        st = past ? find_past(live, past, since_ms, &kept)
                  : find_seen(exposure, live, since_ms, &kept);
    }
    if (st == OK && kept.failed) st = NO_MEMORY;
    settle(&kept);
    if (st == OK && kept.n > LIMIT_KEPT) st = EXHAUSTED;
    if (st || kept.n == 0) {
        free(kept.list);
        return st;
    }
    live->exposed.kept = kept.list;
    event->kept = kept.list;
    event->n_kept = live->exposed.n_kept = (uint32_t)kept.n;
    return OK;
}

enum status exposure_replay(struct live *live, const struct event_record *record,
                            struct event *event)
{
    const struct bank *bank = session_plan(live->session)->bank;
    enum status st;

    if (record->event.n_kept == 0) return OK;
    if (live->exposed.kept) return CORRUPT;  // a session starts once
    st = event_record_kept(record, bank_n_item(bank), &live->exposed.kept);
    if (st) return st;
    live->exposed.n_kept = event->n_kept;
    event->kept = live->exposed.kept;
    return OK;
}

/* Room for one more question. */
static enum status reserve_pick(struct exposed *exposed)
{
    size_t cap = exposed->cap_pick ? 2 * exposed->cap_pick : FIRST_PICKS;
    struct eligibility_pick *pick;

    if (exposed->n_pick < exposed->cap_pick) return OK;
    pick = realloc(exposed->pick, cap * sizeof(*pick));
    if (!pick) return NO_MEMORY;
    exposed->pick = pick;
    exposed->cap_pick = cap;
    return OK;
}

/* What the tally has beyond what the session's events have told. */
static enum status add_fresh(struct live *live)
{
    struct exposed *exposed = &live->exposed;
    struct used_list *used = &exposed->used;
    struct event known = {0};
    bool *is_told;

    exposed->n_fresh = 0;
    tally_used(exposed->tally, &known);
    if (known.n_used == exposed->n_known) return OK;
    if (used_list_reserve(used, known.n_used - exposed->n_known)) return NO_MEMORY;
    is_told = calloc(bank_n_item(session_plan(live->session)->bank), sizeof(*is_told));
    if (!is_told) return NO_MEMORY;
    for (uint32_t j = 0; j < used->n; j++) is_told[used->item[j]] = true;
    for (uint32_t j = exposed->n_known; j < known.n_used; j++) {
        uint32_t item = known.used[j];

        if (item != NO_ITEM && !is_told[item]) used->item[used->n + exposed->n_fresh++] = item;
    }
    free(is_told);
    return OK;
}

static enum status put_used(struct live *live, struct event *event)
{
    struct exposed *exposed = &live->exposed;
    enum status st;

    if (!tally_is_shared(exposed->tally)) {
        tally_used(exposed->tally, event);
        return OK;
    }
    st = add_fresh(live);
    event->used = exposed->used.item;
    event->n_used = exposed->used.n + exposed->n_fresh;
    return st;
}

enum status exposure_prepare(struct live *live, struct event *event)
{
    struct exposed *exposed = &live->exposed;
    enum status st = exposed->tally ? reserve_pick(exposed) : OK;

    if (st || !exposed->tally) return st;
    st = tally_reserve(exposed->tally);
    return st ? st : put_used(live, event);
}

void exposure_record(struct live *live, struct event_record *record)
{
    struct exposed *exposed = &live->exposed;
    struct event known = {0};

    if (!exposed->tally || !tally_is_shared(exposed->tally)) return;
    tally_used(exposed->tally, &known);
    record->n_used_new = exposed->n_fresh;
    exposed->used.n += exposed->n_fresh;
    exposed->n_fresh = 0;
    exposed->n_known = known.n_used;
}

/* What the session's own events tell, or as many as there were of those that the store has. */
static enum status put_used_again(struct live *live, const struct event_record *record,
                                  struct event *event)
{
    struct exposed *exposed = &live->exposed;
    uint32_t n_used = event->n_used;
    enum status st;

    if (event_record_tells_used(record, &exposed->used)) {
        st = event_record_used(record, bank_n_item(session_plan(live->session)->bank),
                               &exposed->used);
        event->used = exposed->used.item;
        return st;
    }
    event->n_used = 0;
    if (exposed->tally) tally_used(exposed->tally, event);
    if (n_used > event->n_used) return CORRUPT;
    event->n_used = n_used;
    return OK;
}

enum status exposure_prepare_again(struct live *live, const struct event_record *record,
                                   struct event *event)
{
    enum status st = put_used_again(live, record, event);

    if (st) return st;
    return live->exposed.tally ? reserve_pick(&live->exposed) : OK;
}

void exposure_learn(struct exposure *exposure, const struct live *live, struct slice item,
                    struct batch *batch)
{
    if (live->exposed.tally) tally_learn(exposure->tallies, live->exposed.tally, item, batch);
}

/* Note the question that the last event asked, and tell what is to be counted. */
static struct tally_event take_news(struct live *live, uint64_t lsn)
{
    struct exposed *exposed = &live->exposed;
    struct news news = session_news(live->session);

    if (news.item != NO_ITEM) {
        exposed->pick[exposed->n_pick++] = (struct eligibility_pick){news.item, news.interval};
    }
    return (struct tally_event){.news = news,
                                .pick = exposed->pick,
                                .n_pick = exposed->n_pick,
                                .kept = exposed->kept,
                                .n_kept = exposed->n_kept,
                                .lsn = lsn};
}

void exposure_count(struct exposure *exposure, struct live *live, uint64_t lsn, struct batch *batch)
{
    struct tally_event event;

    if (!live->exposed.tally) return;
    event = take_news(live, lsn);
    tally_count(exposure->tallies, live->exposed.tally, &event, batch);
}

enum status exposure_recount(struct exposure *exposure, struct live *live, uint64_t lsn)
{
    struct tally_event event;

    if (!live->exposed.tally) return OK;
    event = take_news(live, lsn);
    return tally_recount(exposure->tallies, live->exposed.tally, &event);
}

struct tallies *exposure_tallies(struct exposure *exposure)
{
    return exposure->tallies;
}

void exposure_ready(struct exposure *exposure)
{
    tallies_ready(exposure->tallies);
}

static void write_id(void *context, int64_t time_ms, struct slice item)
{
    (void)time_ms;
    write_str(context, item);
}

void exposure_archive(struct exposure *exposure, const struct live *live, struct batch *batch)
{
    struct seen_key key = {.tenant = live->tenant,
                           .bank = bank_entry_name(live->bank->entry).name,
                           .examinee = live->examinee,
                           .session = live->id};
    struct writer out;

    buf_clear(&exposure->seen);
    out = writer_of(&exposure->seen);
    write_array(&out, 1u + session_n_answer(live->session) + is_open(live->session));
    write_int(&out, session_asked_ms(live->session));
    each_asked(live, write_id, &out);
    if (exposure->seen.failed) batch->bytes.failed = true;
    seen_put(exposure->env, batch, &key, buf_slice(&exposure->seen));
}

uint64_t exposure_trim(struct exposure *exposure, struct batch *batch, uint64_t next_lsn)
{
    tallies_tidy(exposure->tallies, batch, next_lsn);
    return tallies_first(exposure->tallies);
}

void exposure_erase(struct exposure *exposure, struct batch *batch, uint64_t next_lsn)
{
    tallies_write(exposure->tallies, batch, next_lsn);
}
