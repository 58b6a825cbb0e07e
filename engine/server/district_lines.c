/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes over the lines of a district, and what comes back. */
#include "base/planted.h"
#include "server/clock.h"
#include "server/district_state.h"

enum {
    FETCH_MOST = 256,  // sessions in one ask, so that its answer comes in time
    /* Events in one: the server commits when its answer is on its way. One that fits into the
     * sockets between it and a node is, even where the node stands still; else its transaction
     * stays open, and every other node waits for those sessions. */
    APPEND_MOST = 256,
};

static void ask(struct district *district, enum line_kind kind, const struct shared_news *news)
{
    struct ask *out = &district->out[kind];

    out->head = (struct line_head){
        .news = *news, .sent_us = clock_us(), .n = (uint32_t)out->n, .confirms = out->confirms};
    out->is_unsent = !line_ask(district->line[kind], &out->head, buf_slice(&out->body));
}

/* Whether a line takes another ask. One that it did not take is handed over again first: there are
 * groups that wait for its answer. */
static bool is_free(struct district *district, enum line_kind kind)
{
    struct ask *out = &district->out[kind];

    if (out->is_unsent) {
        out->is_unsent = !line_ask(district->line[kind], &out->head, buf_slice(&out->body));
    }
    return !out->is_unsent && !line_is_busy(district->line[kind]);
}

/* What goes beyond one ask gathers on in `rest`, which is empty. Without memory nothing does. */
static void keep_rest(struct ask *from, struct ask *rest)
{
    size_t cut;

    if (from->n <= APPEND_MOST) return;
    cut = from->groups[APPEND_MOST - 1]->end;
    buf_append(&rest->body, from->body.data + cut, from->body.n - cut);
    while (!rest->body.failed && APPEND_MOST + rest->n < from->n && ask_reserve(rest)) {
        rest->groups[rest->n] = from->groups[APPEND_MOST + rest->n];
        rest->n++;
    }
    if (APPEND_MOST + rest->n < from->n) {
        buf_clear(&rest->body);
        rest->n = 0;
        return;
    }
    for (size_t i = 0; i < rest->n; i++) rest->groups[i]->end -= cut;
    from->n = APPEND_MOST;
    from->body.n = cut;
}

static bool send_appends(struct district *district)
{
    struct ask free_one = district->out[LINE_APPEND];
    struct shared_news news = {.retired = district->gathering_retired};

    if (!is_free(district, LINE_APPEND) || district->gathering.n == 0) return false;
    district->out[LINE_APPEND] = district->gathering;
    free_one.n = 0;
    buf_clear(&free_one.body);
    keep_rest(&district->out[LINE_APPEND], &free_one);
    district->gathering = free_one;
    for (size_t i = 0; i < district->out[LINE_APPEND].n; i++) {
        district->out[LINE_APPEND].groups[i]->state = GROUP_COMMITTING;
    }
    ask(district, LINE_APPEND, &news);
    return true;
}

static bool send_wants(struct district *district)
{
    struct ask *out = &district->out[LINE_FETCH];
    struct group *group, *next;

    if (!is_free(district, LINE_FETCH) || !district->wanted) return false;
    /* What was refused because an item was withdrawn would be refused again. */
    if (district->known.retired < district->seen.retired) return false;
    out->n = 0;
    out->confirms = false;
    buf_clear(&out->body);
    DL_FOREACH_SAFE(district->wanted, group, next)
    {
        struct shared_want wanted = {.from = group->from};
        struct slice key = session_key_slice(&group->key);

        if (group->parked.n == 0) {
            group_drop_wanted(district, group);
            continue;
        }
        if (out->n == FETCH_MOST || !ask_reserve(out) ||
            !session_key_read(key, &wanted.tenant, &wanted.session))
            break;
        if (group->past) past_want(group->past, &wanted);
        line_put_want(&out->body, &wanted);
        if (out->body.failed) break;
        out->groups[out->n++] = group;
        out->confirms |= group->confirms;  // one write for all of them
        group->state = GROUP_FETCHING;
        DL_DELETE(district->wanted, group);
    }
    if (out->n > 0) ask(district, LINE_FETCH, &district->known);
    return out->n > 0;
}

static bool send_news(struct district *district)
{
    struct ask *out = &district->out[LINE_NEWS];
    struct group *group = district->publishing;

    if (!is_free(district, LINE_NEWS)) return false;
    if (!group && !district->poll_due && !district_is_behind(district)) return false;
    district->poll_due = false;
    out->n = 0;
    buf_clear(&out->body);
    if (group) {
        DL_DELETE(district->publishing, group);
        district->published = group;
        buf_append(&out->body, group->document.data, group->document.n);
        buf_done(&group->document);
        out->n = out->body.n > 0;
    }
    ask(district, LINE_NEWS, &district->known);
    return true;
}

struct buf *district_counts(struct district *district)
{
    struct ask *out = &district->out[LINE_COUNTS];

    if (out->n > 0 || !is_free(district, LINE_COUNTS)) return NULL;
    buf_clear(&out->body);
    return &out->body;
}

void district_share(struct district *district, size_t n)
{
    district->out[LINE_COUNTS].n = n;
    district->counts_due = n > 0;
}

static bool send_counts(struct district *district)
{
    if (!is_free(district, LINE_COUNTS) || !district->counts_due) return false;
    district->counts_due = false;
    ask(district, LINE_COUNTS, &district->known);
    return true;
}

bool district_send(struct district *district)
{
    bool appends = send_appends(district), wants = send_wants(district);
    bool news = send_news(district), counts = send_counts(district);

    return appends || wants || news || counts;
}

/* What is there now tells, where anybody waits for it. */
static void look_again(struct district *district, struct group *group, uint32_t from, bool confirms)
{
    group->has_reply = false;
    if (group->parked.n == 0)
        group_free(district, group);
    else
        group_want(district, group, from, confirms);
}

/* What is used up is known before what was refused because of it is served again. */
static void take_used(const struct district *district, const struct ask *out,
                      const struct district_hooks *hooks)
{
    struct slice rest = slice_of(district->body.data + out->n, district->body.n - out->n), item;
    size_t i;

    while (line_take_used(&rest, &i, &item)) hooks->used(hooks->context, out->groups[i], item);
}

static void take_append(struct district *district, const struct line_head *head,
                        const struct district_hooks *hooks)
{
    struct ask *out = &district->out[LINE_APPEND];

    if (head->status == OK) take_used(district, out, hooks);
    for (size_t i = 0; i < out->n; i++) {
        bool taken =
            head->status == OK && (district->body.data[i] || planted("refused append ignored"));
        struct group *group = out->groups[i];

        if (taken) group->checked_us = head->sent_us;
        hooks->committed(hooks->context, group, taken);
        if (taken && group->held.request) hooks->done(hooks->server, group);
        if (taken)
            group_make_ready(district, group);
        else
            look_again(district, group, 0, false);  // refused, or nobody knows what became of it
    }
    out->n = 0;
    if (head->status == OK) hooks->timed(hooks->server, clock_us() - head->sent_us);
}

static void take_fetch(struct district *district, const struct line_head *head,
                       const struct district_hooks *hooks)
{
    struct ask *out = &district->out[LINE_FETCH];
    struct slice rest = buf_slice(&district->body);

    for (size_t i = 0; i < out->n && head->status == OK; i++) {
        if (out->groups[i]->past) past_take(out->groups[i]->past, &rest);
    }
    for (size_t i = 0; i < out->n; i++) {
        struct group *group = out->groups[i];

        if (head->status) {
            look_again(district, group, group->from, group->confirms);
            continue;
        }
        group->checked_us = head->sent_us;
        if (head->confirms) group->confirmed_us = head->sent_us;
        group->found = hooks->fetched(hooks->context, group, &rest, i);
        if (group->found == RETRY) {
            group->state = GROUP_BEHIND;
            group->from = 0;
            DL_APPEND(district->behind, group);
        } else {
            group_make_ready(district, group);
        }
    }
    out->n = 0;
}

static void note_news(struct district *district, const struct shared_news *news)
{
    if (news->newest > district->seen.newest) district->seen.newest = news->newest;
    if (news->retired > district->seen.retired) district->seen.retired = news->retired;
}

static void take_document(struct district *district, const struct line_head *head,
                          const struct district_hooks *hooks)
{
    struct slice rest = buf_slice(&district->body);
    struct shared_document document;
    struct group *group;

    line_take_document(&rest, &document);
    if (!hooks->news(hooks->server, &document, head->made, head->made_status)) return;
    shared_news_add(&district->known, &document);
    DL_FOREACH(district->behind, group)
    {
        group->state = GROUP_WANTED;
    }
    DL_CONCAT(district->wanted, district->behind);
    district->behind = NULL;
}

static void take_news(struct district *district, const struct line_head *head,
                      const struct district_hooks *hooks)
{
    struct group *group = district->published;

    district->published = NULL;
    if (head->status == OK) district->polled_us = head->sent_us;
    if (head->status == OK && district->body.n > 0) take_document(district, head, hooks);
    if (group) group_make_ready(district, group);
}

static void take_counts(struct district *district, const struct line_head *head,
                        const struct district_hooks *hooks)
{
    district->out[LINE_COUNTS].n = 0;
    hooks->counts(hooks->server, head->status,
                  head->status ? slice_of(NULL, 0) : buf_slice(&district->body));
}

static void (*const takes[N_LINE])(struct district *, const struct line_head *,
                                   const struct district_hooks *) = {
    [LINE_APPEND] = take_append,
    [LINE_FETCH] = take_fetch,
    [LINE_NEWS] = take_news,
    [LINE_COUNTS] = take_counts,
};

bool district_is_up(const struct district *district)
{
    return !district->is_down;
}

bool district_take(struct district *district, enum line_kind kind,
                   const struct district_hooks *hooks)
{
    struct line_head head;

    if (!line_take(district->line[kind], &head, &district->body)) return false;
    if (head.is_hint) {
        district->poll_due = true;
        return true;
    }
    if (district->body.failed) {
        head.status = NO_MEMORY;
        bank_free(head.made);
    }
    if (head.status == OK) note_news(district, &head.news);
    district->is_down = head.status != OK;
    takes[kind](district, &head, hooks);
    return true;
}
