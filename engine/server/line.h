/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line to the shared store: a thread with a connection of its own, so that the loop never waits
 * for the server. Asks and answers are values in inproc messages, one ask out at a time. */
#ifndef SERVER_LINE_H
#define SERVER_LINE_H

#include "base/slice.h"
#include "irt/bank.h"
#include "store/shared.h"

struct line;
struct thread;

/* What an ask and its answer have in front. */
struct line_head {
    enum status status;       // of the answer; other than OK: what became of it is unknown
    struct shared_news news;  // an ask for an append has what its writer knows
    int64_t sent_us;          // when the loop handed it over
    uint32_t n;               // events or wants; documents to publish, 0 or 1
    bool confirms;            // of a fetch: what is found is to be confirmed, or was
    struct bank *made;        // of the document in an answer, the taker's
    enum status made_status;  // whether that could be made
    bool is_hint;             // no answer: the server has told of news, which may be asked for
};

/* An ask for news may have a document to publish; its answer has the first document behind the one
 * that its writer knows, where there is one.
 * An ask to share counts of exposure is what tallies_hand_over has written, its answer what
 * tallies_take_back reads.
 * An ask to append has events, its answer a byte for each: whether it is there now, and behind
 * those items that are used up. An ask to fetch has wants; its answer has the past of the examinees
 * that they name (server/past.h), and then events with the number of their want, and their status.
 */
void line_put_event(struct buf *out, const struct shared_event *event);
void line_put_want(struct buf *out, const struct shared_want *want);
void line_put_document(struct buf *out, const struct shared_document *document);
/* Take the next one off `rest`; they are ours, so there is one. */
void line_take_document(struct slice *rest, struct shared_document *out);
/* An item that is used up, with the number of an event by whose test and limit it is. False at the
 * end. */
bool line_take_used(struct slice *rest, size_t *out_i, struct slice *out_item);
struct line_row {
    size_t i;
    enum status status;
    struct shared_event event;
};
/* False at the end. */
bool line_take_row(struct slice *rest, struct line_row *out);

enum line_kind { LINE_APPEND, LINE_FETCH, LINE_NEWS, LINE_COUNTS, N_LINE };

/* NO_MEMORY where the thread or its sockets cannot be had. */
MUST_CHECK enum status line_start(void *zmq_context, enum line_kind kind, const char *url,
                                  struct line **out);
/* Ends the thread, whatever it waits for. NULL is fine. */
void line_stop(struct line *line);

/* Its thread, to be watched. */
const struct thread *line_thread(const struct line *line);

/* The loop's end, to poll. */
void *line_socket(const struct line *line);
bool line_is_busy(const struct line *line);  // an ask is out

/* Hand over an ask; false where it was not taken, and has to be handed over again. Pre: none is
 * out. */
bool line_ask(struct line *line, const struct line_head *head, struct slice body);
/* Take the answer or a hint, its body into `body` (cleared first). False where there is none. */
bool line_take(struct line *line, struct line_head *out_head, struct buf *body);

#endif
