/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nothing that changes anything is told before it is on disk. While a cycle commits the next
 * messages queue up, so batches grow with load by themselves. What a cycle cannot take waits in the
 * inbox, where it is counted: a request that would wait too long is told so at once, and those that
 * wait keep their latency. */
#include "server/cycle.h"
#include "base/planted.h"
#include "server/clock.h"
#include "server/frames.h"
#include "server/parked.h"
#include "server/thread.h"
#include "server/upkeep.h"
#include "server/watch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <utlist.h>

enum {
    CYCLE_BYTES = 16 << 20,
    CYCLE_MS = 50,
    QUEUE_BYTES = 256 << 20,
    KEEP_BYTES = 1 << 20,
    LATE_MS = 2000,
    STRETCH = 64,          // requests served from the inbox before arrivals are looked at
    TAKE_MESSAGES = 1024,  // arrivals that are looked at then,
    REFUSE_LEAST = 16,     // arrivals that a cycle may refuse, and more as it serves more
    STANDING_PART = 10,    // of the usual wait, while a queue stands
    LATE_PART = 2,         // of it, for what begins something
    KEEP_KEYS = 4096,      // looked at on a tick for what they have used: half a millisecond
};

const char *const helper_names[N_HELPER] = {"helper", "slow-helper"};

bool loop_has_keys(const struct loop *loop, int socket)
{
    return loop->access && socket == TCP_ENDPOINT;
}

/* Without keys every peer is the local school's. */
struct peer cycle_peer(struct loop *loop, int socket, const char *user)
{
    int64_t now_us = clock_us();
    struct peer peer = {.tenant = slice_str(OPERATOR),
                        .who = slice_str(OPERATOR),
                        .now_ms = steady_ms(&loop->steady, clock_wall_ms(), now_us),
                        .now_us = now_us,
                        .arrived_us = now_us};

    if (loop_has_keys(loop, socket))
        access_identify(loop->access, user, &peer);
    else
        peer.roles = loop->server->config.endpoint[socket].roles;
    return peer;
}

/* A commit that failed leaves memory ahead of the disk: nothing of it may be told, and only a new
 * start from the disk is safe. */
static void die(struct loop *loop, const struct fault *fault)
{
    log_line(LOG_ERROR, "commit failed, going down", "error=\"%s\"", fault->text);
    loop->exit_code = EX_IOERR;
    loop->done = true;
    loop->n_slot = 0;
}

static void finish_helped(struct loop *loop, const struct job *job);

/* All helpers must be at rest while the map grows; one may be in the middle of long work. */
static void rest_helpers(struct loop *loop)
{
    struct job job;

    for (int h = 0; h < N_HELPER; h++) {
        struct helper *helper = loop->helper[h];

        wait_wake(&loop->wait, loop->helper_source[h]);
        while (helper_n_out(helper) > 0 && !thread_has_ended(helper_thread(helper))) {
            if (helper_take(helper, TICK_MS, &job, &loop->helped)) finish_helped(loop, &job);
            watch_feed(loop, clock_us());
        }
    }
}

void cycle_commit(struct loop *loop)
{
    struct server *server = loop->server;
    struct fault fault = {0};
    enum status st;
    int64_t from_us;

    server->has_erased = false;
    if (server->batch.n == 0 && !server->batch.bytes.failed) return;
    from_us = clock_us();
    st = env_commit(server->env, &server->batch, &fault);
    while (st == MAP_FULL) {
        rest_helpers(loop);
        if (env_grow(server->env)) break;
        log_line(LOG_WARN, "the store's map was full and was doubled", "writes=%zu",
                 server->batch.n);
        st = env_commit(server->env, &server->batch, &fault);
    }
    if (st && planted("failed commit ignored")) batch_clear(&server->batch);
    if (st && !planted("failed commit ignored"))
        die(loop, &fault);
    else
        server->stats.commits++;
    latency_add(&server->stats.commit, clock_us() - from_us);
}

static void add_slot(struct loop *loop, int socket, size_t envelope_at, size_t reply_at,
                     int64_t arrived_us)
{
    loop->slot[loop->n_slot++] = (struct slot){.socket = socket,
                                               .envelope_at = envelope_at,
                                               .envelope_n = loop->envelope.n - envelope_at,
                                               .reply_at = reply_at,
                                               .reply_n = loop->reply.n - reply_at,
                                               .arrived_us = arrived_us};
}

static void pending_free(struct pending *pending)
{
    buf_done(&pending->envelope);
    buf_done(&pending->body);
    free(pending);
}

/* Keep a request until a helper has done its work. False without memory. */
static bool add_pending(struct loop *loop, const struct job *job, const struct message *message)
{
    struct pending *pending = calloc(1, sizeof(*pending));

    assert(loop->n_pending < PENDING_MOST);
    if (!pending) return false;
    pending->job = *job;
    pending->job.ticket = ++loop->next_ticket;
    pending->socket = message->socket;
    memcpy(pending->user, message->user, sizeof(pending->user));
    pending->arrived_us = message->arrived_us;
    buf_append(&pending->envelope, message->envelope.data, message->envelope.n);
    buf_append(&pending->body, message->body.data, message->body.n);
    buf_append(&pending->body, loop->server->extra.data, loop->server->extra.n);
    if (pending->envelope.failed || pending->body.failed || loop->server->extra.failed) {
        pending_free(pending);
        return false;
    }
    DL_APPEND(loop->pending, pending);
    loop->n_pending++;
    return true;
}

/* Work is handed over after the commit: a helper reads what the requests before it have written. */
static void send_pending(struct loop *loop)
{
    struct pending *pending;

    DL_FOREACH(loop->pending, pending)
    {
        int h = pending->job.request->slow ? HELPER_SLOW : HELPER_QUICK;

        if (pending->sent) continue;
        wait_wake(&loop->wait, loop->helper_source[h]);
        pending->sent = helper_ask(loop->helper[h], &pending->job, buf_slice(&pending->body));
        if (!pending->sent) return;
    }
}

static void drop_pending(struct loop *loop, struct pending *pending)
{
    DL_DELETE(loop->pending, pending);
    loop->n_pending--;
    pending_free(pending);
}

/* What came of it has to reach the shared store first. False where there is no room. */
static bool park_pending(struct loop *loop, const struct pending *pending, enum call_end end,
                         size_t reply_at)
{
    struct message message = {
        .socket = pending->socket,
        .got = FRAMES_MESSAGE,
        .arrived_us = pending->arrived_us,
        .envelope = buf_slice(&pending->envelope),
        .body = slice_of(pending->body.data, pending->body.n - pending->job.n_extra)};

    memcpy(message.user, pending->user, sizeof(message.user));
    return parked_add(loop, &message, end, reply_at);
}

static void finish_pending(struct loop *loop, struct pending *pending, const struct job *job)
{
    struct peer peer = cycle_peer(loop, pending->socket, pending->user);
    size_t envelope_at = loop->envelope.n, reply_at = loop->reply.n;
    struct job done = *job;
    enum call_end end;
    struct slice body = slice_of(pending->body.data, pending->body.n - job->n_extra);

    buf_append(&loop->envelope, pending->envelope.data, pending->envelope.n);
    done.helped = buf_slice(&loop->helped);
    peer.arrived_us = pending->arrived_us;
    end = call_finish(loop->server, &loop->decoder, body, &peer, &done, &loop->reply);
    if (end != CALL_REPLIED) {
        bool is_parked = park_pending(loop, pending, end, reply_at);

        loop->reply.n = reply_at;
        if (is_parked) {
            loop->envelope.n = envelope_at;
            drop_pending(loop, pending);
            return;
        }
        parked_refuse(loop, &(struct message){.body = body}, &peer, end);
    }
    if (loop->reply.n == reply_at) {
        buf_append(&loop->reply, loop->helped.data, loop->helped.n);
    }
    add_slot(loop, pending->socket, envelope_at, reply_at, pending->arrived_us);
    drop_pending(loop, pending);
}

static void finish_helped(struct loop *loop, const struct job *job)
{
    struct pending *pending;

    DL_FOREACH(loop->pending, pending)
    {
        if (pending->job.ticket != job->ticket) continue;
        finish_pending(loop, pending, job);
        return;
    }
}

static void drain_helpers(struct loop *loop)
{
    struct job job;

    for (int h = 0; h < N_HELPER; h++) {
        while (wait_is_awake(&loop->wait, loop->helper_source[h]) &&
               loop->n_slot < CYCLE_MESSAGES) {
            if (helper_take(loop->helper[h], 0, &job, &loop->helped))
                finish_helped(loop, &job);
            else
                wait_sleep(&loop->wait, loop->helper_source[h]);
        }
    }
}

/* Take one message. False where there is none. One whose envelope is no good is FRAMES_BAD. */
static bool take_message(struct loop *loop, int socket, struct message *out)
{
    size_t envelope_at = loop->envelope.n;

    if (!loop->router[socket] || !wait_is_awake(&loop->wait, loop->router_source[socket])) {
        return false;
    }
    out->socket = socket;
    out->user[0] = '\0';
    out->got = frames_receive(loop->router[socket], &loop->envelope, &loop->body,
                              loop_has_keys(loop, socket) ? out->user : NULL,
                              socket == TCP_ENDPOINT ? loop->unfinished : NULL);
    if (out->got == FRAMES_NONE) {
        wait_sleep(&loop->wait, loop->router_source[socket]);
        return false;
    }
    out->arrived_us = loop->quiet_us = clock_us();
    out->envelope = slice_of(loop->envelope.data + envelope_at, loop->envelope.n - envelope_at);
    out->body = buf_slice(&loop->body);
    if (out->got == FRAMES_BAD) loop->server->stats.dropped++;
    return true;
}

/* Do what a message asks for. Its envelope is the last in loop->envelope. False where it is parked
 * with what it waits for. */
static bool serve(struct loop *loop, const struct message *message, const struct peer *peer)
{
    size_t envelope_at = loop->envelope.n - message->envelope.n, reply_at = loop->reply.n;
    struct job job = {0};
    struct job *room = loop->n_pending < PENDING_MOST ? &job : NULL;
    enum call_end end =
        call_handle(loop->server, &loop->decoder, message->body, peer, &loop->reply, room);

    if (end != CALL_REPLIED) {
        bool is_asked = end == CALL_ASKED && add_pending(loop, &job, message);
        bool is_parked = end != CALL_ASKED && parked_add(loop, message, end, reply_at);

        loop->reply.n = reply_at;
        if (is_asked || is_parked) {
            loop->envelope.n = envelope_at;
            return is_asked || !parked_again(loop);
        }
        if (end == CALL_ASKED)
            call_refuse(loop->server, &loop->decoder, message->body, peer, NO_MEMORY, &loop->reply);
        else
            parked_refuse(loop, message, peer, end);
    }
    add_slot(loop, message->socket, envelope_at, reply_at, message->arrived_us);
    return true;
}

bool cycle_serve(struct loop *loop, const struct message *message, struct peer *peer)
{
    loop->n_served++;
    peer->arrived_us = message->arrived_us;
    if (message->got == FRAMES_NAMED) {
        peer->refused = BAD_REQUEST;
        peer->why = "a client does not set a routing id: it could be another's";
    }
    return serve(loop, message, peer);
}

/* Refusing must be far cheaper than serving: nothing but the head of the message is looked at. */
static void refuse_busy_message(struct loop *loop, const struct message *message,
                                const struct call_head *head, struct peer *peer)
{
    size_t envelope_at = loop->envelope.n - message->envelope.n, reply_at = loop->reply.n;
    int64_t retry_ms = inbox_retry_ms(&loop->inbox);
    uint64_t n_before;

    peer->refused = BUSY;
    peer->why = "too many requests are waiting";
    peer->retry_after_ms = retry_ms;
    call_busy(loop->server, head, peer, &loop->reply);
    add_slot(loop, message->socket, envelope_at, reply_at, message->arrived_us);
    if (!refusals_add(&loop->refusals, "busy", peer->now_us, &n_before)) return;
    log_line(LOG_WARN, "overload: requests are refused", "waiting=%zu retry_ms=%lld before=%llu",
             loop->inbox.n, (long long)retry_ms, (unsigned long long)n_before);
}

/* Whether the cycle has had enough, by replies, bytes or time. */
bool cycle_is_full(const struct loop *loop, size_t n_message, int64_t from_us)
{
    return n_message >= CYCLE_MESSAGES || loop->n_slot >= SLOTS_MOST ||
           loop->reply.n > CYCLE_BYTES || clock_us() - from_us > CYCLE_MS * 1000;
}

/* Some of what waited, in the order it came. How many were taken up in all. */
static size_t drain_inbox(struct loop *loop, size_t n, int64_t from_us)
{
    int64_t longest_us = 2 * loop->server->config.queue_ms * 1000;

    for (int i = 0; i < STRETCH && loop->inbox.n > 0 && !cycle_is_full(loop, n, from_us);
         i++, n++) {
        const struct message *message = inbox_first(&loop->inbox);
        struct peer peer = cycle_peer(loop, message->socket, message->user);
        struct call_head head;

        buf_append(&loop->envelope, message->envelope.data, message->envelope.n);
        if (from_us - message->arrived_us > longest_us &&
            call_peek(&loop->decoder, message->body, &head))
            refuse_busy_message(loop, message, &head, &peer);
        else
            cycle_serve(loop, message, &peer);
        inbox_drop(&loop->inbox);
    }
    return n;
}

static void send_slot(struct loop *loop, const struct slot *slot)
{
    struct stats *stats = &loop->server->stats;
    struct slice envelope = slice_of(loop->envelope.data + slot->envelope_at, slot->envelope_n);
    struct slice reply = slice_of(loop->reply.data + slot->reply_at, slot->reply_n);

    wait_wake(&loop->wait, loop->router_source[slot->socket]);
    if (!frames_send(loop->router[slot->socket], envelope, reply)) stats->dropped++;
    stats_latency(stats, clock_us() - slot->arrived_us);
}

static void send_replies(struct loop *loop)
{
    for (size_t i = 0; i < loop->n_slot; i++) send_slot(loop, &loop->slot[i]);
    loop->n_slot = 0;
    buf_clear(&loop->envelope);
    buf_clear(&loop->reply);
}

/* What no write waits for need not wait for one. */
static void send_if_clean(struct loop *loop)
{
    const struct batch *batch = &loop->server->batch;
    bool failed = batch->bytes.failed || loop->envelope.failed || loop->reply.failed;

    if (batch->n == 0 && !failed) send_replies(loop);
}

/* Messages of all sockets in turn, so that none starves another. The number of those served. */
static size_t drain_sockets(struct loop *loop, size_t n, int64_t from_us)
{
    struct message message;
    struct peer peer;
    bool any = true;

    while (any) {
        any = false;
        for (int s = 0; s < CONFIG_ENDPOINTS; s++) {
            if (cycle_is_full(loop, n, from_us)) return n;
            if (!take_message(loop, s, &message)) continue;
            any = true;
            n++;
            if (message.got == FRAMES_BAD) continue;
            peer = cycle_peer(loop, s, message.user);
            cycle_serve(loop, &message, &peer);
            send_if_clean(loop);
        }
    }
    return n;
}

/* Whether its sender may ask nothing now: then it need not wait to be told so, and takes no place
 * of another's. */
static bool is_out_of_turn(const struct message *message, const struct peer *peer)
{
    return message->got == FRAMES_NAMED || peer->refused ||
           (peer->key && quota_wait_ms(&peer->key->quota, QUOTA_REQUESTS, 1, peer->now_us) > 0);
}

/* How long a request may wait. A queue that has not been empty for so long is no wave that passes,
 * and long waits would serve nobody (Maurer 2015, "Fail at scale": controlled delay). Who is in the
 * middle of a test goes before who begins one. */
static int64_t wait_most_ms(const struct loop *loop, bool late, int64_t now_us)
{
    int64_t most_ms = loop->server->config.queue_ms;

    if (now_us - loop->inbox.empty_us > most_ms * 1000) most_ms /= STANDING_PART;
    return late ? most_ms / LATE_PART : most_ms;
}

/* What one cycle can take does not wait for others, however long a cycle is: to refuse it would
 * make cycles smaller, and their commits dearer for each. */
static bool has_room(const struct loop *loop, const struct request *request, int64_t now_us)
{
    const struct inbox *inbox = &loop->inbox;
    bool late = request->late || request->work;
    size_t part = late ? LATE_PART : 1, most = (size_t)loop->server->config.max_queued;

    return inbox->n < most / part && inbox->bytes < QUEUE_BYTES &&
           (inbox->n < CYCLE_MESSAGES / part ||
            inbox_wait_ms(inbox) <= wait_most_ms(loop, late, now_us));
}

/* A message that has to wait, where it may, or is told at once that it may not. */
static void keep_message(struct loop *loop, const struct message *message)
{
    struct peer peer = cycle_peer(loop, message->socket, message->user);
    struct call_head head;

    if (is_out_of_turn(message, &peer) || !call_peek(&loop->decoder, message->body, &head) ||
        head.request->at_once) {
        cycle_serve(loop, message, &peer);
    } else if (has_room(loop, head.request, message->arrived_us) &&
               inbox_put(&loop->inbox, message)) {
        loop->envelope.n -= message->envelope.n;
    } else {
        refuse_busy_message(loop, message, &head, &peer);
        loop->n_refused++;
    }
}

/* To be refused costs two thirds of being served, nearly all of it in libzmq and the kernel: so
 * that who is served is not starved by who is refused, there is one for two that are served, and
 * the others wait in their sockets. */
static bool may_refuse(const struct loop *loop)
{
    return loop->n_refused < loop->n_served / 2 + REFUSE_LEAST;
}

/* What the cycle could not take: it is counted, and told at once where it would wait too long. */
static void take_in(struct loop *loop)
{
    struct message message;
    bool any = true;

    for (int s = 0; s < CONFIG_ENDPOINTS; s++) {
        if (loop->router[s]) wait_wake(&loop->wait, loop->router_source[s]);
    }
    for (size_t n = 0; any && n < TAKE_MESSAGES && may_refuse(loop); n++) {
        any = false;
        for (int s = 0; s < CONFIG_ENDPOINTS; s++) {
            if (loop->n_slot >= SLOTS_MOST) {
                inbox_fell_behind(&loop->inbox);
                return;
            }
            if (!take_message(loop, s, &message)) continue;
            any = true;
            if (message.got != FRAMES_BAD) keep_message(loop, &message);
        }
    }
    if (any) inbox_fell_behind(&loop->inbox);
}

/* Serve what waits and what comes, as much as a cycle takes. Whether there was more than that. What
 * waits is served in stretches, between which arrivals are looked at: they wait nowhere else, where
 * nobody would count them, and those beyond the limits come to know. */
static bool drain(struct loop *loop)
{
    int64_t from_us = clock_us();
    size_t n = 0;
    bool full;

    while (loop->inbox.n > 0 && !cycle_is_full(loop, n, from_us)) {
        n = drain_inbox(loop, n, from_us);
        take_in(loop);
    }
    if (loop->inbox.n == 0) {
        loop->inbox.empty_us = from_us;
        n = drain_sockets(loop, n, from_us);
    }
    full = loop->inbox.n > 0 || cycle_is_full(loop, n, from_us);
    if (full) take_in(loop);
    return full;
}

/* What is due from time to time, in the batch of the cycle. */
static void tick(struct loop *loop, int64_t now_us)
{
    int64_t now_ms = steady_ms(&loop->steady, clock_wall_ms(), now_us);
    bool late = now_us - loop->tick_us > LATE_MS * 1000;

    loop->tick_us = now_us;
    if (loop->server->district) parked_tick(loop, now_us);
    access_keep(loop->access, loop->server->env, &loop->server->batch, KEEP_KEYS);
    upkeep_tick(loop->server, now_us, now_ms, loop->n_tick++);
    metrics_publish(loop->metrics, loop);
    // Where the whole process was stopped the others have first to come to.
    if (!late) watch_feed(loop, now_us);
    watch_ends(loop);
    inbox_tick(&loop->inbox);
}

/* A rare large reply must not keep its memory for ever. */
static void shrink(struct buf *buf)
{
    if (buf->cap > KEEP_BYTES) buf_done(buf);
    buf_clear(buf);
}

void cycle(struct loop *loop)
{
    int64_t now_us = clock_us();
    bool due = now_us - loop->tick_us >= TICK_MS * 1000;
    bool full;

    loop->n_slot = loop->n_served = loop->n_refused = 0;
    shrink(&loop->envelope);
    shrink(&loop->reply);
    shrink(&loop->helped);
    if (due) tick(loop, now_us);
    if (loop->server->district) parked_take(loop);
    drain_helpers(loop);
    if (loop->server->has_erased) cycle_commit(loop);  // no request may find what is on its way out
    upkeep_cycle(loop->server, due);
    if (loop->server->district) parked_serve(loop, now_us);
    full = drain(loop);
    if (loop->envelope.failed || loop->reply.failed) loop->server->batch.bytes.failed = true;
    if (planted("replies before commit")) send_replies(loop);
    cycle_commit(loop);
    if (!planted("replies before commit")) send_replies(loop);
    if (!loop->done) upkeep_committed(loop->server, due);
    if (full && loop->n_served > 0) {
        inbox_served(&loop->inbox, loop->n_served, clock_us() - now_us);
    }
    if (!loop->done) send_pending(loop);
    if (!loop->done && loop->server->district) parked_send(loop);
}

void cycle_drop_pending(struct loop *loop)
{
    struct pending *pending, *next;

    DL_FOREACH_SAFE(loop->pending, pending, next)
    {
        pending_free(pending);
    }
    loop->pending = NULL;
    loop->n_pending = 0;
}
