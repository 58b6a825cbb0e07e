/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mark: which event was the newest, told outside LMDB's file, so that an old copy of that file
 * is noticed: its seals all hold, and it would ask students again what they have answered.
 *
 *   thetad-mark-1 NUMBER SEAL\n           the number in decimal, the seal in hexadecimal
 *
 * It is written after the commit of the event that it names. One that is older than the store, as a
 * power cut may leave it, is only weaker. */
#ifndef STORE_MARK_H
#define STORE_MARK_H

#include "store/journal.h"

/* Put the mark in place of the one that is there, if any. IO_ERROR with a text in `fault`. */
MUST_CHECK enum status mark_write(const char *path, const struct journal_head *mark,
                                  struct fault *fault);

/* NOT_FOUND where there is none, CORRUPT where it is no mark or cannot be read, with a text in
 * `fault`; *out is then {0}. */
MUST_CHECK enum status mark_read(const char *path, struct journal_head *out, struct fault *fault);

/* CORRUPT where the journal lacks events that the mark knows of, or has another one of its number;
 * the text in `fault` says how many. An event that was erased or is damaged is not missing.
 * IO_ERROR and NO_MEMORY, with a text too, where that event cannot be read. */
MUST_CHECK enum status mark_check(struct journal *journal, const struct journal_head *mark,
                                  struct fault *fault);

#endif
