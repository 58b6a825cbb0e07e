/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"
#include "base/limits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct slice slice_of(const void *data, size_t n)
{
    return (struct slice){.data = data, .n = n};
}

struct slice slice_str(const char *text)
{
    return slice_of(text, strlen(text));
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.data, b.data, a.n) == 0);
}

bool slice_equal_str(struct slice a, const char *text)
{
    return slice_equal(a, slice_str(text));
}

int slice_compare(struct slice a, struct slice b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.data, b.data, n) : 0;

    if (order != 0) return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

uint64_t slice_hash(struct slice s)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < s.n; i++) hash = (hash ^ s.data[i]) * 0x100000001b3u;
    return hash;
}

static bool is_id_byte(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == ':' || c == '-';
}

bool slice_is_id(struct slice s)
{
    if (s.n == 0 || s.n > LIMIT_ID) return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_id_byte(s.data[i])) return false;
    }
    return true;
}

/* Bytes of the well-formed sequence at the front of `s`, 0 if there is none (Unicode 15, table
 * 3-7: the second byte's range depends on the first). */
static size_t utf8_sequence(struct slice s)
{
    uint8_t lead = s.data[0];
    uint8_t low = 0x80, high = 0xbf;
    size_t n;

    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        n = 2;
    else if (lead >= 0xe0 && lead <= 0xef)
        n = 3;
    else if (lead >= 0xf0 && lead <= 0xf4)
        n = 4;
    else
        return 0;
    if (s.n < n) return 0;

    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    if (s.data[1] < low || s.data[1] > high) return 0;
    for (size_t i = 2; i < n; i++) {
        if (s.data[i] < 0x80 || s.data[i] > 0xbf) return 0;
    }
    return n;
}

/* Whether the eight bytes at `at` are all ASCII, as nearly all text here is. */
static bool are_ascii(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return (word & 0x8080808080808080) == 0;
}

bool slice_is_utf8(struct slice s)
{
    while (s.n > 0) {
        size_t n = s.n >= 8 && are_ascii(s.data) ? 8 : utf8_sequence(s);

        if (n == 0) return false;
        s.data += n;
        s.n -= n;
    }
    return true;
}

bool slice_to_text(struct slice s, char *out, size_t size)
{
    out[0] = '\0';
    if (s.n >= size || (s.n > 0 && memchr(s.data, 0, s.n))) return false;
    if (s.n > 0) memcpy(out, s.data, s.n);
    out[s.n] = '\0';
    return true;
}

static bool buf_reserve(struct buf *buf, size_t n)
{
    size_t cap = buf->cap ? buf->cap : 256;
    uint8_t *data;

    if (buf->failed) return false;
    if (n > SIZE_MAX / 4 - buf->n) goto failed;
    while (cap < buf->n + n) cap *= 2;
    if (cap == buf->cap) return true;
    data = realloc(buf->data, cap);
    if (!data) goto failed;
    buf->data = data;
    buf->cap = cap;
    return true;
failed:
    buf->failed = true;
    return false;
}

void buf_append(struct buf *buf, const void *data, size_t n)
{
    if (n == 0) return;
    if ((buf->failed || n > buf->cap - buf->n) && !buf_reserve(buf, n)) return;
    memcpy(buf->data + buf->n, data, n);
    buf->n += n;
}

void buf_clear(struct buf *buf)
{
    buf->n = 0;
    buf->failed = false;
}

void buf_done(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

struct slice buf_slice(const struct buf *buf)
{
    return slice_of(buf->data, buf->n);
}

void buf_append_slice(struct buf *buf, struct slice s)
{
    uint32_t n = (uint32_t)s.n;

    assert(s.n <= UINT32_MAX);
    buf_append(buf, &n, sizeof(n));
    buf_append(buf, s.data, s.n);
}

void slice_take_bytes(struct slice *rest, void *out, size_t n)
{
    assert(rest->n >= n);
    memcpy(out, rest->data, n);
    *rest = slice_of(rest->data + n, rest->n - n);
}

struct slice slice_take(struct slice *rest)
{
    struct slice s;
    uint32_t n;

    slice_take_bytes(rest, &n, sizeof(n));
    assert(rest->n >= n);
    s = slice_of(rest->data, n);
    *rest = slice_of(s.data + n, rest->n - n);
    return s;
}
