/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is the store what was written? Every session is taken again from its events, in the journal and
 * the archive: each theta, standard error and pick must come out bit for bit. The seal of every
 * record is checked, that each event names the one before it in its session and the one before it
 * in the journal, and that no event is missing.
 *
 * Found: any change, removal, repetition or exchange of events; with the seals' key (it is in the
 * store) too, as long as not everything behind the change was written anew. A removal of the newest
 * events is found up to meta's head. Not found: a store that was put back as it was some time ago,
 * or written anew from some event on: that takes a head that was noted elsewhere (`expected`). */
#ifndef SERVER_VERIFY_H
#define SERVER_VERIFY_H

#include "proto/writer.h"
#include "server/ledger.h"

struct verify;

/* Begin with the store as it is now; what is written from now on is left out. `expected` is a head
 * that was noted before, or NULL. NO_MEMORY, IO_ERROR, CORRUPT where banks or tests cannot be
 * read. */
MUST_CHECK enum status verify_new(struct env *env, const struct journal_head *expected,
                                  struct verify **out);
/* The same with the sessions of a shared store (server/shared_check.h says what is found there);
 * the audit is this node's. */
struct shared;
MUST_CHECK enum status verify_new_shared(struct env *env, struct shared *shared,
                                         struct verify **out);
void verify_free(struct verify *verify);  // NULL is fine

/* Go on for about `n_event` events. What is wrong with the store is kept to be told; an error is
 * NO_MEMORY or IO_ERROR; RETRY where a shared store does not answer, and may be gone on with. */
MUST_CHECK enum status verify_step(struct verify *verify, uint64_t n_event);

bool verify_done(const struct verify *verify);
/* Events checked so far, and events that the store must have. */
uint64_t verify_n_event(const struct verify *verify);
uint64_t verify_n_total(const struct verify *verify);
uint64_t verify_n_fault(const struct verify *verify);

/* Write what was found so far as VERIFY_FIELDS fields of a map: those of log.verify in PROTOCOL.md.
 * The names of sessions that are not `tenant`'s are left out where that is not NULL. */
enum { VERIFY_FIELDS = 9 };
void verify_write(const struct verify *verify, const struct slice *tenant, struct writer *out);

#endif
