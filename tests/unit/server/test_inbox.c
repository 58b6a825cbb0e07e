/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/inbox.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void put(struct inbox *inbox, int number)
{
    char envelope[32], body[32];
    struct message message = {.socket = number % 2, .got = FRAMES_MESSAGE, .arrived_us = number};

    snprintf(envelope, sizeof(envelope), "envelope %d", number);
    snprintf(body, sizeof(body), "the body %d", number);
    snprintf(message.user, sizeof(message.user), "user %d", number);
    message.envelope = slice_str(envelope);
    message.body = slice_str(body);
    cr_assert(inbox_put(inbox, &message));
}

static void expect_first(const struct inbox *inbox, int number)
{
    const struct message *message = inbox_first(inbox);
    char text[32];

    snprintf(text, sizeof(text), "envelope %d", number);
    cr_expect(slice_equal_str(message->envelope, text));
    snprintf(text, sizeof(text), "the body %d", number);
    cr_expect(slice_equal_str(message->body, text));
    snprintf(text, sizeof(text), "user %d", number);
    cr_expect_str_eq(message->user, text);
    cr_expect_eq(message->socket, number % 2);
    cr_expect_eq(message->arrived_us, number);
}

Test(inbox, gives_them_in_order)
{
    struct inbox inbox = {0};
    int next = 0;

    for (int round = 1; round < 40; round++) {
        for (int i = 0; i < 7; i++) put(&inbox, 7 * (round - 1) + i);
        for (int i = 0; i < 5; i++) {
            expect_first(&inbox, next++);
            inbox_drop(&inbox);
        }
        cr_expect_eq(inbox.n, 2 * (size_t)round);
    }
    for (; inbox.n > 0; inbox_drop(&inbox)) expect_first(&inbox, next++);
    cr_expect_eq(next, 39 * 7);
    cr_expect_eq(inbox.bytes, 0);
    put(&inbox, 5);
    cr_expect_gt(inbox.bytes, 0);
    inbox_done(&inbox);
    cr_expect_eq(inbox.n, 0);
}

/* Who comes back while arrivals still stand in their sockets makes that no better. */
Test(inbox, keeps_them_away_for_longer_while_it_is_behind)
{
    struct inbox inbox = {0};

    inbox_tick(&inbox);
    cr_expect_eq(inbox_retry_ms(&inbox), INBOX_RETRY_LEAST_MS);
    for (int64_t ms = INBOX_RETRY_LEAST_MS; ms < INBOX_RETRY_MOST_MS; ms *= 2) {
        inbox_fell_behind(&inbox);
        inbox_fell_behind(&inbox);
        inbox_tick(&inbox);
        cr_expect_eq(inbox_retry_ms(&inbox), ms);
    }
    for (int i = 0; i < 3; i++) {
        inbox_fell_behind(&inbox);
        inbox_tick(&inbox);
        cr_expect_eq(inbox_retry_ms(&inbox), INBOX_RETRY_MOST_MS);
    }
    inbox_tick(&inbox);
    cr_expect_eq(inbox_retry_ms(&inbox), INBOX_RETRY_MOST_MS / 2);
    for (int i = 0; i < 20; i++) inbox_tick(&inbox);
    cr_expect_eq(inbox_retry_ms(&inbox), INBOX_RETRY_LEAST_MS);
}

/* Not before what waits already has been served. */
Test(inbox, asks_nobody_back_too_soon)
{
    struct inbox inbox = {0};

    for (int i = 0; i < 500; i++) put(&inbox, i);
    inbox_served(&inbox, 100, 200000);
    cr_expect_eq(inbox_retry_ms(&inbox), 1000);
    inbox_done(&inbox);
}

Test(inbox, reckons_the_wait_by_loaded_cycles)
{
    struct inbox inbox = {0};

    for (int i = 0; i < 500; i++) put(&inbox, i);
    cr_expect_eq(inbox_wait_ms(&inbox), 0, "nothing is known yet");
    inbox_served(&inbox, 100, 200000);
    cr_expect_eq(inbox_wait_ms(&inbox), 1000);
    for (int i = 0; i < 100; i++) inbox_served(&inbox, 1000, 20000);
    cr_expect_eq(inbox_wait_ms(&inbox), 10);
    inbox_served(&inbox, 5, 500000);
    cr_expect_leq(inbox_wait_ms(&inbox), 100, "one that stood still does not outweigh many");
    for (int i = 0; i < 30; i++) inbox_served(&inbox, 5, 50000);
    cr_expect_gt(inbox_wait_ms(&inbox), 4000, "many slow ones do");
    inbox_done(&inbox);
}
