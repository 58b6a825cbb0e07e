/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/district_state.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { PARKED_BYTES = 64 << 20 };  // of all that are parked: many small requests, some large ones

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

void group_free(struct district *district, struct group *group)
{
    HASH_DEL(district->table, group);
    district->n_parked -= group->parked.n;
    district->parked_bytes -= group->parked.bytes;
    inbox_done(&group->parked);
    buf_done(&group->document);
    buf_done(&group->reply);
    past_free(group->past);
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

void group_want(struct district *district, struct group *group, uint32_t from, bool confirms)
{
    group->state = GROUP_WANTED;
    group->from = from;
    group->confirms = confirms;
    DL_APPEND(district->wanted, group);
}

struct group *district_want(struct district *district, struct slice tenant, struct slice session,
                            uint32_t from, bool confirms)
{
    struct group *group = group_of(district, tenant, session);

    if (group) group_want(district, group, from, confirms);
    return group;
}

struct group *district_want_past(struct district *district, const struct shared_want *want)
{
    struct group *group = group_of(district, want->tenant, want->session);
    struct past *past = group ? past_new(want) : NULL;

    if (!past) return NULL;
    past_free(group->past);
    group->past = past;
    group_want(district, group, want->from, true);  // nothing looks at it again
    return group;
}

void district_confirm(struct district *district, struct group *group)
{
    assert(group == district->serving);
    group_want(district, group, 0, true);
}

bool ask_reserve(struct ask *ask)
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
    group->end = district->gathering.body.n;
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

void group_make_ready(struct district *district, struct group *group)
{
    if (group->parked.n == 0) {
        group_free(district, group);
        return;
    }
    group->state = GROUP_READY;
    DL_APPEND(district->ready, group);
}

void group_drop_wanted(struct district *district, struct group *group)
{
    DL_DELETE(district->wanted, group);
    group_free(district, group);
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
    if (group->state == GROUP_READY) group_make_ready(district, group);
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
        if (group->parked.n == 0 && group->state == GROUP_WANTED)
            group_drop_wanted(district, group);
    }
}
