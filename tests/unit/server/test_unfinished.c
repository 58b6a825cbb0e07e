/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/endpoint.h"
#include "server/unfinished.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SECOND_US = 1000 * 1000, MIB = 1 << 20, ROOM = 15 * MIB / 2 };

/* Two ends of a TCP connection; `ours` is at `port`. */
struct wire {
    int listener, ours, theirs;
    uint16_t port;
    int64_t now_us;
    struct unfinished *unfinished;
};

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t n = sizeof(address);

    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    return endpoint_port(&address);
}

static void connect_again(struct wire *wire)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(wire->port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    wire->theirs = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(wire->theirs, (struct sockaddr *)&address, sizeof(address)), 0);
    wire->ours = accept(wire->listener, NULL, NULL);
    cr_assert_geq(wire->ours, 0);
}

static void wire_open(struct wire *wire)
{
    struct sockaddr_in address = {.sin_family = AF_INET};

    *wire = (struct wire){.now_us = 7};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    wire->listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(wire->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(wire->listener, 5), 0);
    wire->port = port_of(wire->listener);
    connect_again(wire);
    cr_assert_eq(unfinished_new(wire->port, ROOM, &wire->unfinished), OK);
}

static void wire_close(struct wire *wire)
{
    unfinished_free(wire->unfinished);
    close(wire->theirs);
    close(wire->ours);
    close(wire->listener);
}

static void bring(const struct wire *wire, size_t n_mib)
{
    static uint8_t bytes[1 << 16], taken[1 << 16];

    for (size_t i = 0; i < n_mib * MIB / sizeof(bytes); i++) {
        cr_assert_eq(send(wire->theirs, bytes, sizeof(bytes), 0), (ssize_t)sizeof(bytes));
        cr_assert_eq(recv(wire->ours, taken, sizeof(taken), MSG_WAITALL), (ssize_t)sizeof(taken));
    }
}

/* How many were cut in a while. */
static size_t look(struct wire *wire)
{
    size_t n = 0;

    for (int i = 0; i < 4; i++, wire->now_us += SECOND_US / 2)
        n += unfinished_look(wire->unfinished, wire->now_us);
    return n;
}

static bool is_cut(const struct wire *wire)
{
    char byte;

    return recv(wire->theirs, &byte, 1, MSG_DONTWAIT) == 0;
}

Test(unfinished, cuts_who_brings_no_message)
{
    struct wire wire;

    wire_open(&wire);
    bring(&wire, 2);  // as much as a message may have
    cr_expect_eq(look(&wire), 0);
    bring(&wire, 1);
    cr_expect_eq(unfinished_look(wire.unfinished, wire.now_us), 0, "not at once");
    cr_expect_not(is_cut(&wire));
    cr_expect_eq(look(&wire), 1);
    cr_expect(is_cut(&wire));
    cr_expect_eq(look(&wire), 0, "once");
    wire_close(&wire);
}

Test(unfinished, lets_messages_through)
{
    struct wire wire;

    wire_open(&wire);
    for (int i = 0; i < 9; i++) {
        bring(&wire, 3);
        cr_expect_eq(unfinished_look(wire.unfinished, wire.now_us), 0);
        unfinished_message(wire.unfinished, wire.ours, 3 * MIB);
        cr_expect_eq(look(&wire), 0);
    }
    cr_expect_not(is_cut(&wire));
    bring(&wire, 3);
    cr_expect_eq(look(&wire), 1);
    wire_close(&wire);
}

/* A message ends what came before it, and nothing that comes behind it. */
Test(unfinished, sees_what_comes_behind_a_message)
{
    struct wire wire;

    wire_open(&wire);
    for (int i = 0; i < 9; i++) {
        bring(&wire, 2);
        unfinished_message(wire.unfinished, wire.ours, 2000);
        cr_expect_eq(look(&wire), 0);
    }
    unfinished_message(wire.unfinished, wire.ours, 2000);
    bring(&wire, 3);
    cr_expect_eq(look(&wire), 1);
    wire_close(&wire);
}

/* Each has less than a message may have, but together they have more than there is room for. */
Test(unfinished, cuts_who_has_more_than_its_share)
{
    struct wire wire, other[4];

    wire_open(&wire);
    for (size_t i = 0; i < COUNT_OF(other); i++) {
        other[i] = wire;
        connect_again(&other[i]);
        bring(&other[i], i == 0 ? 1 : 2);
        cr_expect_eq(look(&wire), 0, "there is room for %zu", i);
    }
    bring(&wire, 1);
    cr_expect_eq(look(&wire), 3);
    cr_expect_eq(look(&wire), 0, "there is room again");
    for (size_t i = 0; i < COUNT_OF(other); i++) {
        cr_expect_eq(is_cut(&other[i]), i > 0, "%zu", i);
        close(other[i].theirs);
        close(other[i].ours);
    }
    bring(&wire, 1);
    cr_expect_eq(look(&wire), 0);
    cr_expect_not(is_cut(&wire));
    wire_close(&wire);
}

/* Ours to a database or a balancer's to the metrics. */
Test(unfinished, leaves_others_alone)
{
    struct wire wire;

    wire_open(&wire);
    unfinished_free(wire.unfinished);
    cr_assert_eq(unfinished_new((uint16_t)(wire.port ^ 1), ROOM, &wire.unfinished), OK);
    bring(&wire, 9);
    cr_expect_eq(look(&wire), 0);
    cr_expect_not(is_cut(&wire));
    unfinished_message(wire.unfinished, -1, 7);
    unfinished_message(wire.unfinished, 1 << 30, 7);
    wire_close(&wire);
}

/* Files of ours, and descriptors that have become free, before it. */
Test(unfinished, looks_behind_all_else)
{
    struct wire wire;
    int fd[200];

    for (size_t i = 0; i < COUNT_OF(fd); i++) fd[i] = dup(STDERR_FILENO);
    wire_open(&wire);
    bring(&wire, 3);
    cr_expect_eq(unfinished_look(wire.unfinished, wire.now_us), 0);
    for (size_t i = 0; i < COUNT_OF(fd); i++) close(fd[i]);
    cr_expect_eq(look(&wire), 1);
    wire_close(&wire);
}

/* What the last connection of a descriptor brought is not the next one's. */
Test(unfinished, knows_a_new_connection)
{
    struct wire wire;
    int fd;

    wire_open(&wire);
    bring(&wire, 5);
    unfinished_message(wire.unfinished, wire.ours, 5 * MIB);
    cr_expect_eq(look(&wire), 0);
    fd = wire.ours;
    close(wire.theirs);
    close(wire.ours);
    connect_again(&wire);
    cr_assert(wire.ours == fd || wire.theirs == fd, "the kernel gives the lowest");
    bring(&wire, 3);
    cr_expect_eq(look(&wire), 1);
    wire_close(&wire);
}
