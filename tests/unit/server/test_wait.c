/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/wait.h"

#include <criterion/criterion.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

enum { SOON_MS = 20000 };

struct pair {
    void *zmq, *here, *there;
    struct wait wait;
    int source;
};

static void pair_open(struct pair *pair)
{
    *pair = (struct pair){.zmq = zmq_ctx_new()};
    pair->here = zmq_socket(pair->zmq, ZMQ_PAIR);
    pair->there = zmq_socket(pair->zmq, ZMQ_PAIR);
    cr_assert(pair->here && pair->there);
    cr_assert(zmq_bind(pair->here, "inproc://wait") == 0);
    cr_assert(zmq_connect(pair->there, "inproc://wait") == 0);
    pair->source = wait_add(&pair->wait, pair->here, -1);
    cr_assert(pair->source >= 0);
}

static void pair_close(struct pair *pair)
{
    zmq_close(pair->here);
    zmq_close(pair->there);
    zmq_ctx_term(pair->zmq);
}

/* Read until there is nothing, as the loop does. How many messages there were. */
static int empty(struct pair *pair)
{
    char byte;
    int n = 0;

    while (zmq_recv(pair->here, &byte, 1, ZMQ_DONTWAIT) == 1) n++;
    wait_sleep(&pair->wait, pair->source);
    return n;
}

Test(wait, a_socket_wakes_when_a_message_comes)
{
    struct pair pair;

    pair_open(&pair);
    cr_expect(wait_is_awake(&pair.wait, pair.source), "nobody knows yet that it is empty");
    cr_expect(empty(&pair) == 0);
    cr_expect(wait_next(&pair.wait, 0) && !wait_is_awake(&pair.wait, pair.source));
    for (int i = 0; i < 100; i++) {
        cr_assert(zmq_send(pair.there, "m", 1, 0) == 1);
        cr_assert(wait_next(&pair.wait, SOON_MS));
        cr_assert(wait_is_awake(&pair.wait, pair.source), "message %d", i);
        cr_assert(empty(&pair) == 1);
    }
    pair_close(&pair);
}

/* A send may take note of a message that came meanwhile, and then the descriptor is silent. */
Test(wait, nothing_is_lost_behind_a_send)
{
    struct pair pair;
    int n = 0;

    pair_open(&pair);
    empty(&pair);
    for (int i = 0; i < 1000; i++) {
        cr_assert(zmq_send(pair.there, "m", 1, 0) == 1);
        if (i % 3 == 0) usleep(1500);  // libzmq looks for news every millisecond or so
        cr_assert(zmq_send(pair.here, "r", 1, ZMQ_DONTWAIT) == 1);
        wait_wake(&pair.wait, pair.source);
        if (i % 2 == 0) n += empty(&pair);
        cr_assert(zmq_recv(pair.there, (char[1]){0}, 1, 0) == 1);
    }
    while (n < 1000) {
        cr_assert(wait_next(&pair.wait, SOON_MS));
        cr_assert(wait_is_awake(&pair.wait, pair.source), "%d of 1000", n);
        n += empty(&pair);
    }
    pair_close(&pair);
}

/* What only the kernel can tell is seen although another source never sleeps. */
Test(wait, a_busy_socket_hides_nothing)
{
    struct wait wait = {0};
    int busy = eventfd(1, EFD_NONBLOCK), other = eventfd(0, EFD_NONBLOCK);
    int first = wait_add(&wait, NULL, busy), second = wait_add(&wait, NULL, other);

    wait_sleep(&wait, second);
    cr_assert(wait_next(&wait, SOON_MS) && !wait_is_awake(&wait, second));
    cr_assert(write(other, &(uint64_t){1}, 8) == 8);
    for (int i = 0; i < SOON_MS && !wait_is_awake(&wait, second); i++) {
        usleep(1000);
        wait_wake(&wait, first);
        cr_assert(wait_next(&wait, SOON_MS));
    }
    cr_expect(wait_is_awake(&wait, second));
    close(busy);
    close(other);
}
