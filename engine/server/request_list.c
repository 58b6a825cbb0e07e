/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session.list: the sessions of a tenant, in memory and in the archive, by id. */
#include "server/audits.h"
#include "server/listing.h"
#include "server/server.h"

#include <stdlib.h>

static enum status prepare(struct call *call)
{
    struct listing_query query;
    enum status st;

    listing_read_query(&call->in, &query);
    if (call->in.failed) return BAD_REQUEST;
    st = check_awake(call);
    if (st) return st;
    listing_gather(call->server->district ? NULL : call->server->sessions, call->tenant, &query,
                   &call->server->extra);
    return OK;
}

static void write_row(struct writer *out, const struct listed *row)
{
    bool has_group = row->group[0] != 0, has_pending = row->n_pending > 0;

    write_map(out, 6u + has_group + has_pending);
    put_text(out, "session", row->session);
    put_text(out, "test", row->test);
    put_text(out, "examinee", row->examinee);
    if (has_group) put_text(out, "group", row->group);
    put_text(out, "state", session_state_name(row->state));
    put_int(out, "asked", row->n_asked);
    if (has_pending) put_int(out, "pending", row->n_pending);
    put_int(out, "started_ms", row->started_ms);
}

static void write_damaged(struct writer *out, const struct page *page)
{
    if (page->n_damaged == 0) return;
    write_text(out, "damaged");
    write_array(out, page->n_damaged);
    for (size_t i = 0; i < page->n_damaged; i++) write_text(out, page->damaged[i]);
}

static enum status work(struct call *call, struct env *env, struct estimate_workspace *workspace)
{
    struct page *page = calloc(1, sizeof(*page));
    struct listing_query query;
    enum status st;

    (void)workspace;
    if (!page) return NO_MEMORY;
    listing_read_query(&call->in, &query);
    if (call->tools->shared.url[0])
        st = listing_shared(&call->tools->shared, &query, call->extra, page);
    else
        st = listing_page(env, &query, call->extra, page);
    if (st == OK) {
        reply_begin(call, 1u + (page->n_damaged > 0) + (page->next[0] != 0));
        write_text(&call->out, "sessions");
        write_array(&call->out, page->n);
        for (size_t i = 0; i < page->n; i++) write_row(&call->out, &page->rows[i]);
        write_damaged(&call->out, page);
        if (page->next[0]) put_text(&call->out, "next", page->next);
    }
    free(page);
    return st;
}

const struct request request_session_list = {.op = "session.list",
                                             .roles = ROLES_SEE_ABILITY,
                                             .max_bytes = LIMIT_REQUEST,

                                             .when_full = true,
                                             .run = prepare,
                                             .work = work,
                                             .audit = audit_test};
