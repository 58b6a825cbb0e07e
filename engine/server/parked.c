/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/parked.h"
#include "server/clock.h"
#include "server/news.h"
#include "server/server.h"

enum {
    PARKED_MS = 2000,  // the longest wait for the shared store, shorter than a client's
    LATE_RETRY_MS = 500,
};

bool parked_add(struct loop *loop, const struct message *message, enum call_end end,
                size_t reply_at)
{
    struct district *district = loop->server->district;
    struct group *group = loop->server->waits_for;
    struct slice reply = slice_of(loop->reply.data + reply_at, loop->reply.n - reply_at);
    bool has_room = district_has_room(district, (size_t)loop->server->config.max_queued);

    if (end == CALL_HELD) return district_park(district, group, message, &reply);
    return (has_room || group == district_serving(district)) &&
           district_park(district, group, message, NULL);
}

bool parked_again(const struct loop *loop)
{
    return loop->server->waits_for == district_serving(loop->server->district);
}

void parked_take(struct loop *loop)
{
    struct district_hooks hooks = sessions_hooks(loop->server->sessions);

    hooks.news = news_take;
    hooks.news_context = loop->server;
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

static bool serve_again(struct loop *loop, const struct message *message)
{
    struct peer peer = cycle_peer(loop, message->socket, message->user);

    peer.again = true;
    buf_append(&loop->envelope, message->envelope.data, message->envelope.n);
    return cycle_serve(loop, message, &peer);
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
            send_now(loop, message, buf_slice(&group->reply));
        else
            is_done = serve_again(loop, message);
        district_end(district, is_done);
    }
}

void parked_send(struct loop *loop)
{
    if (!district_send(loop->server->district)) return;
    for (int k = 0; k < N_LINE; k++) wait_wake(&loop->wait, loop->line_source[k]);
}

/* The same request, sent again, finds out what became of it. */
static void refuse_late(struct loop *loop, int64_t now_us)
{
    struct district *district = loop->server->district;
    int64_t before_us = now_us - PARKED_MS * 1000;
    struct group *group = district_next_late(district, NULL, before_us);

    for (; group; group = district_next_late(district, group, before_us)) {
        const struct message *message = inbox_first(&group->parked);
        struct peer peer = cycle_peer(loop, message->socket, message->user);

        peer.why = "the shared store does not answer";
        peer.retry_after_ms = LATE_RETRY_MS;
        buf_clear(&loop->helped);
        call_refuse(loop->server, &loop->decoder, message->body, &peer, RETRY, &loop->helped);
        send_now(loop, message, buf_slice(&loop->helped));
        district_drop(district, group);
    }
}

void parked_tick(struct loop *loop, int64_t now_us)
{
    refuse_late(loop, now_us);
    district_poll(loop->server->district);
}
