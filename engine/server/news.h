/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The documents of a district: banks, tests and withdrawn items. They are published to the shared
 * store, and every node takes them into its own store and memory in the same order, so that
 * versions and numbers are the same everywhere.
 *
 *   kind   name       head                                              body
 *   bank   the bank   | created_ms 8 | D 8 | items 4 | token 16 |       | length 4 | item | ...
 *   test   the test   | created_ms 8 |                                  the document
 *   item   the bank   nothing                                           the item's id
 *
 * Big-endian; D as a double's bits. The token tells the node that published a bank which of its
 * uploads it was. What a node has taken in is in its meta table, "news": | number 8 | that of the
 * newest withdrawn item 8 | hash of the district's key 16 |. */
#ifndef SERVER_NEWS_H
#define SERVER_NEWS_H

#include "server/district.h"
#include "store/library.h"

struct peer;
struct server;
struct upload;

/* Take in all that there is. CORRUPT where this store belongs to another district, has banks or
 * tests of its own, or knows more than the shared store does. */
MUST_CHECK enum status news_open(struct server *server, struct fault *fault);

/* A bank or test was not found: `st`, unless there may be news since the request came; then RETRY,
 * and it is served again when they are here. */
MUST_CHECK enum status news_check(struct server *server, const struct peer *peer, enum status st);

/* Whether an author of the tenant is publishing: the request that is being served has to wait. */
bool news_waits(struct server *server, struct slice tenant);

/* Publish. RETRY: the request is served again when that is done, or others have been before;
 * NO_MEMORY. Pre: !news_waits(). */
MUST_CHECK enum status news_share_test(struct server *server, const struct test_header *header);
MUST_CHECK enum status news_share_bank(struct server *server, struct upload *upload,
                                       int64_t created_ms, struct slice items);
MUST_CHECK enum status news_share_item(struct server *server, const struct library_name *bank,
                                       struct slice item);

/* In a line's thread: the bank, where the document is one; else NULL. */
MUST_CHECK enum status news_compile(const struct shared_document *document, struct bank **out);

/* In the loop: take a document in. False, and said in the log, where that cannot be done; the
 * batch is then not committed. */
bool news_take(void *server, const struct shared_document *document, struct bank *made,
               enum status made_status);

#endif
