/* SPDX-License-Identifier: Apache-2.0 */
/* An array's elements taken off its bytes one after the other, without decoding the whole: for the
 * records of the store, of which a start reads millions. Any bytes may be given: nothing is
 * allocated, nothing is read behind their end, and the first element that is not as it is asked
 * for sticks.
 *
 *     struct flat in = flat_of(bytes);
 *     kind = flat_int(&in, 0, 7);
 *     name = flat_str(&in, LIMIT_ID);
 *     if (!flat_is_done(&in)) return CORRUPT;
 */
#ifndef PROTO_FLAT_H
#define PROTO_FLAT_H

#include "base/slice.h"
#include "proto/head.h"

struct flat {
    struct slice rest;
    uint64_t n_left;  // elements still to come
    bool failed;
};

/* The elements of the one array in `bytes`. */
struct flat flat_of(struct slice bytes);

/* Whether all elements were there as asked for, and nothing stands behind them. */
MUST_CHECK bool flat_is_done(const struct flat *in);

/* The kind of the next element, which stays; HEAD_NEVER where there is none. */
enum head_kind flat_peek(const struct flat *in);

/* The next element; 0 or empty after a failure. A str is UTF-8 and has at most `max` bytes; a float
 * may be an integer, and is finite; the elements of an array come next and are part of n_left. */
int64_t flat_int(struct flat *in, int64_t min, int64_t max);
double flat_f64(struct flat *in);
struct slice flat_str(struct flat *in, size_t max);
struct slice flat_bin(struct flat *in);
uint64_t flat_array(struct flat *in);

/* Whether there is nil, which is then taken. */
bool flat_nil(struct flat *in);

#endif
