/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/inbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* What a cycle counts for when another one has come. Requests and times are summed apart, so that a
 * cycle that stood still over a few requests does not outweigh those that served many. */
#define FADE 0.75

struct waiting {
    struct message message;
    struct waiting *prev, *next;
    uint8_t bytes[];  // envelope, body
};

void inbox_done(struct inbox *inbox)
{
    while (inbox->n > 0) inbox_drop(inbox);
}

bool inbox_put(struct inbox *inbox, const struct message *message)
{
    size_t n_envelope = message->envelope.n, n_body = message->body.n;
    struct waiting *waiting = malloc(sizeof(*waiting) + n_envelope + n_body);

    if (!waiting) return false;
    waiting->message = *message;
    if (n_envelope > 0) memcpy(waiting->bytes, message->envelope.data, n_envelope);
    if (n_body > 0) memcpy(waiting->bytes + n_envelope, message->body.data, n_body);
    waiting->message.envelope = slice_of(waiting->bytes, n_envelope);
    waiting->message.body = slice_of(waiting->bytes + n_envelope, n_body);
    DL_APPEND(inbox->first, waiting);
    inbox->n++;
    inbox->bytes += n_envelope + n_body;
    return true;
}

const struct message *inbox_first(const struct inbox *inbox)
{
    assert(inbox->n > 0);
    return &inbox->first->message;
}

void inbox_drop(struct inbox *inbox)
{
    struct waiting *first = inbox->first;

    assert(inbox->n > 0);
    inbox->n--;
    inbox->bytes -= first->message.envelope.n + first->message.body.n;
    DL_DELETE(inbox->first, first);
    free(first);
}

void inbox_served(struct inbox *inbox, size_t n, int64_t us)
{
    inbox->served = inbox->served * FADE + (double)n;
    inbox->served_us = inbox->served_us * FADE + (double)us;
}

int64_t inbox_wait_ms(const struct inbox *inbox)
{
    if (inbox->served == 0.0) return 0;
    return (int64_t)((double)inbox->n * inbox->served_us / inbox->served / 1000.0);
}

void inbox_fell_behind(struct inbox *inbox)
{
    inbox->is_behind = true;
}

void inbox_tick(struct inbox *inbox)
{
    int64_t away_ms = inbox->away_ms;

    if (!inbox->is_behind)
        away_ms /= 2;
    else
        away_ms = away_ms < INBOX_RETRY_LEAST_MS ? INBOX_RETRY_LEAST_MS : 2 * away_ms;
    inbox->away_ms = away_ms < INBOX_RETRY_MOST_MS ? away_ms : INBOX_RETRY_MOST_MS;
    inbox->is_behind = false;
}

int64_t inbox_retry_ms(const struct inbox *inbox)
{
    int64_t ms = inbox_wait_ms(inbox);

    if (ms < inbox->away_ms) ms = inbox->away_ms;
    return ms < INBOX_RETRY_LEAST_MS ? INBOX_RETRY_LEAST_MS : ms;
}
