/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The linker sends every allocation of our own objects here; those inside of other libraries are
 * theirs. */
#include "proto/writer.h"
#include "server_test.h"

#include <stdlib.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t n);

static _Thread_local size_t n_allocation;

void *__wrap_malloc(size_t n)
{
    n_allocation++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    n_allocation++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t n)
{
    n_allocation++;
    return __real_realloc(memory, n);
}

static void write_answer(struct desk *desk)
{
    struct live *live = desk_live(desk, "s");
    struct session_view view;
    struct writer out;

    session_view(live->session, &view);
    buf_clear(&desk->body);
    out = writer_of(&desk->body);
    write_map(&out, 7);
    put_int(&out, "v", 1);
    put_int(&out, "id", view.seq);
    put_text(&out, "op", "session.answer");
    put_text(&out, "session", "s");
    put_int(&out, "seq", view.seq);
    put_text(&out, "item", bank_id(session_plan(live->session)->bank, view.item));
    put_int(&out, "response", view.seq % 2);
}

/* The list of a session's event numbers doubles at 8, 16, ... of them; between that nothing is
 * allocated. */
Test(allocations, an_answer_makes_none)
{
    struct desk desk;

    desk_open(&desk, 10);
    desk_bank(&desk, "b", 40);
    desk_test(&desk, "t", "'stop': {'any': [{'rule': 'length', 'at': 30}]}");
    desk_steps(&desk, "s", "t", "s101010101");
    for (int i = 0; i < 6; i++) {
        write_answer(&desk);
        n_allocation = 0;
        desk_handle(&desk, ROLE_FRONTEND, buf_slice(&desk.body));
        cr_expect_eq(n_allocation, 0, "%zu allocations, event %d", n_allocation, 11 + i);
        cr_expect_str_eq(reply_code(buf_slice(&desk.reply)), "");
    }
    write_answer(&desk);
    n_allocation = 0;
    desk_handle(&desk, ROLE_FRONTEND, buf_slice(&desk.body));
    cr_expect_eq(n_allocation, 1, "the list did not grow, or the count does not count");
    desk_close(&desk);
}
