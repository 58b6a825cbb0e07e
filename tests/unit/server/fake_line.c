/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake_line.h"
#include "store/shared.h"

#include <criterion/criterion.h>

struct fake fakes[N_LINE];

enum status __wrap_line_start(void *zmq_context, enum line_kind kind, const char *url,
                              struct line **out);
void __wrap_line_stop(struct line *line);
bool __wrap_line_is_busy(const struct line *line);
bool __wrap_line_ask(struct line *line, const struct line_head *head, struct slice body);
bool __wrap_line_take(struct line *line, struct line_head *out_head, struct buf *body);
enum status __wrap_shared_connect(struct shared *shared, struct fault *fault);

static struct fake *fake_of(struct line *line)
{
    return (struct fake *)(void *)line;
}

enum status __wrap_line_start(void *zmq_context, enum line_kind kind, const char *url,
                              struct line **out)
{
    (void)zmq_context;
    (void)url;
    *out = (struct line *)(void *)&fakes[kind];
    return OK;
}

void __wrap_line_stop(struct line *line)
{
    if (!line) return;
    buf_done(&fake_of(line)->ask);
    buf_done(&fake_of(line)->body);
    *fake_of(line) = (struct fake){0};
}

bool __wrap_line_is_busy(const struct line *line)
{
    return ((const struct fake *)(const void *)line)->busy;
}

bool __wrap_line_ask(struct line *line, const struct line_head *head, struct slice body)
{
    struct fake *fake = fake_of(line);

    cr_assert_not(fake->busy);
    if (fake->deaf) return false;
    fake->busy = true;
    fake->n_ask++;
    fake->head = *head;
    buf_clear(&fake->ask);
    buf_append(&fake->ask, body.data, body.n);
    return true;
}

bool __wrap_line_take(struct line *line, struct line_head *out_head, struct buf *body)
{
    struct fake *fake = fake_of(line);

    if (!fake->has_answer) return false;
    fake->has_answer = false;
    if (!fake->answer.is_hint) fake->busy = false;
    *out_head = fake->answer;
    buf_clear(body);
    buf_append(body, fake->body.data, fake->body.n);
    body->failed = fake->no_memory;
    return true;
}

enum status __wrap_shared_connect(struct shared *shared, struct fault *fault)
{
    (void)shared;
    (void)fault;
    return OK;
}
