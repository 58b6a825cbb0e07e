/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/line.h"
#include "base/handoff.h"
#include "server/log.h"
#include "server/news.h"
#include "server/past.h"
#include "server/tally_share.h"
#include "server/thread.h"
#include "store/shared_counts.h"
#include "store/shared_uses.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

/* Between two tries of a server that cannot be reached: not all nodes at once. */
enum { PAUSE_LEAST_MS = 50, PAUSE_MOST_MS = 400 };

static const char *const line_names[N_LINE] = {"append", "fetch", "news", "counts"};

struct line {
    enum line_kind kind;
    void *loop_end, *socket;  // the second is the thread's, as is what follows up to has_hinted
    struct shared shared;
    struct buf body, reply;
    void *list;              // events or wants of the ask
    enum shared_fate *fate;  // of an append
    size_t cap;
    bool was_lost, has_hinted;
    bool is_corrupt;  // what was shared last
    struct thread thread;
    atomic_bool quit;
    bool is_busy;  // an ask is out: the loop's
};

void line_put_event(struct buf *out, const struct shared_event *event)
{
    buf_append_slice(out, event->tenant);
    buf_append_slice(out, event->session);
    buf_append(out, &event->n, sizeof(event->n));
    buf_append(out, event->seal, SEAL_BYTES);
    buf_append_slice(out, event->record);
    buf_append_slice(out, event->examinee);
    buf_append(out, &event->sitting, sizeof(event->sitting));
    buf_append_slice(out, event->test);
    buf_append_slice(out, event->bank);
    buf_append_slice(out, event->item);
    buf_append(out, &event->most, sizeof(event->most));
}

static void take_event(struct slice *rest, struct shared_event *out)
{
    out->tenant = slice_take(rest);
    out->session = slice_take(rest);
    slice_take_bytes(rest, &out->n, sizeof(out->n));
    out->seal = rest->data;
    *rest = slice_of(rest->data + SEAL_BYTES, rest->n - SEAL_BYTES);
    out->record = slice_take(rest);
    out->examinee = slice_take(rest);
    slice_take_bytes(rest, &out->sitting, sizeof(out->sitting));
    out->test = slice_take(rest);
    out->bank = slice_take(rest);
    out->item = slice_take(rest);
    slice_take_bytes(rest, &out->most, sizeof(out->most));
}

bool line_take_used(struct slice *rest, size_t *out_i, struct slice *out_item)
{
    if (rest->n == 0) return false;
    slice_take_bytes(rest, out_i, sizeof(*out_i));
    *out_item = slice_take(rest);
    return true;
}

void line_put_want(struct buf *out, const struct shared_want *want)
{
    buf_append_slice(out, want->tenant);
    buf_append_slice(out, want->session);
    buf_append(out, &want->from, sizeof(want->from));
    buf_append_slice(out, want->examinee);
    buf_append_slice(out, want->bank);
    buf_append(out, &want->since_ms, sizeof(want->since_ms));
}

static void take_want(struct slice *rest, struct shared_want *out)
{
    out->tenant = slice_take(rest);
    out->session = slice_take(rest);
    slice_take_bytes(rest, &out->from, sizeof(out->from));
    out->examinee = slice_take(rest);
    out->bank = slice_take(rest);
    slice_take_bytes(rest, &out->since_ms, sizeof(out->since_ms));
}

void line_put_document(struct buf *out, const struct shared_document *document)
{
    buf_append(out, &document->number, sizeof(document->number));
    buf_append(out, &document->version, sizeof(document->version));
    buf_append_slice(out, document->kind);
    buf_append_slice(out, document->tenant);
    buf_append_slice(out, document->name);
    buf_append_slice(out, document->head);
    buf_append_slice(out, document->body);
}

void line_take_document(struct slice *rest, struct shared_document *out)
{
    slice_take_bytes(rest, &out->number, sizeof(out->number));
    slice_take_bytes(rest, &out->version, sizeof(out->version));
    out->kind = slice_take(rest);
    out->tenant = slice_take(rest);
    out->name = slice_take(rest);
    out->head = slice_take(rest);
    out->body = slice_take(rest);
}

bool line_take_row(struct slice *rest, struct line_row *out)
{
    if (rest->n == 0) return false;
    slice_take_bytes(rest, &out->i, sizeof(out->i));
    slice_take_bytes(rest, &out->status, sizeof(out->status));
    take_event(rest, &out->event);
    return true;
}

/* Room for n elements of an ask. */
static bool reserve(struct line *line, size_t n)
{
    void *list;
    enum shared_fate *fate;

    if (n <= line->cap) return true;
    list = realloc(line->list, n * sizeof(struct shared_event));
    if (list) line->list = list;
    fate = realloc(line->fate, n * sizeof(*fate));
    if (fate) line->fate = fate;
    if (!list || !fate) return false;
    line->cap = n;
    return true;
}

static void on_used(void *context, size_t i, struct slice item)
{
    struct line *line = context;

    buf_append(&line->reply, &i, sizeof(i));
    buf_append_slice(&line->reply, item);
}

static enum status append(struct line *line, struct line_head *head)
{
    struct slice rest = buf_slice(&line->body);
    struct shared_event *events = line->list;
    enum status st;

    for (uint32_t i = 0; i < head->n; i++) take_event(&rest, &events[i]);
    st = shared_append(&line->shared, events, head->n, head->news.retired, line->fate, &head->news);
    for (uint32_t i = 0; i < head->n && st == OK; i++) {
        const uint8_t is_there = line->fate[i] != SHARED_REFUSED;

        buf_append(&line->reply, &is_there, 1);
    }
    return st ? st : shared_used(&line->shared, events, head->n, line->fate, on_used, line);
}

static void on_event(void *context, size_t i, const struct shared_event *event, enum status status)
{
    struct line *line = context;

    buf_append(&line->reply, &i, sizeof(i));
    buf_append(&line->reply, &status, sizeof(status));
    line_put_event(&line->reply, event);
}

static enum status fetch(struct line *line, struct line_head *head)
{
    struct slice rest = buf_slice(&line->body);
    struct shared_want *wants = line->list;
    enum status st;

    for (uint32_t i = 0; i < head->n; i++) take_want(&rest, &wants[i]);
    st = past_read(&line->shared, wants, head->n, &line->reply);
    if (st) return st;
    st = shared_fetch(&line->shared, wants, head->n, (struct shared_visitor){on_event, line},
                      &head->news);
    return st == OK && head->confirms ? shared_confirm(&line->shared, &line->shared.fault) : st;
}

static enum status news(struct line *line, struct line_head *head)
{
    struct slice rest = buf_slice(&line->body);
    struct shared_document document;
    uint64_t known = head->news.newest;
    enum status st = OK;
    bool done;

    if (head->n > 0) {
        line_take_document(&rest, &document);
        st = shared_publish(&line->shared, &document, known, &done);
    }
    if (st == OK) st = shared_next(&line->shared, known, &document, &head->news);
    if (st == OK) st = shared_confirm(&line->shared, &line->shared.fault);
    if (st || document.number == 0) return st;
    line_put_document(&line->reply, &document);
    head->made_status = news_compile(&document, &head->made);
    return OK;
}

/* One of those that are shared, with what is fresh here. */
struct sharing {
    struct shared_counts counts;
    struct slice fresh;
};

_Static_assert(sizeof(struct sharing) <= sizeof(struct shared_event), "the list has room");

static void take_sharing(struct slice *rest, struct sharing *out)
{
    out->counts.tenant = slice_take(rest);
    out->counts.test = slice_take(rest);
    out->counts.bank = slice_take(rest);
    slice_take_bytes(rest, &out->counts.version, sizeof(out->counts.version));
    out->fresh = slice_take(rest);
}

static void put_sharing(struct line *line, const struct sharing *sharing, bool is_there,
                        uint64_t version, struct slice counts)
{
    const uint8_t there = is_there;

    buf_append_slice(&line->reply, sharing->counts.tenant);
    buf_append_slice(&line->reply, sharing->counts.test);
    buf_append_slice(&line->reply, sharing->counts.bank);
    buf_append(&line->reply, &there, 1);
    buf_append(&line->reply, &version, sizeof(version));
    buf_append_slice(&line->reply, counts);
}

/* What all have counted, and behind it what is fresh here. Where another node was first the next
 * try has what that one has written. */
static void on_counts(void *context, size_t i, uint64_t version, struct slice counts)
{
    struct line *line = context;
    const struct sharing *sharing = (const struct sharing *)line->list + i;
    struct shared_counts next = sharing->counts;
    struct buf joined = {0};
    bool is_there = false;
    enum status st;

    if (sharing->fresh.n > 0) {
        st = tally_join(counts, sharing->fresh, &joined);
        next.version = version;
        next.counts = buf_slice(&joined);
        if (st == OK) st = shared_counts_store(&line->shared, &next, &is_there);
        if (st == CORRUPT) line->is_corrupt = true;
    }
    if (is_there)
        put_sharing(line, sharing, true, version + 1, buf_slice(&joined));
    else if (version != sharing->counts.version)
        put_sharing(line, sharing, false, version, counts);
    buf_done(&joined);
}

static enum status counts(struct line *line, struct line_head *head)
{
    struct slice rest = buf_slice(&line->body);
    struct shared_counts *list = calloc(head->n + 1, sizeof(*list));
    struct sharing *sharings = line->list;
    bool was_corrupt = line->is_corrupt;
    enum status st;

    if (!list) return NO_MEMORY;
    for (uint32_t i = 0; i < head->n; i++) {
        take_sharing(&rest, &sharings[i]);
        list[i] = sharings[i].counts;
        if (sharings[i].fresh.n > 0) list[i].version = UINT64_MAX;  // what is there is needed
    }
    line->is_corrupt = false;
    st = shared_counts_look(&line->shared, list, head->n, on_counts, line);
    free(list);
    if (line->is_corrupt && !was_corrupt) {
        log_line(LOG_ERROR, "counts of exposure in the shared store cannot be read", "n=%u",
                 head->n);
    }
    return st;
}

static enum status (*const works[N_LINE])(struct line *, struct line_head *) = {
    [LINE_APPEND] = append,
    [LINE_FETCH] = fetch,
    [LINE_NEWS] = news,
    [LINE_COUNTS] = counts,
};

/* Told once, and once more when it is over. */
static void tell(struct line *line, enum status status)
{
    bool lost = status != OK;

    if (lost == line->was_lost || line->quit) return;
    line->was_lost = lost;
    if (lost) {
        log_line(LOG_ERROR, "the shared store does not answer", "line=%s error=\"%s\"",
                 line_names[line->kind], line->shared.fault.text);
    } else {
        log_line(LOG_WARN, "the shared store answers again", "line=%s", line_names[line->kind]);
    }
}

static void work(struct line *line, struct line_head *head)
{
    bool was_connected = line->shared.pg.conn != NULL;

    buf_clear(&line->reply);
    head->status = reserve(line, head->n) ? works[line->kind](line, head) : (enum status)NO_MEMORY;
    if (line->reply.failed) {
        bank_free(head->made);
        head->made = NULL;
        head->status = NO_MEMORY;
    }
    if (head->status) buf_clear(&line->reply);
    tell(line, head->status);
    /* A connection that was lost is made anew at once, a server that is away is left in peace. */
    if (head->status && !was_connected) {
        thread_rest(PAUSE_LEAST_MS + randombytes_uniform(PAUSE_MOST_MS - PAUSE_LEAST_MS),
                    &line->quit);
    }
}

static bool send_pair(void *socket, const struct line_head *head, struct slice bytes)
{
    return zmq_send(socket, head, sizeof(*head), ZMQ_SNDMORE) >= 0 &&
           zmq_send(socket, bytes.data, bytes.n, 0) >= 0;
}

/* Both frames, which were handed off by `way`. False where there is nothing, or the socket was
 * closed. */
static bool receive_pair(void *socket, int flags, void *way, struct line_head *head,
                         struct buf *body)
{
    zmq_msg_t bytes;
    bool got;

    if (zmq_recv(socket, head, sizeof(*head), flags) != (int)sizeof(*head)) return false;
    handoff_take(way);
    zmq_msg_init(&bytes);
    got = zmq_msg_recv(&bytes, socket, 0) >= 0;
    buf_clear(body);
    if (got) buf_append(body, zmq_msg_data(&bytes), zmq_msg_size(&bytes));
    zmq_msg_close(&bytes);
    return got;
}

/* One until the loop has asked, so that they cannot pile up. */
static void hint(struct line *line)
{
    const struct line_head head = {.is_hint = true};

    if (line->has_hinted) return;
    handoff_give(&line->reply);
    line->has_hinted = send_pair(line->socket, &head, slice_of(NULL, 0));
}

/* Until there is an ask. */
static void await_ask(struct line *line)
{
    zmq_pollitem_t items[] = {{.socket = line->socket, .events = ZMQ_POLLIN},
                              {.events = ZMQ_POLLIN}};
    bool good = line->shared.listens;

    while (good && !items[0].revents) {
        if (pg_was_notified(&line->shared.pg)) hint(line);
        items[1].fd = pg_socket(&line->shared.pg);
        good = zmq_poll(items, items[1].fd >= 0 ? 2 : 1, -1) >= 0;
    }
}

static void *run(void *argument)
{
    struct line *line = argument;
    struct line_head head;

    await_ask(line);
    while (receive_pair(line->socket, 0, &line->socket, &head, &line->body) && !line->quit) {
        line->has_hinted = false;
        if (line->body.failed)
            head.status = NO_MEMORY;
        else
            work(line, &head);
        handoff_give(&line->reply);
        if (!send_pair(line->socket, &head, buf_slice(&line->reply))) break;
        await_ask(line);
    }
    return NULL;
}

static bool open_sockets(void *zmq_context, struct line *line)
{
    char endpoint[64];

    snprintf(endpoint, sizeof(endpoint), "inproc://line-%s", line_names[line->kind]);
    return pair_open(zmq_context, endpoint, PAIR_QUEUED, &line->loop_end, &line->socket);
}

enum status line_start(void *zmq_context, enum line_kind kind, const char *url, struct line **out)
{
    struct line *line = calloc(1, sizeof(*line));

    if (!line) return NO_MEMORY;
    line->kind = kind;
    shared_init(&line->shared, url, &line->quit);
    line->shared.listens = kind == LINE_NEWS;
    if (!open_sockets(zmq_context, line) || !thread_start(&line->thread, run, line)) {
        line_stop(line);
        return NO_MEMORY;
    }
    *out = line;
    return OK;
}

/* Nobody takes them any more, nor the banks that come with them. */
static void drop_answers(struct line *line)
{
    struct line_head head;

    while (line->loop_end &&
           receive_pair(line->loop_end, ZMQ_DONTWAIT, &line->reply, &head, &line->body)) {
        bank_free(head.made);
    }
}

void line_stop(struct line *line)
{
    if (!line) return;
    if (line->thread.running) {
        line->quit = true;
        zmq_send(line->loop_end, "", 0, ZMQ_DONTWAIT);
        thread_join(&line->thread);
    }
    drop_answers(line);
    socket_close(line->socket);
    socket_close(line->loop_end);
    shared_done(&line->shared);
    buf_done(&line->body);
    buf_done(&line->reply);
    free(line->list);
    free(line->fate);
    free(line);
}

const struct thread *line_thread(const struct line *line)
{
    return &line->thread;
}

void *line_socket(const struct line *line)
{
    return line->loop_end;
}

bool line_is_busy(const struct line *line)
{
    return line->is_busy;
}

bool line_ask(struct line *line, const struct line_head *head, struct slice body)
{
    handoff_give(&line->socket);
    line->is_busy = send_pair(line->loop_end, head, body);
    return line->is_busy;
}

bool line_take(struct line *line, struct line_head *out_head, struct buf *body)
{
    if (!receive_pair(line->loop_end, ZMQ_DONTWAIT, &line->reply, out_head, body)) return false;
    if (!out_head->is_hint) line->is_busy = false;
    return true;
}
