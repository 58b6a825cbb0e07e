/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/district.h"
#include "base/planted.h"
#include "server/clock.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum {
    PARKED_BYTES = 64 << 20,  // of all that are parked: many small requests, some large ones
    FETCH_MOST = 256,         // sessions in one ask, so that its answer comes in time
};

/* What goes over a line next, and whose it is. */
struct ask {
    struct buf body;
    struct group **groups;  // [n], in the order of the body
    size_t n, cap;
    bool is_unsent;  // the line did not take it, and is to be asked again
    struct line_head head;
};

struct district {
    struct shared shared;  // of the start; later only for its url and key
    struct line *line[N_LINE];
    struct group *table;
    /* Lists; a group is in one of them, in an ask or being served. */
    struct group *wanted, *behind, *publishing, *ready;
    struct group *published;  // whose document is on its way
    bool poll_due;
    int64_t polled_us;  // when the last ask for news that was answered was handed over
    struct group *serving;
    struct ask gathering, out[N_LINE];
    struct shared_news known, seen;
    uint64_t gathering_retired;  // what the first event that has gathered was made with
    struct buf body;             // of an answer
    size_t n_most, n_parked, parked_bytes;
    bool is_down;  // what was asked last was not done
};

enum status district_open(const char *url, size_t n_most, struct district **out,
                          struct fault *fault)
{
    struct district *district = calloc(1, sizeof(*district));
    enum status st;

    if (!district) return NO_MEMORY;
    district->n_most = n_most;
    shared_init(&district->shared, url, NULL);
    st = shared_connect(&district->shared, fault);
    pg_disconnect(&district->shared.pg);
    if (st) {
        district_close(district);
        return st;
    }
    *out = district;
    return OK;
}

static void ask_done(struct ask *ask)
{
    buf_done(&ask->body);
    free(ask->groups);
}

/* The first parked request is over. */
static void drop_first(struct district *district, struct group *group)
{
    district->parked_bytes -= group->parked.bytes;
    inbox_drop(&group->parked);
    district->parked_bytes += group->parked.bytes;
    district->n_parked--;
    group->has_reply = group->has_paid = false;
}

static void group_free(struct district *district, struct group *group)
{
    HASH_DEL(district->table, group);
    district->n_parked -= group->parked.n;
    district->parked_bytes -= group->parked.bytes;
    inbox_done(&group->parked);
    buf_done(&group->document);
    buf_done(&group->reply);
    free(group);
}

void district_close(struct district *district)
{
    struct group *group, *next;

    if (!district) return;
    district_stop(district);
    HASH_ITER(hh, district->table, group, next)
    {
        group_free(district, group);
    }
    ask_done(&district->gathering);
    for (int k = 0; k < N_LINE; k++) ask_done(&district->out[k]);
    buf_done(&district->body);
    shared_done(&district->shared);
    free(district);
}

enum status district_start(struct district *district, void *zmq_context)
{
    for (int k = 0; k < N_LINE; k++) {
        enum status st =
            line_start(zmq_context, (enum line_kind)k, district->shared.url, &district->line[k]);

        if (st) return st;
    }
    return OK;
}

void district_stop(struct district *district)
{
    for (int k = 0; k < N_LINE; k++) {
        line_stop(district->line[k]);
        district->line[k] = NULL;
    }
}

struct line *district_line(struct district *district, enum line_kind kind)
{
    return district->line[kind];
}

struct group *district_find(const struct district *district, struct slice tenant,
                            struct slice session)
{
    struct session_key key = session_key_of(tenant, session);
    struct group *group;

    HASH_FIND(hh, district->table, key.bytes, key.n, group);
    return group;
}

struct group *district_serving(const struct district *district)
{
    return district->serving;
}

static struct group *group_new(struct district *district, struct slice tenant, struct slice session)
{
    struct group *group = calloc(1, sizeof(*group));

    if (!group) return NULL;
    group->key = session_key_of(tenant, session);
    HASH_ADD_KEYPTR(hh, district->table, group->key.bytes, group->key.n, group);
    if (!group->lost) return group;
    free(group);
    return NULL;
}

/* The session's group, which is a new one unless its requests are being served. */
static struct group *group_of(struct district *district, struct slice tenant, struct slice session)
{
    struct group *group = district_find(district, tenant, session);

    assert(!group || group == district->serving);
    return group ? group : group_new(district, tenant, session);
}

static void want(struct district *district, struct group *group, uint32_t from)
{
    group->state = GROUP_WANTED;
    group->from = from;
    DL_APPEND(district->wanted, group);
}

struct group *district_want(struct district *district, struct slice tenant, struct slice session,
                            uint32_t from)
{
    struct group *group = group_of(district, tenant, session);

    if (group) want(district, group, from);
    return group;
}

/* Room for one more group in an ask. */
static bool ask_reserve(struct ask *ask)
{
    size_t cap = ask->cap ? 2 * ask->cap : 64;
    struct group **groups;

    if (ask->n < ask->cap) return true;
    groups = realloc(ask->groups, cap * sizeof(struct group *));
    if (!groups) return false;
    ask->groups = groups;
    ask->cap = cap;
    return true;
}

struct group *district_append(struct district *district, const struct shared_event *event,
                              uint8_t out_seal[SEAL_BYTES])
{
    struct group *group = group_of(district, event->tenant, event->session);
    struct shared_event sealed = *event;

    if (!group || !ask_reserve(&district->gathering)) return NULL;
    shared_seal(district->shared.key, event, out_seal);
    sealed.seal = out_seal;
    line_put_event(&district->gathering.body, &sealed);
    if (district->gathering.body.failed) return NULL;
    if (district->gathering.n == 0) district->gathering_retired = district->known.retired;
    group->state = GROUP_GATHERED;
    group->held.request = NULL;
    district->gathering.groups[district->gathering.n++] = group;
    return group;
}

struct group *district_publish(struct district *district, const struct shared_document *document)
{
    struct group *group = group_of(district, document->tenant, slice_of(NULL, 0));

    if (!group) return NULL;
    buf_clear(&group->document);
    line_put_document(&group->document, document);
    group->state = GROUP_PUBLISHING;
    DL_APPEND(district->publishing, group);
    return group;
}

void district_set_known(struct district *district, const struct shared_news *known)
{
    district->known = district->seen = *known;
}

struct shared_news district_known(const struct district *district)
{
    return district->known;
}

bool district_is_behind(const struct district *district)
{
    return district->known.newest < district->seen.newest;
}

bool district_has_news_of(const struct district *district, int64_t time_us)
{
    return district->polled_us >= time_us && !district_is_behind(district);
}

struct group *district_await_news(struct district *district, struct slice tenant)
{
    struct group *group = district_find(district, tenant, slice_of(NULL, 0));

    if (group && group != district->serving) return group;
    group = group_of(district, tenant, slice_of(NULL, 0));
    if (!group) return NULL;
    buf_clear(&group->document);
    group->state = GROUP_PUBLISHING;
    DL_APPEND(district->publishing, group);
    return group;
}

void district_poll(struct district *district)
{
    district->poll_due = true;
}

struct shared *district_shared(struct district *district)
{
    return &district->shared;
}

bool district_park(struct district *district, struct group *group, const struct message *message)
{
    if (group == district->serving) return true;
    if (!inbox_put(&group->parked, message)) return false;
    district->n_parked++;
    district->parked_bytes += message->envelope.n + message->body.n;
    return true;
}

bool district_hold(struct district *district, struct group *group, const struct message *message,
                   struct slice reply, const struct held *held)
{
    group->held = *held;
    buf_clear(&group->reply);
    buf_append(&group->reply, reply.data, reply.n);
    if (group->reply.failed || !district_park(district, group, message)) return false;
    group->has_reply = group->has_paid = true;
    return true;
}

bool district_has_room(const struct district *district)
{
    return district->n_parked < district->n_most && district->parked_bytes < PARKED_BYTES;
}

bool district_is_idle(const struct district *district)
{
    return !district->table;
}

static void ask(struct district *district, enum line_kind kind, const struct shared_news *news)
{
    struct ask *out = &district->out[kind];

    out->head = (struct line_head){.news = *news, .sent_us = clock_us(), .n = (uint32_t)out->n};
    out->is_unsent = !line_ask(district->line[kind], &out->head, buf_slice(&out->body));
}

/* Whether a line takes another ask. One that it did not take is handed over again first: there are
 * groups that wait for its answer. */
static bool is_free(struct district *district, enum line_kind kind)
{
    struct ask *out = &district->out[kind];

    if (out->is_unsent) {
        out->is_unsent = !line_ask(district->line[kind], &out->head, buf_slice(&out->body));
    }
    return !out->is_unsent && !line_is_busy(district->line[kind]);
}

static bool send_appends(struct district *district)
{
    struct ask free_one = district->out[LINE_APPEND];
    struct shared_news news = {.retired = district->gathering_retired};

    if (!is_free(district, LINE_APPEND) || district->gathering.n == 0) return false;
    district->out[LINE_APPEND] = district->gathering;
    free_one.n = 0;
    buf_clear(&free_one.body);
    district->gathering = free_one;
    for (size_t i = 0; i < district->out[LINE_APPEND].n; i++) {
        district->out[LINE_APPEND].groups[i]->state = GROUP_COMMITTING;
    }
    ask(district, LINE_APPEND, &news);
    return true;
}

/* Nobody waits for it any more. */
static void drop_wanted(struct district *district, struct group *group)
{
    DL_DELETE(district->wanted, group);
    group_free(district, group);
}

static bool send_wants(struct district *district)
{
    struct ask *out = &district->out[LINE_FETCH];
    struct group *group, *next;

    if (!is_free(district, LINE_FETCH) || !district->wanted) return false;
    /* What was refused because an item was withdrawn would be refused again. */
    if (district->known.retired < district->seen.retired) return false;
    out->n = 0;
    buf_clear(&out->body);
    DL_FOREACH_SAFE(district->wanted, group, next)
    {
        struct shared_want wanted = {.from = group->from};
        struct slice key = session_key_slice(&group->key);

        if (group->parked.n == 0) {
            drop_wanted(district, group);
            continue;
        }
        if (out->n == FETCH_MOST || !ask_reserve(out) ||
            !session_key_read(key, &wanted.tenant, &wanted.session))
            break;
        line_put_want(&out->body, &wanted);
        if (out->body.failed) break;
        out->groups[out->n++] = group;
        group->state = GROUP_FETCHING;
        DL_DELETE(district->wanted, group);
    }
    if (out->n > 0) ask(district, LINE_FETCH, &district->known);
    return out->n > 0;
}

static bool send_news(struct district *district)
{
    struct ask *out = &district->out[LINE_NEWS];
    struct group *group = district->publishing;

    if (!is_free(district, LINE_NEWS)) return false;
    if (!group && !district->poll_due && !district_is_behind(district)) return false;
    district->poll_due = false;
    out->n = 0;
    buf_clear(&out->body);
    if (group) {
        DL_DELETE(district->publishing, group);
        district->published = group;
        buf_append(&out->body, group->document.data, group->document.n);
        buf_done(&group->document);
        out->n = out->body.n > 0;
    }
    ask(district, LINE_NEWS, &district->known);
    return true;
}

bool district_send(struct district *district)
{
    bool appends = send_appends(district), wants = send_wants(district);
    bool news = send_news(district);

    return appends || wants || news;
}

/* Nothing is under way for it any more: those who wait may go on. */
static void make_ready(struct district *district, struct group *group)
{
    if (group->parked.n == 0) {
        group_free(district, group);
        return;
    }
    group->state = GROUP_READY;
    DL_APPEND(district->ready, group);
}

/* What is there now tells, where anybody waits for it. */
static void look_again(struct district *district, struct group *group, uint32_t from)
{
    group->has_reply = false;
    if (group->parked.n == 0)
        group_free(district, group);
    else
        want(district, group, from);
}

static void take_append(struct district *district, const struct line_head *head,
                        const struct district_hooks *hooks)
{
    struct ask *out = &district->out[LINE_APPEND];

    for (size_t i = 0; i < out->n; i++) {
        bool taken =
            head->status == OK && (district->body.data[i] || planted("refused append ignored"));
        struct group *group = out->groups[i];

        if (taken) group->checked_us = head->sent_us;
        hooks->committed(hooks->context, group, taken);
        if (taken && group->held.request) hooks->done(hooks->server, group);
        if (taken)
            make_ready(district, group);
        else
            look_again(district, group, 0);  // refused, or nobody knows what became of it
    }
    out->n = 0;
    if (head->status == OK) hooks->timed(hooks->server, clock_us() - head->sent_us);
}

static void take_fetch(struct district *district, const struct line_head *head,
                       const struct district_hooks *hooks)
{
    struct ask *out = &district->out[LINE_FETCH];
    struct slice rest = buf_slice(&district->body);

    for (size_t i = 0; i < out->n; i++) {
        struct group *group = out->groups[i];

        if (head->status) {
            look_again(district, group, group->from);
            continue;
        }
        group->checked_us = head->sent_us;
        group->found = hooks->fetched(hooks->context, group, &rest, i);
        if (group->found == RETRY) {
            group->state = GROUP_BEHIND;
            group->from = 0;
            DL_APPEND(district->behind, group);
        } else {
            make_ready(district, group);
        }
    }
    out->n = 0;
}

static void note_news(struct district *district, const struct shared_news *news)
{
    if (news->newest > district->seen.newest) district->seen.newest = news->newest;
    if (news->retired > district->seen.retired) district->seen.retired = news->retired;
}

static void take_document(struct district *district, const struct line_head *head,
                          const struct district_hooks *hooks)
{
    struct slice rest = buf_slice(&district->body);
    struct shared_document document;
    struct group *group;

    line_take_document(&rest, &document);
    if (!hooks->news(hooks->server, &document, head->made, head->made_status)) return;
    shared_news_add(&district->known, &document);
    DL_FOREACH(district->behind, group)
    {
        group->state = GROUP_WANTED;
    }
    DL_CONCAT(district->wanted, district->behind);
    district->behind = NULL;
}

static void take_news(struct district *district, const struct line_head *head,
                      const struct district_hooks *hooks)
{
    struct group *group = district->published;

    district->published = NULL;
    if (head->status == OK) district->polled_us = head->sent_us;
    if (head->status == OK && district->body.n > 0) take_document(district, head, hooks);
    if (group) make_ready(district, group);
}

static void (*const takes[N_LINE])(struct district *, const struct line_head *,
                                   const struct district_hooks *) = {
    [LINE_APPEND] = take_append,
    [LINE_FETCH] = take_fetch,
    [LINE_NEWS] = take_news,
};

bool district_is_up(const struct district *district)
{
    return !district->is_down;
}

bool district_take(struct district *district, enum line_kind kind,
                   const struct district_hooks *hooks)
{
    struct line_head head;

    if (!line_take(district->line[kind], &head, &district->body)) return false;
    if (head.is_hint) {
        district->poll_due = true;
        return true;
    }
    if (district->body.failed) {
        head.status = NO_MEMORY;
        bank_free(head.made);
    }
    if (head.status == OK) note_news(district, &head.news);
    district->is_down = head.status != OK;
    takes[kind](district, &head, hooks);
    return true;
}

struct group *district_next_ready(const struct district *district)
{
    return district->ready;
}

void district_begin(struct district *district, struct group *group)
{
    district->serving = group;
    DL_DELETE(district->ready, group);
}

void district_end(struct district *district, bool is_done)
{
    struct group *group = district->serving;

    district->serving = NULL;
    if (is_done) drop_first(district, group);
    if (group->state == GROUP_READY) make_ready(district, group);
}

/* Whether its first request has waited too long. Those that are ready are served in a moment. */
static bool is_late(const struct group *group, int64_t before_us)
{
    return group->state != GROUP_READY && group->parked.n > 0 &&
           inbox_first(&group->parked)->arrived_us < before_us;
}

void district_drop_late(struct district *district, int64_t before_us,
                        void (*refuse)(void *context, const struct message *message), void *context)
{
    struct group *group, *next;

    HASH_ITER(hh, district->table, group, next)
    {
        if (!is_late(group, before_us)) continue;
        while (is_late(group, before_us)) {
            refuse(context, inbox_first(&group->parked));
            drop_first(district, group);
        }
        /* Many may be wanted while the store is silent, and the list must not grow by them. */
        if (group->parked.n == 0 && group->state == GROUP_WANTED) drop_wanted(district, group);
    }
}
