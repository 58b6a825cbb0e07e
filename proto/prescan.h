/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded pre-scan: everything msgpack-c does not check before it allocates. */
#ifndef PROTO_PRESCAN_H
#define PROTO_PRESCAN_H

#include "base/slice.h"

/* Why a message was refused, and at which byte. `reason` is a constant text. */
struct prescan_error {
    size_t offset;
    const char *reason;
};

/* Whether `bytes` is exactly one MessagePack value within our limits: depth at most LIMIT_DEPTH,
 * at most LIMIT_NODES_MESSAGE values, every count and length covered by bytes that are there, every
 * str well-formed UTF-8, at most LIMIT_PAIRS entries in a map, its keys str of at most LIMIT_KEY
 * bytes and none of them twice, no ext type, no 0xc1, no bytes behind the value. Encodings that are
 * longer than need be are accepted. No allocation, no recursion. On false *out_error is
 * filled. */
MUST_CHECK bool prescan(struct slice bytes, struct prescan_error *out_error);

/* The same, and in out_value[i] the encoded value of keys[i] in the outermost map, empty where it
 * has none. */
MUST_CHECK bool prescan_find(struct slice bytes, const char *const *keys, size_t n_key,
                             struct slice *out_value, struct prescan_error *out_error);

#endif
