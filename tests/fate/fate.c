/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fate [--from SEED] [--seeds N] [--tell]: one seed decides everything that happens in a world of a
 * daemon, a few sessions with two frontends each, and a network, a disk, a memory and a clock that
 * fail. What the daemon tells is judged (judge.h). A world that goes wrong is printed with its
 * seed; every hundredth is run twice and must go alike to the last byte. */
#include "tests/fate/judge.h"
#include "tests/fate/machine.h"
#include "tests/fate/world.h"
#include "tests/fuzz/fuzz.h"

#include "base/rng.h"
#include "proto/writer.h"

#include <argp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    N_SESSION = 3,
    N_FRONTEND = 2 * N_SESSION,
    FLIGHTS = 256,
    TURNS = 300,        // in which things fail
    CALM_TURNS = 3000,  // in which everybody must finish after that
    PATIENCE_US = 60000,
    TWICE = 100,
    ID = 1000,  // ids of requests: this times their number, and their frontend
};

/* A frontend asks one thing at a time, and again the very same until it has a reply. */
struct frontend {
    struct request_sent request;
    struct buf body;
    int64_t sent_us;
    bool waits, is_lost;   // lost: it was refused, and is to look how the session stands
    struct moment moment;  // of the last good reply
};

/* A message under way. */
struct flight {
    int64_t at_us;
    bool is_reply;
    struct buf bytes;
};

/* What happened in all worlds. */
struct counts {
    uint64_t turns, requests, replies, lost, doubled, kills, cuts, disks, memories, jumps;
};

struct fate {
    struct world world;
    struct judge judge;
    struct decoder decoder;
    struct frontend frontend[N_FRONTEND];
    struct flight flight[FLIGHTS];
    size_t n_flight;
    uint64_t seed, draw, n_request, trace;
    bool jumps;  // of the clock are among what fails; then nothing else that may end a process is,
                 // as the next one could not tell
    bool is_calm;
    bool is_told;  // every event is printed
    struct counts counts;
};

static double chance(struct fate *fate)
{
    return rng_uniform(fate->seed, fate->draw++);
}

static uint64_t below(struct fate *fate, uint64_t n)
{
    return (uint64_t)(chance(fate) * (double)n);
}

static bool happens(struct fate *fate, double probability)
{
    return chance(fate) < probability && !fate->is_calm;
}

/* One line of the story, where somebody wants to read it. */
static void tell(const struct fate *fate, const char *fmt, ...) PRINTF(2, 3);
static void tell(const struct fate *fate, const char *fmt, ...)
{
    va_list args;

    if (!fate->is_told) return;
    printf("%9.3f ms  ", (double)fate->world.forward_us / 1000.0);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
}

static bool is_wrong(const struct fate *fate)
{
    return fate->judge.wrong[0];
}

static void note(struct fate *fate, const void *data, size_t n)
{
    const uint8_t *byte = data;

    for (size_t i = 0; i < n; i++) fate->trace = (fate->trace ^ byte[i]) * 1099511628211u;
}

/* Messages are lost, doubled and held up. */
static void fly(struct fate *fate, bool is_reply, struct slice bytes)
{
    unsigned n = 1;

    if (happens(fate, 0.06)) {
        n = 0;
        fate->counts.lost++;
    } else if (happens(fate, 0.06)) {
        n = 2;
        fate->counts.doubled++;
    }
    for (; n > 0 && fate->n_flight < FLIGHTS; n--) {
        struct flight *flight = &fate->flight[fate->n_flight++];
        int64_t delay_us = (int64_t)below(fate, happens(fate, 0.1) ? 400000 : 3000);

        flight->at_us = fate->world.forward_us + delay_us;
        flight->is_reply = is_reply;
        buf_clear(&flight->bytes);
        buf_append(&flight->bytes, bytes.data, bytes.n);
    }
}

static void write_body(struct buf *body, const struct request_sent *request)
{
    static const struct {
        const char *op;
        size_t n_field;
    } ops[] = {{"session.start", 7}, {"session.get", 4}, {"session.answer", 7}};
    char session[LIMIT_ID], test[LIMIT_ID];
    struct writer out = writer_of(body);

    snprintf(session, sizeof(session), "s%u", request->session);
    snprintf(test, sizeof(test), "t%u", request->session % WORLD_TESTS);
    buf_clear(body);
    write_map(&out, ops[request->op].n_field);
    put_int(&out, "v", 1);
    put_int(&out, "id", (int64_t)request->id);
    put_text(&out, "op", ops[request->op].op);
    put_text(&out, "session", session);
    if (request->op == SENT_START) {
        put_text(&out, "test", test);
        put_text(&out, "examinee", session);
        put_int(&out, "seed", 7 + request->session);
    } else if (request->op == SENT_ANSWER) {
        put_int(&out, "seq", request->seq);
        put_text(&out, "item", request->item);
        put_int(&out, "response", request->response);
    }
}

/* What a frontend asks next. The two of a session mostly agree on the answer. */
static void make_request(struct fate *fate, unsigned f)
{
    struct frontend *frontend = &fate->frontend[f];
    struct request_sent *request = &frontend->request;
    const struct moment *moment = &frontend->moment;

    *request = (struct request_sent){.session = f / 2, .id = fate->n_request++ * ID + f};
    if (!moment->asked) {
        request->op = SENT_START;
    } else if (frontend->is_lost || moment->has_ended || happens(fate, 0.05)) {
        request->op = SENT_GET;
    } else {
        request->op = SENT_ANSWER;
        request->seq = moment->asked;
        memcpy(request->item, moment->item, sizeof(request->item));
        request->response =
            rng_bits(fate->seed, 1000000 + request->session * 100 + request->seq) & 1;
        if (chance(fate) < 0.1) request->response = !request->response;
    }
    judge_sent(&fate->judge, request);
    write_body(&frontend->body, request);
    fate->counts.requests++;
}

static void ask(struct fate *fate, unsigned f)
{
    struct frontend *frontend = &fate->frontend[f];

    if (frontend->moment.has_ended && !frontend->waits) return;
    if (frontend->waits && fate->world.forward_us - frontend->sent_us < PATIENCE_US) return;
    if (!frontend->waits) make_request(fate, f);
    tell(fate, "request %llu of session %u: op %d, question %u, response %u",
         (unsigned long long)frontend->request.id, frontend->request.session,
         (int)frontend->request.op, frontend->request.seq, frontend->request.response);
    frontend->waits = true;
    frontend->sent_us = fate->world.forward_us;
    fly(fate, false, buf_slice(&frontend->body));
}

static unsigned frontend_of(struct fate *fate, struct slice reply, uint64_t *out_id)
{
    struct fault fault;
    msgpack_object root;
    int64_t id = 0;

    if (decode(&fate->decoder, reply, &root, &fault) == OK) {
        object_int(map_find(&root, "id"), 0, INT64_MAX, &id);
    }
    *out_id = (uint64_t)id;
    return (unsigned)(id % ID) % N_FRONTEND;
}

static void take_reply(struct fate *fate, struct slice reply)
{
    uint64_t id;
    struct frontend *frontend = &fate->frontend[frontend_of(fate, reply, &id)];
    struct moment moment = {0};
    enum verdict verdict;

    note(fate, reply.data, reply.n);
    if (!frontend->waits || id != frontend->request.id) return;
    fate->counts.replies++;
    verdict = judge_reply(&fate->judge, &frontend->request, &fate->decoder, reply, &moment);
    tell(fate, "reply to %llu: verdict %d, question %u %s", (unsigned long long)id, (int)verdict,
         moment.asked, moment.item);
    switch (verdict) {
    case JUDGED_GOOD:
        if (moment.asked >= frontend->moment.asked) frontend->moment = moment;
        frontend->waits = frontend->is_lost = false;
        break;
    case JUDGED_REFUSED:
        frontend->waits = false;
        frontend->is_lost = true;
        if (frontend->request.op == SENT_GET) frontend->moment.asked = 0;
        break;
    case JUDGED_LATER:
    case JUDGED_WRONG:
        break;
    }
}

static void deliver(struct fate *fate)
{
    for (size_t i = 0; i < fate->n_flight && !is_wrong(fate); i++) {
        struct flight flight = fate->flight[i];

        if (flight.at_us > fate->world.forward_us) continue;
        if (flight.is_reply)
            take_reply(fate, buf_slice(&flight.bytes));
        else
            world_send(&fate->world, buf_slice(&flight.bytes));
        fate->flight[i--] = fate->flight[--fate->n_flight];
        fate->flight[fate->n_flight] = flight;  // its memory is used again
    }
}

static void restart(struct fate *fate, enum world_end end)
{
    if (end == WORLD_POWER_CUT)
        fate->counts.cuts++;
    else
        fate->counts.kills++;
    tell(fate, end == WORLD_POWER_CUT ? "power cut" : "kill -9");
    if (world_restart(&fate->world, end, rng_bits(fate->seed, fate->draw++))) return;
    snprintf(fate->judge.wrong, sizeof(fate->judge.wrong), "the daemon does not start again");
}

static enum world_end any_end(struct fate *fate)
{
    return chance(fate) < 0.5 ? WORLD_KILLED : WORLD_POWER_CUT;
}

/* What is to go wrong from here on. */
static void disturb(struct fate *fate)
{
    int64_t year_us = (int64_t)365 * 86400 * 1000000, jump_us = 0;

    if (!fate->jumps && happens(fate, 0.01)) restart(fate, any_end(fate));
    if (is_wrong(fate)) return;
    if (!fate->jumps && happens(fate, 0.02)) {
        machine_fail_disk(1 + below(fate, 12));
        fate->counts.disks++;
        tell(fate, "the disk is going to fail");
    }
    if (!fate->jumps && happens(fate, 0.03)) {
        world_fail_memory(&fate->world, 1 + below(fate, 40));
        fate->counts.memories++;
        tell(fate, "memory is going to fail");
    }
    if (fate->jumps && happens(fate, 0.03)) {
        jump_us = (int64_t)below(fate, 2) ? year_us : -year_us;
        fate->counts.jumps++;
        tell(fate, "the clock jumps");
    }
    world_pass(&fate->world, (int64_t)below(fate, happens(fate, 0.02) ? 4000000 : 6000), jump_us);
}

static void turn(struct fate *fate)
{
    struct buf reply = {0};
    bool good;

    fate->counts.turns++;
    disturb(fate);
    for (unsigned f = 0; f < N_FRONTEND; f++) ask(fate, f);
    deliver(fate);
    if (is_wrong(fate)) return;
    good = world_cycle(&fate->world);
    while (world_receive(&fate->world, &reply)) fly(fate, true, buf_slice(&reply));
    buf_done(&reply);
    if (good) return;
    tell(fate, "the daemon ends");
    restart(fate, any_end(fate));
}

static bool have_all_finished(const struct fate *fate)
{
    for (unsigned f = 0; f < N_FRONTEND; f++) {
        if (!fate->frontend[f].moment.has_ended) return false;
    }
    return true;
}

/* Everybody looks once more, when nothing fails, at a daemon that was started anew. */
static void look_again(struct fate *fate)
{
    restart(fate, WORLD_POWER_CUT);
    for (unsigned f = 0; f < N_FRONTEND; f++) {
        fate->frontend[f].moment.has_ended = false;
        fate->frontend[f].is_lost = true;
    }
}

static void run_calm(struct fate *fate)
{
    fate->is_calm = true;
    world_fail_memory(&fate->world, 0);
    machine_fail_disk(0);
    for (int again = 0; again < 2 && !is_wrong(fate); again++) {
        int n = 0;

        for (; n < CALM_TURNS && !is_wrong(fate) && !have_all_finished(fate); n++) turn(fate);
        if (n == CALM_TURNS) {
            snprintf(fate->judge.wrong, sizeof(fate->judge.wrong), "a session does not go on");
        }
        if (!again && !is_wrong(fate)) look_again(fate);
    }
}

/* Live through one world. Its trace is a hash of every reply. */
static bool live(struct fate *fate, uint64_t seed)
{
    fate->seed = seed;
    fate->draw = fate->n_request = fate->n_flight = 0;
    fate->trace = 14695981039346656037u;
    fate->is_calm = false;
    fate->jumps = rng_bits(seed, 999999) % 4 == 0;
    for (unsigned f = 0; f < N_FRONTEND; f++) {
        fate->frontend[f].waits = fate->frontend[f].is_lost = false;
        fate->frontend[f].moment = (struct moment){0};
    }
    judge_begin(&fate->judge, world_secret, WORLD_QUESTIONS);
    world_begin(&fate->world);
    for (int n = 0; n < TURNS && !is_wrong(fate); n++) turn(fate);
    if (!is_wrong(fate)) run_calm(fate);
    world_end(&fate->world);
    if (is_wrong(fate)) printf("seed %llu: %s\n", (unsigned long long)seed, fate->judge.wrong);
    return !is_wrong(fate);
}

static bool live_twice(struct fate *fate, uint64_t seed)
{
    uint64_t first;

    if (!live(fate, seed)) return false;
    first = fate->trace;
    if (!live(fate, seed)) return false;
    if (fate->trace == first) return true;
    printf("seed %llu: another trace the second time\n", (unsigned long long)seed);
    return false;
}

struct options {
    uint64_t from, n;
    bool tell;
};

static const struct argp_option option_list[] = {
    {"from", 'f', "SEED", 0, "The first seed (1)", 0},
    {"seeds", 'n', "N", 0, "How many worlds (100)", 0},
    {"tell", 't', NULL, 0, "Print all that happens", 0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct options *options = state->input;

    switch (key) {
    case 'f':
        options->from = strtoull(argument, NULL, 10);
        return 0;
    case 'n':
        options->n = strtoull(argument, NULL, 10);
        return 0;
    case 't':
        options->tell = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = option_list,
                                 .parser = parse,
                                 .doc = "Worlds in which everything fails, each from one seed."};

static void print_counts(const struct counts *c, uint64_t n_world, uint64_t n_bad)
{
    printf("worlds=%llu bad=%llu turns=%llu requests=%llu replies=%llu lost=%llu doubled=%llu "
           "kills=%llu cuts=%llu disks=%llu memories=%llu jumps=%llu\n",
           (unsigned long long)n_world, (unsigned long long)n_bad, (unsigned long long)c->turns,
           (unsigned long long)c->requests, (unsigned long long)c->replies,
           (unsigned long long)c->lost, (unsigned long long)c->doubled,
           (unsigned long long)c->kills, (unsigned long long)c->cuts, (unsigned long long)c->disks,
           (unsigned long long)c->memories, (unsigned long long)c->jumps);
}

int main(int argc, char **argv)
{
    static struct fate fate;
    struct options options = {.from = 1, .n = 100};
    uint64_t n_bad = 0;

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    fate.is_told = options.tell;
    world_open(&fate.world, fuzz_folder());
    if (decoder_init(&fate.decoder)) abort();
    for (uint64_t seed = options.from; seed < options.from + options.n; seed++) {
        bool good = seed % TWICE == 0 ? live_twice(&fate, seed) : live(&fate, seed);

        n_bad += !good;
        fflush(stdout);
    }
    print_counts(&fate.counts, options.n, n_bad);
    decoder_done(&fate.decoder);
    for (size_t i = 0; i < FLIGHTS; i++) buf_done(&fate.flight[i].bytes);
    for (size_t f = 0; f < N_FRONTEND; f++) buf_done(&fate.frontend[f].body);
    world_close(&fate.world);
    return n_bad ? 1 : 0;
}
