/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fate/world.h"
#include "server/frames.h"
#include "server/uploads.h"
#include "tests/fate/machine.h"
#include "tests/fuzz/fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { N_ITEM = 16, MAP_MIB = 4, TEXT = 1024, IDLE_S = 2, TIME_MS = 1000000000 };

static const int64_t began_us = 1700000000000000;
static const char endpoint[] = "inproc://fate";

const char world_secret[] = "CANARY";

void world_pass(struct world *world, int64_t us, int64_t jump_us)
{
    world->forward_us += us;
    world->wall_us += us + jump_us;
    machine_set_clock(world->forward_us, world->wall_us);
}

/* What is under way in the network is lost with the process. */
static void drain(void *socket)
{
    char byte[1];

    while (zmq_recv(socket, byte, sizeof(byte), ZMQ_DONTWAIT) >= 0) continue;
}

/* Helpers are threads of their own, and with them nothing happens twice alike: the store is made
 * with their help, and then they are there and have nothing to do. */
static void start_helpers(struct world *world)
{
    struct loop *loop = &world->loop;

    for (int h = 0; h < N_HELPER; h++) {
        MUST(helper_start(world->zmq, helper_names[h], world->server.env, &loop->helper[h]) == OK);
        loop->helper_source[h] = wait_add(&loop->wait, helper_socket(loop->helper[h]), -1);
    }
}

static void make_plan(void *context, struct test_entry *entry)
{
    struct world *world = context;
    struct registry *registry = world->server.registry;
    struct test_version *test = test_entry_version(entry, 0);
    struct library_name name = {slice_str("local"), slice_str(test->test.bank)};
    struct bank_version *bank = bank_entry_version(registry_bank(registry, name), 0);
    struct faults faults = {0};
    const struct plan *plan;

    MUST(registry_plan(registry, test, bank, &plan, &faults) == OK);
}

static bool start(struct world *world)
{
    struct loop *loop = &world->loop;
    struct loop old = *loop;
    struct fault fault = {0};

    drain(old.router[IPC_ENDPOINT]);
    drain(world->network);
    *loop = (struct loop){.server = &world->server, .zmq = world->zmq};
    loop->router[IPC_ENDPOINT] = old.router[IPC_ENDPOINT];
    loop->router_source[IPC_ENDPOINT] = wait_add(&loop->wait, old.router[IPC_ENDPOINT], -1);
    for (int h = 0; h < N_HELPER; h++) {
        loop->helper[h] = old.helper[h];
        loop->helper_source[h] = WAIT_SOURCES - 1;  // asleep for ever
    }
    MUST(decoder_init(&loop->decoder) == OK);
    if (server_open(&world->server, &world->config, &fault)) {
        fprintf(stderr, "the daemon does not start: %s\n", fault.text);
        return false;
    }
    /* Or else the first start of a session would ask a helper for it. */
    registry_each_test(world->server.registry, slice_str("local"), make_plan, world);
    return true;
}

static void stop(struct world *world)
{
    struct loop *loop = &world->loop;

    server_close(&world->server);
    decoder_done(&loop->decoder);
    inbox_done(&loop->inbox);
    buf_done(&loop->envelope);
    buf_done(&loop->body);
    buf_done(&loop->reply);
    buf_done(&loop->helped);
}

void world_send(struct world *world, struct slice body)
{
    MUST(zmq_send(world->network, body.data, body.n, 0) >= 0);
}

void world_fail_memory(struct world *world, uint64_t n)
{
    world->memory_fails_at = n;
}

bool world_cycle(struct world *world)
{
    wait_wake(&world->loop.wait, world->loop.router_source[IPC_ENDPOINT]);
    machine_fail_memory(world->memory_fails_at);
    cycle(&world->loop);
    machine_fail_memory(0);
    world->memory_fails_at = 0;
    return !world->loop.done;
}

bool world_receive(struct world *world, struct buf *out)
{
    zmq_msg_t message;
    bool got;

    zmq_msg_init(&message);
    got = zmq_msg_recv(&message, world->network, ZMQ_DONTWAIT) >= 0;
    if (got) {
        buf_clear(out);
        buf_append(out, zmq_msg_data(&message), zmq_msg_size(&message));
    }
    zmq_msg_close(&message);
    return got;
}

/* A request of the author's, which must go well. */
static void ask(struct world *world, const char *fields, ...) PRINTF(2, 3);
static void ask(struct world *world, const char *fields, ...)
{
    char text[TEXT];
    struct buf body = {0}, reply = {0};
    size_t n = (size_t)snprintf(text, sizeof(text), "{'v': 1, 'id': 7, ");
    struct fault fault = {0};
    msgpack_object root;
    va_list args;

    va_start(args, fields);
    n += (size_t)vsnprintf(text + n, sizeof(text) - n, fields, args);
    va_end(args);
    MUST(n + 2 <= sizeof(text));
    strcpy(text + n, "}");
    fuzz_wire(text, &body);
    world_send(world, buf_slice(&body));
    while (!world_receive(world, &reply)) {
        for (int h = 0; h < N_HELPER; h++) {
            wait_wake(&world->loop.wait, world->loop.helper_source[h]);
        }
        world_pass(world, 1000, 0);
        MUST(world_cycle(world));
    }
    MUST(decode(&world->loop.decoder, buf_slice(&reply), &root, &fault) == OK);
    MUST(map_find(&root, "ok")->via.boolean);
    buf_done(&body);
    buf_done(&reply);
}

static void publish(struct world *world)
{
    static const char *const tests[WORLD_TESTS] = {
        "'select': {'randomesque': 3}",
        "'exposure': {'rule': 'sympson-hetter'}, 'final': {'method': 'WLE'}",
        "'estimate': {'method': 'MAP'}, 'select': {'criterion': 'MEPV'}, 'revise': 2",
        "'estimate': {'method': 'ML'}, 'start': {'items': ['q3', 'q9']}",
    };

    ask(world, "'op': 'bank.begin', 'bank': 'b'");
    for (int i = 0; i < N_ITEM; i++) {
        ask(world,
            "'op': 'bank.add', 'upload': 1, 'items': [{'id': 'q%d', 'model': '2PL', 'a': %.17g, "
            "'b': %.17g, 'exposure': %.2f, 'key': '%s%d', 'content': 'question %d'}]",
            i, 0.8 + 0.07 * i, -1.6 + 0.2 * i + 0.013 * (i % 3), i % 4 ? 1.0 : 0.5, world_secret, i,
            i);
        uploads_find(world->server.uploads, slice_str("local"), 1)->has_last = false;
    }
    ask(world, "'op': 'bank.publish', 'upload': 1");
    for (int i = 0; i < WORLD_TESTS; i++) {
        ask(world,
            "'op': 'test.put', 'document': {'test': 't%d', 'bank': 'b', 'reveal': true, %s, "
            "'stop': {'any': [{'rule': 'length', 'at': %d}, {'rule': 'time', 'at_ms': %lld}]}}",
            i, tests[i], WORLD_QUESTIONS, (long long)TIME_MS);
    }
}

void world_open(struct world *world, const char *folder)
{
    struct endpoint_config address = {.roles = ROLE_ALL};
    struct fault fault = {0};
    int unlimited = 0;

    log_set_level(LOG_ERROR);
    fuzz_dull_random();
    config_init(&world->config);
    snprintf(world->config.data_dir, sizeof(world->config.data_dir), "%s", folder);
    snprintf(world->path, sizeof(world->path), "%s/data.mdb", folder);
    snprintf(world->mark, sizeof(world->mark), "%s/mark", folder);
    world->config.map_mib = MAP_MIB;
    world->config.reserve_mib = 0;
    world->config.idle_s = IDLE_S;
    world->config.endpoint[IPC_ENDPOINT].roles = ROLE_ALL;
    world->zmq = zmq_ctx_new();
    snprintf(address.url, sizeof(address.url), "%s", endpoint);
    MUST(world->zmq);
    MUST(frames_bind(world->zmq, &address, -1, NULL, &world->loop.router[IPC_ENDPOINT], &fault) ==
         0);
    world->network = zmq_socket(world->zmq, ZMQ_DEALER);
    MUST(zmq_setsockopt(world->network, ZMQ_SNDHWM, &unlimited, sizeof(unlimited)) == 0);
    MUST(zmq_setsockopt(world->network, ZMQ_RCVHWM, &unlimited, sizeof(unlimited)) == 0);
    MUST(zmq_connect(world->network, endpoint) == 0);
    world->wall_us = began_us;
    world_pass(world, 1000000, 0);
    MUST(start(world));
    start_helpers(world);
    publish(world);
    stop(world);
    machine_read(world->path, &world->base);
}

void world_close(struct world *world)
{
    for (int h = 0; h < N_HELPER; h++) helper_stop(world->loop.helper[h]);
    zmq_close(world->network);
    zmq_close(world->loop.router[IPC_ENDPOINT]);
    zmq_ctx_term(world->zmq);
    buf_done(&world->base);
    buf_done(&world->disk);
}

void world_begin(struct world *world)
{
    world->forward_us = 1000000;
    world->wall_us = began_us;
    world_pass(world, 0, 0);
    machine_set_disk(world->path, buf_slice(&world->base));
    unlink(world->mark);  // it is the last world's; kills and power cuts leave it
    MUST(start(world));
    world->config.endpoint[IPC_ENDPOINT].roles = ROLE_FRONTEND;
}

void world_end(struct world *world)
{
    stop(world);
}

bool world_restart(struct world *world, enum world_end end, uint64_t seed)
{
    machine_fail_disk(0);
    stop(world);
    if (end == WORLD_POWER_CUT)
        machine_power_cut(seed, &world->disk);
    else
        machine_read(world->path, &world->disk);
    machine_set_disk(world->path, buf_slice(&world->disk));
    return start(world);
}
