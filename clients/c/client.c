/* SPDX-License-Identifier: Apache-2.0 */
/* The Lazy Pirate pattern (ZeroMQ guide, chapter 4): send, wait, and where no reply comes throw the
 * socket away and send the same bytes on a new one. The request id stays the same over all tries,
 * so the daemon can tell a repetition, and a reply to another request is not taken for ours.
 *
 * A long connection stays where it is: a node that comes back would get none of the old ones. So
 * each is made anew after a while, at no moment that clients share. */
#include "clients/c/client.h"
#include "base/rng.h"
#include "proto/version.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 3000, DEADLINE_TIMEOUTS = 5, RECONNECT_S = 900 };
enum { BACKOFF_MS = 100, BACKOFF_MAX_MS = 2000 };

static const char *const codes[] = {
    [THETAD_OK] = "",
    [THETAD_ERROR_REPLY] = "reply",
    [THETAD_ERROR_TIMEOUT] = "timeout",
    [THETAD_ERROR_PROTOCOL] = "protocol",
    [THETAD_ERROR_ARGUMENT] = "argument",
    [THETAD_ERROR_MEMORY] = "memory",
    [THETAD_ERROR_SOCKET] = "socket",
};

enum thetad_status client_fail(struct thetad *client, enum thetad_status status, const char *field,
                               const char *fmt, ...)
{
    va_list args;

    snprintf(client->code, sizeof(client->code), "%s", codes[status]);
    snprintf(client->field, sizeof(client->field), "%s", field ? field : "");
    client->retry_after_ms = 0;
    va_start(args, fmt);
    vsnprintf(client->message, sizeof(client->message), fmt, args);
    va_end(args);
    return status;
}

static bool draw_seeds(struct thetad *client)
{
    uint64_t seeds[4];

    if (getentropy(seeds, sizeof(seeds))) return false;
    client->request_prefix = seeds[0];
    client->session_prefix[0] = seeds[1];
    client->session_prefix[1] = seeds[2];
    client->jitter_seed = seeds[3];
    return true;
}

static void take_options(struct thetad *client, const struct thetad_options *options)
{
    client->timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
    client->deadline_ms =
        options->deadline_ms ? options->deadline_ms : DEADLINE_TIMEOUTS * client->timeout_ms;
    client->tries = options->tries;
    client->reconnect_s = options->reconnect_s ? options->reconnect_s : RECONNECT_S;
}

struct thetad *thetad_open(const char *endpoint, const struct thetad_options *options)
{
    static const struct thetad_options defaults;
    struct thetad *client = calloc(1, sizeof(*client));
    int error;

    if (!client) return NULL;
    if (decoder_init(&client->decoder)) {
        free(client);
        errno = ENOMEM;
        return NULL;
    }
    zmq_msg_init(&client->reply);
    take_options(client, options ? options : &defaults);
    if (draw_seeds(client) && keys_read(options, &client->transport.keys) &&
        transport_open(&client->transport, endpoint, client->jitter_seed))
        return client;

    error = errno;
    thetad_close(client);
    errno = error;
    return NULL;
}

void thetad_close(struct thetad *client)
{
    if (!client) return;
    zmq_msg_close(&client->reply);
    transport_close(&client->transport);
    decoder_done(&client->decoder);
    buf_done(&client->request);
    buf_done(&client->fields);
    buf_done(&client->values);
    free(client);
}

const char *thetad_error_code(const struct thetad *client)
{
    return client->code;
}

const char *thetad_error_message(const struct thetad *client)
{
    return client->message;
}

const char *thetad_error_field(const struct thetad *client)
{
    return client->field;
}

int64_t thetad_retry_after_ms(const struct thetad *client)
{
    return client->retry_after_ms;
}

static enum thetad_status check_fields(struct thetad *client, const msgpack_object *fields)
{
    static const char *const ours[] = {"v", "id", "op"};

    if (fields->type != MSGPACK_OBJECT_MAP)
        return client_fail(client, THETAD_ERROR_ARGUMENT, NULL, "fields must be a map");
    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        if (map_find(fields, ours[i]))
            return client_fail(client, THETAD_ERROR_ARGUMENT, ours[i],
                               "fields must not hold %s: the client adds it", ours[i]);
    }
    return THETAD_OK;
}

static enum thetad_status build_request(struct thetad *client, const char *op, struct slice fields)
{
    msgpack_object root = {.type = MSGPACK_OBJECT_MAP};  // no fields
    struct writer out = writer_of(&client->request);
    struct fault fault;
    enum thetad_status status;

    if (fields.data && decode(&client->decoder, fields, &root, &fault))
        return client_fail(client, THETAD_ERROR_ARGUMENT, NULL, "fields: %s", fault.text);
    status = check_fields(client, &root);
    if (status) return status;

    snprintf(client->id, sizeof(client->id), "%016" PRIx64 "-%" PRIu64, client->request_prefix,
             ++client->n_request);
    buf_clear(&client->request);
    write_map(&out, root.via.map.size + 3);
    put_int(&out, "v", PROTOCOL_VERSION);
    put_text(&out, "id", client->id);
    put_text(&out, "op", op);
    for (uint32_t i = 0; i < root.via.map.size; i++) {
        write_object(&out, &root.via.map.ptr[i].key);
        write_object(&out, &root.via.map.ptr[i].val);
    }
    if (client->request.failed)
        return client_fail(client, THETAD_ERROR_MEMORY, NULL, "no memory for the request");
    return THETAD_OK;
}

static enum thetad_status read_error(struct thetad *client)
{
    struct fault fault;
    struct reader in = reader_of(&client->root, "", &fault);
    const msgpack_object *error = NULL;
    struct slice code = {0}, message = {0}, field = slice_str("");

    client->retry = false;
    if (read_map(&in, "error", REQUIRED, &error)) {
        in = reader_of(error, "error", &fault);
        read_str(&in, "code", REQUIRED, LIMIT_ID, &code);
        read_str(&in, "message", REQUIRED, LIMIT_MESSAGE, &message);
        read_str(&in, "field", OPTIONAL, LIMIT_MESSAGE, &field);
        read_bool(&in, "retry", OPTIONAL, &client->retry);
        read_int(&in, "retry_after_ms", OPTIONAL, 0, LIMIT_INT, &client->retry_after_ms);
    }
    if (in.failed)
        return client_fail(client, THETAD_ERROR_PROTOCOL, fault.field,
                           "malformed error reply: %s: %s", fault.field, fault.text);

    snprintf(client->code, sizeof(client->code), "%.*s", (int)code.n, (const char *)code.data);
    snprintf(client->message, sizeof(client->message), "%.*s", (int)message.n,
             (const char *)message.data);
    snprintf(client->field, sizeof(client->field), "%.*s", (int)field.n, (const char *)field.data);
    return THETAD_ERROR_REPLY;
}

static enum thetad_status read_reply(struct thetad *client)
{
    client->code[0] = client->message[0] = client->field[0] = '\0';
    client->retry_after_ms = 0;
    return map_find(&client->root, "ok")->via.boolean ? THETAD_OK : read_error(client);
}

enum match { OURS, ANOTHERS, GARBAGE };

/* Decode what came and see whose reply it is. One with id nil answers a request that the daemon
 * could not read, and this socket carries no request but ours. */
static enum match match_reply(struct thetad *client, struct fault *fault)
{
    struct slice bytes = slice_of(zmq_msg_data(&client->reply), zmq_msg_size(&client->reply));
    struct reader in;
    const msgpack_object *id = NULL;
    struct slice text;
    bool ok = false;

    if (decode(&client->decoder, bytes, &client->root, fault)) return GARBAGE;
    in = reader_of(&client->root, "", fault);
    read_any(&in, "id", REQUIRED, &id);
    read_bool(&in, "ok", REQUIRED, &ok);
    if (in.failed) return GARBAGE;

    if (id->type == MSGPACK_OBJECT_NIL) return ok ? ANOTHERS : OURS;
    return object_str(id, &text) && slice_equal_str(text, client->id) ? OURS : ANOTHERS;
}

static enum thetad_status socket_failed(struct thetad *client)
{
    return client_fail(client, THETAD_ERROR_SOCKET, NULL, "%s", zmq_strerror(errno));
}

/* Wait for our reply. Others' are passed over: they are late replies to requests given up. */
static enum thetad_status receive(struct thetad *client, int64_t within_ms, int64_t deadline_ms)
{
    const char *endpoint = transport_endpoint(&client->transport);
    enum thetad_status status =
        client_fail(client, THETAD_ERROR_TIMEOUT, NULL, "no reply from %s within %lld ms", endpoint,
                    (long long)within_ms);
    struct fault fault;

    for (;;) {
        enum wire wire = transport_receive(&client->transport, deadline_ms, &client->reply);
        enum match match;

        if (wire == WIRE_FAILED) return socket_failed(client);
        if (wire == WIRE_TIMEOUT) return status;
        if (wire == WIRE_LOST)
            return client_fail(client, THETAD_ERROR_TIMEOUT, NULL,
                               "the connection to %s broke before the reply", endpoint);
        match = match_reply(client, &fault);
        if (match == OURS) return read_reply(client);
        if (match == GARBAGE)
            status = client_fail(client, THETAD_ERROR_PROTOCOL, fault.field,
                                 "%s sent what is no reply: %s%s%s", endpoint, fault.field,
                                 fault.field[0] ? ": " : "", fault.text);
        if (transport_clock_ms() >= deadline_ms) return status;  // there may always be one more
    }
}

static enum thetad_status try_once(struct thetad *client, int64_t end_ms)
{
    int64_t now_ms = transport_clock_ms(), within_ms = client->timeout_ms;
    enum wire wire;

    if (within_ms > end_ms - now_ms) within_ms = end_ms - now_ms;
    wire = transport_send(&client->transport, buf_slice(&client->request), now_ms + within_ms);
    if (wire == WIRE_FAILED) return socket_failed(client);
    if (wire == WIRE_TIMEOUT)
        return client_fail(client, THETAD_ERROR_TIMEOUT, NULL,
                           "no connection to %s within %lld ms%s",
                           transport_endpoint(&client->transport), (long long)within_ms,
                           client->transport.keys.server[0]
                               ? " (nor would there be with a key that the daemon does not know)"
                               : "");
    return receive(client, within_ms, now_ms + within_ms);
}

static double draw(struct thetad *client)
{
    return rng_uniform(client->jitter_seed, client->n_jitter++);
}

/* Full jitter: anywhere between 0 and a bound that doubles, so that clients that were cut off
 * together come back spread over all of it. Where the daemon says when, all of that comes after. */
static int64_t pause_ms(struct thetad *client, unsigned n_tried)
{
    double bound_ms = BACKOFF_MS;

    for (unsigned i = 1; i < n_tried && bound_ms < BACKOFF_MAX_MS; i++) bound_ms *= 2;
    if (bound_ms > BACKOFF_MAX_MS) bound_ms = BACKOFF_MAX_MS;
    return client->retry_after_ms + (int64_t)(bound_ms * draw(client));
}

/* Whether this peer is to be left for another: behind a balancer that is the next connection. One
 * that says `retry` twice may be cut off from what the others reach. */
static bool is_to_leave(const struct thetad *client, enum thetad_status status, unsigned n_tried)
{
    if (status != THETAD_ERROR_REPLY) return true;
    return strcmp(client->code, status_code(DRAINING)) == 0 ||
           (n_tried > 1 && strcmp(client->code, status_code(RETRY)) == 0);
}

/* Before a request: give up a connection that is old. */
static void renew(struct thetad *client)
{
    struct transport *transport = &client->transport;

    if (!client->renew_ms)
        client->renew_ms = (int64_t)(1000.0 * client->reconnect_s * (0.75 + 0.5 * draw(client)));
    if (!transport->socket || transport_clock_ms() - transport->connected_ms < client->renew_ms)
        return;
    transport_leave(transport);
    client->renew_ms = 0;
}

static enum thetad_status exchange(struct thetad *client)
{
    int64_t end_ms = transport_clock_ms() + client->deadline_ms;

    renew(client);
    for (unsigned n_tried = 1;; n_tried++) {
        enum thetad_status status = try_once(client, end_ms);
        bool silent = status == THETAD_ERROR_TIMEOUT || status == THETAD_ERROR_PROTOCOL;
        bool refused = status == THETAD_ERROR_REPLY && client->retry;
        int64_t wait_ms;

        if (!silent && !refused) return status;
        if (is_to_leave(client, status, n_tried)) transport_leave(&client->transport);
        if (n_tried == client->tries) return status;
        wait_ms = pause_ms(client, n_tried);
        if (transport_clock_ms() + wait_ms >= end_ms) return status;
        usleep((useconds_t)(wait_ms * 1000));
    }
}

enum thetad_status thetad_call(struct thetad *client, const char *op, const void *fields,
                               size_t n_field, const uint8_t **out_reply, size_t *out_n)
{
    enum thetad_status status = build_request(client, op, slice_of(fields, n_field));
    bool answered;

    if (!status) status = exchange(client);
    answered = status == THETAD_OK || status == THETAD_ERROR_REPLY;
    if (out_reply) *out_reply = answered ? zmq_msg_data(&client->reply) : NULL;
    if (out_n) *out_n = answered ? zmq_msg_size(&client->reply) : 0;
    return status;
}

enum thetad_status thetad_ping(struct thetad *client)
{
    return thetad_call(client, "ping", NULL, 0, NULL, NULL);
}
