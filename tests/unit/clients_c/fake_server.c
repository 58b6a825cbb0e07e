/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake_server.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { POLL_MS = 5, FLOOD = 10, FLOOD_VALUES = 30000 };

static void send_reply(void *socket, const struct seen *to, struct slice body)
{
    zmq_send(socket, to->peer, to->n_peer, ZMQ_SNDMORE);
    zmq_send(socket, body.data, body.n, 0);
}

/* The head of a reply; `id` NULL stands for nil. */
static void write_head(struct writer *out, const msgpack_object *id, bool ok, size_t n_more)
{
    write_map(out, 3 + n_more);
    put_int(out, "v", 1);
    write_text(out, "id");
    if (id)
        write_object(out, id);
    else
        write_nil(out);
    put_bool(out, "ok", ok);
}

static void write_error(struct writer *out, const char *code, bool retry, int64_t after_ms)
{
    write_text(out, "error");
    write_map(out, 5);
    put_text(out, "code", code);
    put_text(out, "message", "the message of an error");
    put_text(out, "field", "prior.sd");
    put_bool(out, "retry", retry);
    put_int(out, "retry_after_ms", after_ms);
}

static void write_refusal(struct writer *out, enum act act, const msgpack_object *id)
{
    write_head(out, act == ACT_NIL_ID ? NULL : id, false, 1);
    switch (act) {
    case ACT_BUSY:
        write_error(out, "busy", true, 0);
        break;
    case ACT_BUSY_LONG:
        write_error(out, "busy", true, 3600000);
        break;
    case ACT_DRAINING:
        write_error(out, "draining", true, 0);
        break;
    case ACT_RETRY:
        write_error(out, "retry", true, 0);
        break;
    case ACT_NIL_ID:
        write_error(out, "too_large", false, 0);
        break;
    case ACT_BAD_ERROR:
        write_text(out, "error");
        write_map(out, 1);
        put_text(out, "message", "no code");
        break;
    default:
        write_error(out, "stale_seq", false, 0);
    }
}

static void write_right_reply(const struct fake *fake, struct writer *out, const msgpack_object *id)
{
    write_head(out, id, true, fake->n_pair);
    if (fake->write_pairs) fake->write_pairs(out);
}

/* What comes before the right reply. */
static void send_nuisance(void *socket, const struct seen *to, enum act act)
{
    struct buf buf = {0};
    struct writer out = writer_of(&buf);

    if (act == ACT_WRONG_ID) {
        write_head(&out, NULL, true, 0);
        send_reply(socket, to, buf_slice(&buf));
        buf_clear(&buf);
        write_map(&out, 3);
        put_int(&out, "v", 1);
        put_text(&out, "id", "0123456789abcdef-1");
        put_bool(&out, "ok", false);
        send_reply(socket, to, buf_slice(&buf));
    } else if (act == ACT_NO_MAP) {
        send_reply(socket, to, slice_of("\x91\x01", 2));
    } else {
        send_reply(socket, to, slice_of("\xdd\xff\xff\xff\xff", 5));
    }
    buf_done(&buf);
}

/* It takes longer to read than to send, so that there is always another one. */
static void send_flood(void *socket, const struct seen *to)
{
    static uint8_t body[3 + 2 * FLOOD_VALUES] = {0xdc, FLOOD_VALUES >> 8, FLOOD_VALUES & 0xff};

    for (size_t i = 0; i < FLOOD_VALUES; i++) {
        body[3 + 2 * i] = 0x91;
        body[4 + 2 * i] = 0xc0;
    }
    for (int i = 0; i < FLOOD; i++) send_reply(socket, to, slice_of(body, sizeof(body)));
}

static void answer(const struct fake *fake, void *socket, const struct seen *seen, enum act act)
{
    struct buf buf = {0};
    struct writer out = writer_of(&buf);
    struct decoder decoder;
    msgpack_object root;
    struct fault fault;

    if (decoder_init(&decoder)) abort();
    if (decode(&decoder, slice_of(seen->bytes, seen->n), &root, &fault)) abort();
    if (act >= ACT_WRONG_ID && act <= ACT_NO_MAP) send_nuisance(socket, seen, act);
    if (act == ACT_OK || act == ACT_WRONG_ID || act == ACT_GARBAGE)
        write_right_reply(fake, &out, map_find(&root, "id"));
    else if (act >= ACT_REFUSE)
        write_refusal(&out, act, map_find(&root, "id"));
    if (buf.n > 0) send_reply(socket, seen, buf_slice(&buf));
    decoder_done(&decoder);
    buf_done(&buf);
}

static enum act take_request(struct fake *fake, void *socket)
{
    enum act act;

    size_t n = fake->n_seen;
    struct seen *seen = &fake->seen[n];

    if (n == SEEN_MAX) abort();
    seen->n_peer = (size_t)zmq_recv(socket, seen->peer, sizeof(seen->peer), 0);
    seen->n = (size_t)zmq_recv(socket, seen->bytes, sizeof(seen->bytes), 0);
    if (seen->n > sizeof(seen->bytes)) abort();
    fake->n_seen++;
    act = fake->script[n < fake->n_script ? n : fake->n_script - 1];
    answer(fake, socket, seen, act);
    return act;
}

static void *listen_anew(const struct fake *fake)
{
    void *socket = zmq_socket(fake->context, ZMQ_ROUTER);
    int linger_ms = 0;

    if (!socket || zmq_setsockopt(socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms))) abort();
    if (zmq_bind(socket, fake->endpoint)) abort();
    return socket;
}

static void *serve(void *argument)
{
    struct fake *fake = argument;
    zmq_pollitem_t item = {.events = ZMQ_POLLIN};
    enum act act = ACT_OK;

    if (fake->bind_after_ms) usleep((useconds_t)fake->bind_after_ms * 1000);
    item.socket = listen_anew(fake);
    while (!atomic_load(&fake->stop)) {
        if (act == ACT_FLOOD) send_flood(item.socket, &fake->seen[fake->n_seen - 1]);
        if (zmq_poll(&item, 1, act == ACT_FLOOD ? 0 : POLL_MS) <= 0) continue;
        act = take_request(fake, item.socket);
        if (act != ACT_HANG_UP) continue;
        zmq_close(item.socket);
        item.socket = listen_anew(fake);
    }
    zmq_close(item.socket);
    return NULL;
}

void fake_start(struct fake *fake)
{
    snprintf(fake->dir, sizeof(fake->dir), "/tmp/thetad-test-XXXXXX");
    cr_assert(mkdtemp(fake->dir));
    snprintf(fake->endpoint, sizeof(fake->endpoint), "ipc://%s/socket", fake->dir);
    fake->context = zmq_ctx_new();
    cr_assert(fake->context);
    cr_assert_eq(pthread_create(&fake->thread, NULL, serve, fake), 0);
}

void fake_stop(struct fake *fake)
{
    atomic_store(&fake->stop, true);
    pthread_join(fake->thread, NULL);
    zmq_ctx_term(fake->context);
    unlink(fake->endpoint + strlen("ipc://"));
    rmdir(fake->dir);
}
