/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ZAP handler, asked as libzmq asks it and in ways in which it never would; and by libzmq
 * itself, with a socket between. */
#include "server/auth.h"
#include "server/frames.h"
#include "server/keys.h"

#include <criterion/criterion.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

enum { WAIT_MS = 10000, QUIET_MS = 300 };

struct gate {
    void *zmq;
    struct auth *auth;
    char public_key[41], secret_key[41];
    struct key_admission admission;
};

static void gate_open(struct gate *gate)
{
    struct fault fault = {0};

    log_set_level(LOG_ERROR);
    gate->zmq = zmq_ctx_new();
    cr_assert_eq(auth_start(gate->zmq, &gate->auth, &fault), OK, "%s", fault.text);
    cr_assert_eq(zmq_curve_keypair(gate->public_key, gate->secret_key), 0);
    gate->admission.expires_ms = INT64_MAX;
    cr_assert(zmq_z85_decode(gate->admission.public_key, gate->public_key));
}

static void gate_close(struct gate *gate)
{
    auth_stop(gate->auth);
    zmq_ctx_term(gate->zmq);
}

static void admit(struct gate *gate, size_t n)
{
    cr_assert(auth_admit(gate->auth, slice_of(&gate->admission, n * sizeof(gate->admission))));
}

struct frames {
    int n;
    struct slice frame[9];
};

static void *ask(struct gate *gate, const struct frames *frames)
{
    void *socket = zmq_socket(gate->zmq, ZMQ_REQ);
    int linger = 0, wait_ms = WAIT_MS;

    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms));
    cr_assert_eq(zmq_connect(socket, "inproc://zeromq.zap.01"), 0);
    for (int i = 0; i < frames->n; i++) {
        cr_assert_geq(zmq_send(socket, frames->frame[i].data, frames->frame[i].n,
                               i + 1 < frames->n ? ZMQ_SNDMORE : 0),
                      0);
    }
    return socket;
}

/* What it answers: the status; the User-Id into `user`. The form is checked: who is let in gets a
 * routing id. */
static const char *decision(struct gate *gate, const struct frames *frames, char user[FRAMES_USER])
{
    static char status[4];
    void *socket = ask(gate, frames);
    char text[6][256];
    int more = 1, n = 0, n_metadata = 0;
    size_t size = sizeof(more);

    for (; more; n++) {
        int got = zmq_recv(socket, n < 6 ? text[n] : text[5], 255, 0);

        cr_assert_geq(got, 0, "no answer");
        text[n < 6 ? n : 5][got > 255 ? 255 : got] = '\0';
        n_metadata = got;
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
    }
    zmq_close(socket);
    cr_expect_eq(n, 6);
    cr_expect_str_eq(text[0], "1.0");
    memcpy(status, text[2], 4);
    strncpy(user, text[4], FRAMES_USER);
    cr_expect_eq(n_metadata, strcmp(status, "200") == 0 ? 13 + AUTH_ROUTING_ID : 0);
    return status;
}

static struct frames good_frames(struct gate *gate)
{
    return (struct frames){7,
                           {slice_str("1.0"), slice_str("r-17"), slice_str(AUTH_DOMAIN),
                            slice_str("192.0.2.7"), slice_str(""), slice_str("CURVE"),
                            slice_of(gate->admission.public_key, 32)}};
}

Test(auth, lets_in_who_is_known_and_nobody_else)
{
    struct gate gate;
    struct frames frames;
    char user[FRAMES_USER];

    gate_open(&gate);
    frames = good_frames(&gate);
    cr_expect_str_eq(decision(&gate, &frames, user), "400", "before any key is known");
    cr_expect_str_empty(user);
    admit(&gate, 1);
    cr_expect_str_eq(decision(&gate, &frames, user), "200");
    cr_assert(auth_key(gate.auth, user), "%s", user);
    cr_expect_str_eq(auth_key(gate.auth, user), gate.public_key);
    admit(&gate, 0);
    cr_expect_str_eq(decision(&gate, &frames, user), "400", "the key was taken away");
    gate.admission.expires_ms = ((int64_t)time(NULL) + 1000) * 1000;
    admit(&gate, 1);
    cr_expect_str_eq(decision(&gate, &frames, user), "200");
    gate.admission.expires_ms = (int64_t)time(NULL) * 1000;
    admit(&gate, 1);
    cr_expect_str_eq(decision(&gate, &frames, user), "400", "the key has expired");
    gate_close(&gate);
}

/* A User-Id that a peer has made up, as libzmq takes it where there is no handler, is nobody's. */
Test(auth, knows_its_own_word)
{
    struct gate gate;
    char user[FRAMES_USER] = "0123456789abcdef";

    gate_open(&gate);
    cr_expect_null(auth_key(gate.auth, ""));
    cr_expect_null(auth_key(gate.auth, gate.public_key));
    strcat(user, gate.public_key);
    cr_expect_null(auth_key(gate.auth, user));
    gate_close(&gate);
}

Test(auth, refuses_nonsense)
{
    static char long_text[1000];
    struct gate gate;
    char user[FRAMES_USER];

    gate_open(&gate);
    memset(long_text, 'x', sizeof(long_text));
    admit(&gate, 1);
    for (int i = 0; i < 7; i++) {
        struct slice others[] = {slice_str("2.0"), slice_of(long_text, sizeof(long_text)),
                                 slice_of(long_text, 31)};

        for (int j = 0; j < 3; j++) {
            struct frames frames = good_frames(&gate);

            if (i == 4 || (j != 1 && (i == 1 || i == 3))) continue;  // any text will do
            frames.frame[i] = others[j];
            cr_expect_str_eq(decision(&gate, &frames, user), "400", "frame %d, %d", i, j);
        }
    }
    for (int n = 1; n <= 9; n++) {
        struct frames frames = good_frames(&gate);

        if (n == 7) continue;
        frames.n = n;
        cr_expect_str_eq(decision(&gate, &frames, user), "400", "%d frames", n);
    }
    {
        struct frames frames = good_frames(&gate);

        cr_expect_str_eq(decision(&gate, &frames, user), "200", "it still serves");
    }
    gate_close(&gate);
}

/* `routing_id` [5]: of its own, or NULL. */
static void *client_of(struct gate *gate, const char *server_public, const char *endpoint,
                       const uint8_t *routing_id)
{
    void *socket = zmq_socket(gate->zmq, ZMQ_DEALER);
    int linger = 0;

    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
    if (server_public) {
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_public, 40);
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, gate->public_key, 40);
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, gate->secret_key, 40);
    }
    if (routing_id) zmq_setsockopt(socket, ZMQ_ROUTING_ID, routing_id, 5);
    cr_assert_eq(zmq_connect(socket, endpoint), 0);
    cr_assert_geq(zmq_send(socket, "hi", 2, 0), 0);
    return socket;
}

static bool wait_for(void *socket, int wait_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};

    return zmq_poll(&item, 1, wait_ms) > 0;
}

/* The whole way: keys, handshake, User-Id on the message. The poll is what makes libzmq 4.3.4 lose
 * the User-Id of the first frame, so a reader of that frame fails here. */
Test(auth, names_the_peer_after_a_poll)
{
    struct endpoint_config endpoint = {.url = "tcp://127.0.0.1:*"};
    char server_public[41], server_secret[41], url[256], user[FRAMES_USER];
    struct buf envelope = {0}, body = {0};
    struct fault fault = {0};
    void *router, *client, *plain;
    size_t size = sizeof(url);
    struct gate gate;

    gate_open(&gate);
    admit(&gate, 1);
    cr_assert_eq(zmq_curve_keypair(server_public, server_secret), 0);
    cr_assert_eq(frames_bind(gate.zmq, &endpoint, -1, server_secret, &router, &fault), OK, "%s",
                 fault.text);
    cr_assert_eq(zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, url, &size), 0);
    plain = client_of(&gate, NULL, url, NULL);
    client = client_of(&gate, server_public, url, NULL);
    for (int i = 0; i < 3; i++) {
        if (i > 0) cr_assert_geq(zmq_send(client, "hi", 2, 0), 0);
        cr_assert(wait_for(router, WAIT_MS));
        cr_assert_eq(frames_receive(router, &envelope, &body, user, NULL), FRAMES_MESSAGE);
        cr_expect(slice_equal_str(buf_slice(&body), "hi"));
        cr_assert(auth_key(gate.auth, user), "user is \"%s\"", user);
        cr_expect_str_eq(auth_key(gate.auth, user), gate.public_key);
    }
    cr_expect_not(wait_for(router, QUIET_MS), "the peer without a key is not let in");
    zmq_close(plain);
    zmq_close(client);
    zmq_close(router);
    buf_done(&envelope);
    buf_done(&body);
    gate_close(&gate);
}

/* A frame of the envelope, which is the first and only one. */
static struct slice routing_id_of(void *router, const char *id)
{
    static struct buf envelope, body;
    char user[FRAMES_USER];

    buf_clear(&envelope);
    cr_assert(wait_for(router, WAIT_MS), "nothing of the peer that set %s", id);
    cr_assert_eq(frames_receive(router, &envelope, &body, user, NULL), FRAMES_MESSAGE);
    cr_assert_geq(envelope.n, 1);
    return slice_of(envelope.data + 1, envelope.n - 1);
}

/* libzmq numbers the peers that have no routing id, and its assertion ends the process where one
 * has set the number that is the next one's. With keys a peer's own id counts for nothing. */
Test(auth, gives_every_peer_its_routing_id)
{
    struct endpoint_config endpoint = {.url = "tcp://127.0.0.1:*"};
    char server_public[41], server_secret[41], url[256];
    uint8_t number[5] = {0}, seen[3][AUTH_ROUTING_ID];
    struct fault fault = {0};
    void *router, *client[3];
    size_t size = sizeof(url);
    struct gate gate;

    gate_open(&gate);
    admit(&gate, 1);
    cr_assert_eq(zmq_curve_keypair(server_public, server_secret), 0);
    cr_assert_eq(frames_bind(gate.zmq, &endpoint, -1, server_secret, &router, &fault), OK, "%s",
                 fault.text);
    cr_assert_eq(zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, url, &size), 0);
    for (int i = 0; i < 3; i++) {
        struct slice id;

        client[i] = client_of(&gate, server_public, url, i == 1 ? number : NULL);
        id = routing_id_of(router, i == 1 ? "the next one's" : "none");
        if (id.n == sizeof(number)) {
            memcpy(number, id.data, sizeof(number));
            number[4]++;
        }
        cr_expect_eq(id.n, AUTH_ROUTING_ID);
        memcpy(seen[i], id.data, id.n);
    }
    cr_expect_neq(memcmp(seen[0], seen[1], AUTH_ROUTING_ID), 0);
    cr_expect_neq(memcmp(seen[0], seen[2], AUTH_ROUTING_ID), 0);
    for (int i = 0; i < 3; i++) zmq_close(client[i]);
    zmq_close(router);
    gate_close(&gate);
}

/* A routing id of the peer's choice could be another peer's. */
Test(auth, knows_a_routing_id_that_was_set)
{
    struct endpoint_config endpoint = {.url = "tcp://127.0.0.1:*"};
    struct buf envelope = {0}, body = {0};
    struct fault fault = {0};
    char url[256];
    size_t size = sizeof(url);
    void *zmq = zmq_ctx_new(), *router, *client = zmq_socket(zmq, ZMQ_DEALER);

    cr_assert_eq(frames_bind(zmq, &endpoint, -1, NULL, &router, &fault), OK, "%s", fault.text);
    cr_assert_eq(zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, url, &size), 0);
    cr_assert_eq(zmq_setsockopt(client, ZMQ_ROUTING_ID, "four!", 5), 0);
    cr_assert_eq(zmq_connect(client, url), 0);
    cr_assert_geq(zmq_send(client, "hi", 2, 0), 0);
    cr_assert(wait_for(router, WAIT_MS));
    cr_expect_eq(frames_receive(router, &envelope, &body, NULL, NULL), FRAMES_NAMED);
    zmq_close(client);
    zmq_close(router);
    zmq_ctx_term(zmq);
    buf_done(&envelope);
    buf_done(&body);
}
