/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The thread has a copy of the admissions of its own, which comes as a message; nothing is shared.
 * What it says of a peer is its public key, as the User-Id of the connection's messages: the loop
 * looks up what that key may do when a request comes, so that a change holds for connections that
 * stand. In front of it stands a secret of this process: where libzmq finds no handler it lets the
 * peer in, and takes a User-Id from the peer itself. */
#include "server/auth.h"
#include "base/planted.h"
#include "server/clock.h"
#include "server/keys.h"
#include "server/log.h"
#include "server/pulse.h"
#include "server/refusals.h"
#include "server/thread.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define ZAP_ENDPOINT     "inproc://zeromq.zap.01"
#define CONTROL_ENDPOINT "inproc://auth"

enum { TOKEN_BYTES = 8, TOKEN = 2 * TOKEN_BYTES };  // of the secret; its hexadecimal digits
enum { FRAME_BYTES = 256, KEY_BYTES = 32, CONTROL_MS = 5000, AT_ONCE = 64, REST_US = 1000 };

/* The frames of a ZAP request for CURVE, in this order, behind the way back. */
enum {
    PEER,
    DELIMITER,
    VERSION,
    REQUEST_ID,
    DOMAIN_NAME,
    ADDRESS,
    IDENTITY,
    MECHANISM,
    CREDENTIALS,
    ZAP_FRAMES
};

struct frame {
    size_t n;
    uint8_t data[FRAME_BYTES];
};

/* What is to be answered: the User-Id, "" for nobody's. */
struct verdict {
    struct frame peer, request_id;
    char user[TOKEN + CERTIFICATE_KEY + 1];
};

/* What the thread works with. It is all made before the thread is, which then owns it. */
struct gate {
    void *zap, *control, *monitor;
    struct buf admissions;
    struct refusals refusals;
    struct frame frame[ZAP_FRAMES];
    struct verdict verdict[AT_ONCE];
    struct pulse pulse;
    char token[TOKEN + 1];
};

struct auth {
    void *loop_end;
    struct gate gate;
    struct thread thread;
};

/* Take a whole message; -1 where there is none. How many frames it had: one that is too many or too
 * long makes it bad. */
static int receive(struct gate *gate, bool *out_good)
{
    struct frame rest;
    int n = 0, more = 1;
    size_t size = sizeof(more);

    for (*out_good = true; more; n++) {
        struct frame *frame = n < ZAP_FRAMES ? &gate->frame[n] : &rest;
        int got = zmq_recv(gate->zap, frame->data, FRAME_BYTES, n == 0 ? ZMQ_DONTWAIT : 0);

        if (got < 0 || zmq_getsockopt(gate->zap, ZMQ_RCVMORE, &more, &size)) return -1;
        if (got > FRAME_BYTES || n >= ZAP_FRAMES) *out_good = false;
        frame->n = (size_t)(got > FRAME_BYTES ? FRAME_BYTES : got);
    }
    return n;
}

static bool frame_is(const struct frame *frame, const char *text)
{
    return slice_equal_str(slice_of(frame->data, frame->n), text);
}

static int by_key(const void *key, const void *admission)
{
    return memcmp(key, admission, KEY_BYTES);
}

/* Why the key is not let in, NULL where it is. */
static const char *decide(const struct gate *gate, const uint8_t *key)
{
    const struct key_admission *found = NULL;

    if (gate->admissions.n > 0) {
        found = bsearch(key, gate->admissions.data, gate->admissions.n / sizeof(*found),
                        sizeof(*found), by_key);
    }
    if (!found) return "unknown key";
    return clock_wall_ms() >= found->expires_ms ? "expired key" : NULL;
}

static void tell(struct gate *gate, const char *key, const char *why)
{
    const struct frame *frame = &gate->frame[ADDRESS];
    char address[LOG_VALUE], name[REFUSAL_NAME];
    uint64_t n_before;

    log_value(slice_of(frame->data, frame->n), address);
    snprintf(name, sizeof(name), "%.60s %s", address, key);
    if (!refusals_add(&gate->refusals, name, clock_us(), &n_before)) return;
    log_line(LOG_WARN, "connection refused",
             "address=\"%.60s\" key=\"%s\" reason=\"%s\" before=%llu", address, key, why,
             (unsigned long long)n_before);
}

static bool send_text(struct gate *gate, const char *text)
{
    return zmq_send(gate->zap, text, strlen(text), ZMQ_SNDMORE) >= 0;
}

/* libzmq numbers the peers that have set no routing id, and its assertion fails, and the process
 * ends, where one of those that have has taken the next number. A peer cannot know it, but who has
 * thousands of connections can take thousands of numbers and wait. So each peer gets an id from
 * here: metadata of ours, | 8 | "Identity" | length 4 | id |, take the place of its own. */
static bool send_routing_id(struct gate *gate)
{
    static const uint8_t head[] = "\x08Identity\0\0";  // its NUL is there for the length
    uint8_t metadata[sizeof(head) + 1 + AUTH_ROUTING_ID];
    uint8_t *id = metadata + sizeof(head) + 1;

    memcpy(metadata, head, sizeof(head));
    metadata[sizeof(head)] = AUTH_ROUTING_ID;
    id[0] = 0;
    randombytes_buf(id + 1, AUTH_ROUTING_ID - 1);
    return zmq_send(gate->zap, metadata, sizeof(metadata), 0) >= 0;
}

static bool reply(struct gate *gate, const struct verdict *verdict)
{
    const struct frame *peer = &verdict->peer, *id = &verdict->request_id;
    bool is_let_in = verdict->user[0] != '\0', is_nonsense = planted("ZAP talks nonsense");

    return zmq_send(gate->zap, peer->data, peer->n, ZMQ_SNDMORE) >= 0 && send_text(gate, "") &&
           send_text(gate, "1.0") && zmq_send(gate->zap, id->data, id->n, ZMQ_SNDMORE) >= 0 &&
           send_text(gate, is_nonsense ? "777"
                           : is_let_in ? "200"
                                       : "400") &&
           send_text(gate, is_let_in ? "OK" : "no access") &&
           send_text(gate, is_nonsense ? "anybody" : verdict->user) &&
           (is_let_in ? send_routing_id(gate) : zmq_send(gate->zap, "", 0, 0) >= 0);
}

/* A request as libzmq makes them, for our sockets. */
static bool is_request(const struct gate *gate, int n_frame)
{
    const struct frame *frame = gate->frame;

    return n_frame == ZAP_FRAMES && frame[DELIMITER].n == 0 && frame_is(&frame[VERSION], "1.0") &&
           frame_is(&frame[DOMAIN_NAME], AUTH_DOMAIN) && frame_is(&frame[MECHANISM], "CURVE") &&
           frame[CREDENTIALS].n == KEY_BYTES;
}

/* Take one request and decide. False where there is none. */
static bool take_request(struct gate *gate, struct verdict *out)
{
    const uint8_t *key = gate->frame[CREDENTIALS].data;
    char text[CERTIFICATE_KEY + 1];
    const char *why;
    bool good;
    int n = receive(gate, &good);

    if (n < 0) return false;
    out->peer = gate->frame[PEER];
    out->request_id = gate->frame[REQUEST_ID];
    if (n <= REQUEST_ID) out->request_id.n = 0;
    out->user[0] = '\0';
    if (!good || !is_request(gate, n)) return true;
    zmq_z85_encode(text, key, KEY_BYTES);
    why = decide(gate, key);
    if (why)
        tell(gate, text, why);
    else
        snprintf(out->user, sizeof(out->user), "%s%s", gate->token, text);
    return true;
}

/* Answer what has been asked. libzmq looks for the answer as soon as it has asked, and where it is
 * there already the peer's routing id comes after ours and takes its place: so it gets the time to
 * look. False at the end. */
static bool serve_zap(struct gate *gate)
{
    bool good = true;
    size_t n = 0;

    while (n < AT_ONCE && take_request(gate, &gate->verdict[n])) n++;
    if (n == 0) return errno != ETERM;
    if (planted("ZAP is silent")) return true;
    if (planted("ZAP is slow")) sleep(2 * CONTROL_MS / 1000);
    usleep(REST_US);
    for (size_t i = 0; i < n; i++) good = good && reply(gate, &gate->verdict[i]);
    return good;
}

/* libzmq tells the kind of failure, but not whose it was. */
static const char *failure_text(uint16_t event, uint32_t value)
{
    if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) return "given up or too slow";
    if (value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC) return "wrong server key";
    if (value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) return "no CURVE";
    return "no ZMTP";
}

/* An event of the monitor: | event 2 | value 4 |, then a frame with our own address. */
static bool serve_monitor(struct gate *gate)
{
    uint8_t event[6], address[FRAME_BYTES];
    uint16_t kind;
    uint32_t value;
    uint64_t n_before;
    const char *text;

    if (zmq_recv(gate->monitor, event, sizeof(event), 0) < 0 ||
        zmq_recv(gate->monitor, address, sizeof(address), 0) < 0) {
        return errno != ETERM;
    }
    memcpy(&kind, event, sizeof(kind));
    memcpy(&value, event + sizeof(kind), sizeof(value));
    text = failure_text(kind, value);
    if (refusals_add(&gate->refusals, text, clock_us(), &n_before)) {
        log_line(LOG_WARN, "handshake failed", "reason=\"%s\" before=%llu", text,
                 (unsigned long long)n_before);
    }
    return true;
}

/* A new list, or an empty message: the end. */
static bool serve_control(struct gate *gate)
{
    zmq_msg_t message;
    bool more = false;

    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, gate->control, 0) > 0) {
        // The first byte only keeps an empty list apart from the end.
        buf_clear(&gate->admissions);
        buf_append(&gate->admissions, (const uint8_t *)zmq_msg_data(&message) + 1,
                   zmq_msg_size(&message) - 1);
        if (gate->admissions.failed) buf_done(&gate->admissions);
        more = zmq_send(gate->control, "", 0, 0) >= 0;
    }
    zmq_msg_close(&message);
    return more;
}

static void *run(void *argument)
{
    struct gate *gate = argument;
    bool more = true;

    while (more) {
        zmq_pollitem_t item[] = {{gate->control, 0, ZMQ_POLLIN, 0},
                                 {gate->zap, 0, ZMQ_POLLIN, 0},
                                 {gate->monitor, 0, ZMQ_POLLIN, 0}};

        pulse_give(&gate->pulse, PULSE_IDLE_S);
        if (zmq_poll(item, COUNT_OF(item), PULSE_REST_MS) < 0) {
            more = errno == EINTR;
            if (!more)
                log_line(LOG_ERROR, "connections are not decided on any more", "error=\"%s\"",
                         zmq_strerror(errno));
            continue;
        }
        while (planted("auth stuck") && item[1].revents) sleep(1);
        if (item[0].revents) more = serve_control(gate);
        if (more && item[1].revents) more = serve_zap(gate);
        if (more && item[2].revents) more = serve_monitor(gate);
    }
    return NULL;
}

static bool open_sockets(void *zmq_context, struct auth *auth)
{
    struct gate *gate = &auth->gate;
    int wait_ms = CONTROL_MS, no_limit = 0;  // libzmq would wait for room, and all sockets with it

    gate->zap = zmq_socket(zmq_context, ZMQ_ROUTER);
    gate->monitor = zmq_socket(zmq_context, ZMQ_PAIR);
    return pair_open(zmq_context, CONTROL_ENDPOINT, PAIR_QUEUED, &auth->loop_end, &gate->control) &&
           gate->zap && gate->monitor &&
           zmq_setsockopt(gate->monitor, ZMQ_RCVHWM, &no_limit, sizeof(no_limit)) == 0 &&
           zmq_connect(gate->monitor, AUTH_MONITOR) == 0 &&
           zmq_setsockopt(auth->loop_end, ZMQ_RCVTIMEO, &wait_ms, sizeof(wait_ms)) == 0 &&
           zmq_bind(gate->zap, ZAP_ENDPOINT) == 0;
}

enum status auth_start(void *zmq_context, struct auth **out, struct fault *fault)
{
    struct auth *auth = calloc(1, sizeof(*auth));

    uint8_t token[TOKEN_BYTES];

    if (!auth) return NO_MEMORY;
    pulse_give(&auth->gate.pulse, PULSE_IDLE_S);
    randombytes_buf(token, sizeof(token));
    sodium_bin2hex(auth->gate.token, sizeof(auth->gate.token), token, sizeof(token));
    if (!open_sockets(zmq_context, auth) || !thread_start(&auth->thread, run, &auth->gate)) {
        fault_set(fault, NULL, "access.keys", "cannot decide on connections: %s",
                  zmq_strerror(errno));
        auth_stop(auth);
        return IO_ERROR;
    }
    *out = auth;
    return OK;
}

void auth_stop(struct auth *auth)
{
    if (!auth) return;
    if (auth->thread.running) {
        zmq_send(auth->loop_end, "", 0, ZMQ_DONTWAIT);
        thread_join(&auth->thread);
    }
    socket_close(auth->gate.zap);
    socket_close(auth->gate.control);
    socket_close(auth->gate.monitor);
    socket_close(auth->loop_end);
    buf_done(&auth->gate.admissions);
    free(auth);
}

const struct thread *auth_thread(const struct auth *auth)
{
    return &auth->thread;
}

bool auth_is_alive(const struct auth *auth, int64_t now_us)
{
    return pulse_is_alive(&auth->gate.pulse, now_us);
}

const char *auth_key(const struct auth *auth, const char *user)
{
    return strncmp(user, auth->gate.token, TOKEN) == 0 ? user + TOKEN : NULL;
}

bool auth_admit(struct auth *auth, struct slice admissions)
{
    struct buf message = {0};
    char done;
    bool good;

    buf_append(&message, "+", 1);
    buf_append(&message, admissions.data, admissions.n);
    good = !message.failed &&
           zmq_send(auth->loop_end, message.data, message.n, ZMQ_DONTWAIT) >= 0 &&
           zmq_recv(auth->loop_end, &done, 1, 0) >= 0;
    buf_done(&message);
    return good;
}
