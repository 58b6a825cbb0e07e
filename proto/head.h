/* SPDX-License-Identifier: Apache-2.0 */
/* The front of one MessagePack value: the one place that knows the format's first bytes. */
#ifndef PROTO_HEAD_H
#define PROTO_HEAD_H

#include "base/slice.h"

enum head_kind {
    HEAD_NIL,
    HEAD_BOOL,
    HEAD_UINT,
    HEAD_INT,
    HEAD_FLOAT,
    HEAD_BIN,
    HEAD_STR,
    HEAD_ARRAY,
    HEAD_MAP,
    HEAD_EXT,
    HEAD_NEVER,  // 0xc1, which starts no value
};

/* `value` is the bytes, elements or pairs behind the front; of a scalar, its bits: an int's in
 * two's complement, a float's of `n_tail` 4 or 8 bytes. Of ext nothing but the first byte is
 * taken. */
struct head {
    enum head_kind kind;
    uint32_t n_tail;
    uint64_t value;
};

/* The formats 0xc0 to 0xdf. `n_tail` bytes follow the first: a scalar's value, else a length. */
struct head_format {
    uint8_t kind, n_tail;
};
extern const struct head_format head_formats[32];

/* Take the front of the next value off the bytes, a scalar's bytes included. False where it is cut
 * short. */
static inline bool head_take(struct slice *rest, struct head *out)
{
    struct head_format format;
    uint64_t value = 0;
    uint8_t first;

    if (rest->n == 0) return false;
    first = rest->data[0];
    rest->data++;
    rest->n--;
    if (first < 0x80 || first >= 0xe0) {
        *out = (struct head){first < 0x80 ? HEAD_UINT : HEAD_INT, 0, (uint64_t)(int8_t)first};
        return true;
    }
    if (first < 0xc0) {
        bool is_str = first >= 0xa0;
        enum head_kind container = first < 0x90 ? HEAD_MAP : HEAD_ARRAY;

        *out = (struct head){is_str ? HEAD_STR : container, 0, first & (is_str ? 0x1fu : 0x0fu)};
        return true;
    }

    format = head_formats[first - 0xc0];
    if (rest->n < format.n_tail) return false;
    for (size_t i = 0; i < format.n_tail; i++) value = value << 8 | rest->data[i];
    if (format.kind == HEAD_INT && format.n_tail < 8) {
        uint64_t sign = (uint64_t)1 << (8 * format.n_tail - 1);

        value = (value ^ sign) - sign;
    }
    rest->data += format.n_tail;
    rest->n -= format.n_tail;
    *out = (struct head){(enum head_kind)format.kind, format.n_tail, value};
    return true;
}

#endif
