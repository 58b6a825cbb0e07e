/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/flat.h"

#include <math.h>
#include <string.h>

/* The front of the next element. On a failure it is HEAD_NEVER. */
static struct head take(struct flat *in)
{
    struct head head = {.kind = HEAD_NEVER};

    if (in->failed || in->n_left == 0 || !head_take(&in->rest, &head)) {
        in->failed = true;
        return (struct head){.kind = HEAD_NEVER};
    }
    in->n_left--;
    return head;
}

struct flat flat_of(struct slice bytes)
{
    struct flat in = {.rest = bytes, .n_left = 1};

    flat_array(&in);
    return in;
}

bool flat_is_done(const struct flat *in)
{
    return !in->failed && in->n_left == 0 && in->rest.n == 0;
}

enum head_kind flat_peek(const struct flat *in)
{
    struct flat copy = *in;

    return take(&copy).kind;
}

int64_t flat_int(struct flat *in, int64_t min, int64_t max)
{
    struct head head = take(in);
    int64_t value = (int64_t)head.value;
    bool is_whole = head.kind == HEAD_INT || (head.kind == HEAD_UINT && value >= 0);

    if (is_whole && value >= min && value <= max) return value;
    in->failed = true;
    return 0;
}

static double float_of(const struct head *head)
{
    uint32_t single = (uint32_t)head->value;
    double value;
    float narrow;

    if (head->n_tail == sizeof(single)) {
        memcpy(&narrow, &single, sizeof(narrow));
        return (double)narrow;
    }
    memcpy(&value, &head->value, sizeof(value));
    return value;
}

double flat_f64(struct flat *in)
{
    struct head head = take(in);
    double value = NAN;

    if (head.kind == HEAD_FLOAT) value = float_of(&head);
    if (head.kind == HEAD_INT) value = (double)(int64_t)head.value;
    if (head.kind == HEAD_UINT) value = (double)head.value;
    if (isfinite(value)) return value;
    in->failed = true;
    return 0.0;
}

/* The bytes of a str or bin. */
static struct slice take_bytes(struct flat *in, enum head_kind kind)
{
    struct head head = take(in);
    struct slice bytes;

    if (head.kind != kind || head.value > in->rest.n) {
        in->failed = true;
        return slice_of(NULL, 0);
    }
    bytes = slice_of(in->rest.data, (size_t)head.value);
    in->rest = slice_of(in->rest.data + bytes.n, in->rest.n - bytes.n);
    return bytes;
}

struct slice flat_str(struct flat *in, size_t max)
{
    struct slice text = take_bytes(in, HEAD_STR);

    if (text.n <= max && slice_is_utf8(text)) return text;
    in->failed = true;
    return slice_of(NULL, 0);
}

struct slice flat_bin(struct flat *in)
{
    return take_bytes(in, HEAD_BIN);
}

uint64_t flat_array(struct flat *in)
{
    struct head head = take(in);

    if (head.kind != HEAD_ARRAY) {
        in->failed = true;
        return 0;
    }
    in->n_left += head.value;
    return head.value;
}

bool flat_nil(struct flat *in)
{
    if (flat_peek(in) != HEAD_NIL) return false;
    (void)take(in);
    return true;
}
