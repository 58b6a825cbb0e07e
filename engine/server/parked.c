/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/parked.h"
#include "server/clock.h"
#include "server/log.h"
#include "server/news.h"
#include "server/server.h"

enum {
    PARKED_MS = 2000,  // the longest wait for the shared store, shorter than a client's
    LATE_RETRY_MS = 500,
};

bool parked_add(struct loop *loop, const struct message *message, enum call_end end,
                size_t reply_at)
{
    struct server *server = loop->server;
    struct district *district = server->district;
    struct group *group = server->waits_for;
    struct slice reply = slice_of(loop->reply.data + reply_at, loop->reply.n - reply_at);

    if (!group) return false;  // there was no memory for one
    if (end == CALL_HELD) return district_hold(district, group, message, reply, &server->held);
    return (district_has_room(district) || group == district_serving(district)) &&
           district_park(district, group, message);
}

void parked_refuse(struct loop *loop, const struct message *message, const struct peer *peer,
                   enum call_end end)
{
    struct peer told = *peer;

    if (end == CALL_HELD) told.why = "the same request again finds out what became of it";
    call_refuse(loop->server, &loop->decoder, message->body, &told, end == CALL_HELD ? RETRY : BUSY,
                &loop->reply);
}

bool parked_again(const struct loop *loop)
{
    return loop->server->waits_for == district_serving(loop->server->district);
}

static void count_done(void *server, const struct group *group)
{
    struct slice tenant, session;

    if (!session_key_read(session_key_slice(&group->key), &tenant, &session)) return;
    call_done(server, tenant, &group->held);
}

static void count_commit(void *context, int64_t took_us)
{
    struct server *server = context;

    server->stats.commits++;
    latency_add(&server->stats.commit, took_us);
}

static void take_counts(void *context, enum status status, struct slice rest)
{
    struct server *server = context;
    enum status st = tallies_take_back(exposure_tallies(server->exposure), rest);

    if (status == OK && st) {
        log_line(LOG_ERROR, "counts of exposure cannot be taken in", "status=%s", status_code(st));
    }
}

/* What was counted here since, to the other nodes, and what they have counted. */
static void share_counts(struct server *server)
{
    struct buf *out = district_counts(server->district);
    size_t n = out ? tallies_hand_over(exposure_tallies(server->exposure), out) : 0;

    if (!out) return;
    if (out->failed) take_counts(server, NO_MEMORY, slice_of(NULL, 0));
    district_share(server->district, out->failed ? 0 : n);
}

void parked_take(struct loop *loop)
{
    struct district_hooks hooks = sessions_hooks(loop->server->sessions);

    hooks.done = count_done;
    hooks.timed = count_commit;
    hooks.news = news_take;
    hooks.counts = take_counts;
    hooks.server = loop->server;
    for (int k = 0; k < N_LINE; k++) {
        if (!wait_is_awake(&loop->wait, loop->line_source[k])) continue;
        while (district_take(loop->server->district, (enum line_kind)k, &hooks)) continue;
        wait_sleep(&loop->wait, loop->line_source[k]);
    }
}

static void send_now(struct loop *loop, const struct message *message, struct slice reply)
{
    struct stats *stats = &loop->server->stats;

    wait_wake(&loop->wait, loop->router_source[message->socket]);
    if (!frames_send(loop->router[message->socket], message->envelope, reply)) stats->dropped++;
    stats_latency(stats, clock_us() - message->arrived_us);
}

static bool serve_again(struct loop *loop, const struct message *message, bool has_paid)
{
    struct peer peer = cycle_peer(loop, message->socket, message->user);

    peer.again = true;
    peer.has_paid = has_paid;
    buf_append(&loop->envelope, message->envelope.data, message->envelope.n);
    return cycle_serve(loop, message, &peer);
}

/* What it has done was counted when its event was there. */
static void send_held(struct loop *loop, const struct message *message, const struct group *group)
{
    call_replied(loop->server, &group->held);
    send_now(loop, message, buf_slice(&group->reply));
}

void parked_serve(struct loop *loop, int64_t from_us)
{
    struct district *district = loop->server->district;
    struct group *group;

    while (!cycle_is_full(loop, 0, from_us) && (group = district_next_ready(district))) {
        const struct message *message = inbox_first(&group->parked);
        bool is_done = true;

        district_begin(district, group);
        if (group->has_reply)
            send_held(loop, message, group);
        else
            is_done = serve_again(loop, message, group->has_paid);
        district_end(district, is_done);
    }
}

void parked_send(struct loop *loop)
{
    if (!district_send(loop->server->district)) return;
    for (int k = 0; k < N_LINE; k++) wait_wake(&loop->wait, loop->line_source[k]);
}

/* The same request, sent again, finds out what became of it. */
static void refuse_late(void *context, const struct message *message)
{
    struct loop *loop = context;
    struct peer peer = cycle_peer(loop, message->socket, message->user);

    peer.why = "the shared store does not answer";
    peer.retry_after_ms = LATE_RETRY_MS;
    buf_clear(&loop->helped);
    call_refuse(loop->server, &loop->decoder, message->body, &peer, RETRY, &loop->helped);
    send_now(loop, message, buf_slice(&loop->helped));
}

void parked_tick(struct loop *loop, int64_t now_us)
{
    district_drop_late(loop->server->district, now_us - PARKED_MS * 1000, refuse_late, loop);
    district_poll(loop->server->district);
    share_counts(loop->server);
}
