/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an examinee was asked in earlier sessions, for a start in a district: read by the line that
 * fetches, taken in by the loop, which alone knows the banks. */
#ifndef SERVER_PAST_H
#define SERVER_PAST_H

#include "store/shared.h"

struct past {
    struct slice examinee, bank;  // point into the block
    int64_t since_ms;
    /* What came of it: OK once it is there, RETRY before; CORRUPT where a session is damaged. */
    enum status status;
    uint32_t next;     // the number that the examinee's next session has
    struct buf asked;  // for past_next
    char names[];
};

/* Of the examinee of `want`. NULL without memory. */
struct past *past_new(const struct shared_want *want);
void past_free(struct past *past);  // NULL is fine

/* Ask for it with a want of its session. */
void past_want(const struct past *past, struct shared_want *want);

/* The line's part: the pasts that the wants ask for behind `out`, in their order. */
MUST_CHECK enum status past_read(struct shared *shared, const struct shared_want *wants, size_t n,
                                 struct buf *out);
/* The loop's: take the next one off `rest`. They are ours, so there is one. */
void past_take(struct past *past, struct slice *rest);

/* One session: when its last question was asked, and its items by their numbers in that version of
 * the bank, | item 4 | ... */
struct past_session {
    uint32_t version;
    int64_t asked_ms;
    size_t n_item;
    const uint8_t *items;
};
/* Take the next one off `rest`; false at the end. */
bool past_next(struct slice *rest, struct past_session *out);
uint32_t past_item(const struct past_session *session, size_t j);

#endif
