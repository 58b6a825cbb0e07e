/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the bytes with a stack of open containers. `owed` counts the values that all open
 * containers still wait for. Each takes at least one byte, so a count that the rest of the message
 * cannot cover is refused where it stands, however deep it is nested: what msgpack-c then
 * allocates is bounded by the bytes that really arrived. */
#include "proto/prescan.h"
#include "base/limits.h"
#include "base/planted.h"
#include "proto/head.h"

_Static_assert(LIMIT_DEPTH == 16, "a reason below names the depth");
_Static_assert(LIMIT_PAIRS == 64, "a reason below names the entries");
_Static_assert(LIMIT_KEY == 64, "a reason below names the bytes");

/* An open container. Of a map the keys seen so far are kept, to find one that stands twice. */
struct frame {
    uint32_t left;  // values still to come: two for each pair of a map
    bool is_map;
    uint8_t n_key;
    struct slice keys[LIMIT_PAIRS];
    uint64_t hashes[LIMIT_PAIRS];  // of the keys
};

struct scan {
    struct slice rest;
    size_t n_value, owed, depth;
    struct frame frames[LIMIT_DEPTH];
};

static void skip(struct scan *scan, size_t n)
{
    scan->rest.data += n;
    scan->rest.n -= n;
}

static const char *open_container(struct scan *scan, struct head head)
{
    struct frame *frame;

    if (head.kind == HEAD_MAP && head.value > LIMIT_PAIRS) return "map of more than 64 entries";
    if (scan->depth == LIMIT_DEPTH) return "nested more than 16 deep";
    if (head.value > LIMIT_NODES_MESSAGE) return "too many values";

    frame = &scan->frames[scan->depth++];
    frame->is_map = head.kind == HEAD_MAP;
    frame->left = (uint32_t)head.value * (frame->is_map ? 2 : 1);
    frame->n_key = 0;
    scan->owed += frame->left;
    return NULL;
}

/* The innermost container if it is a map that comes to a key next, else NULL. */
static struct frame *map_at_key(struct scan *scan)
{
    struct frame *frame = scan->depth ? &scan->frames[scan->depth - 1] : NULL;

    return frame && frame->is_map && frame->left % 2 == 0 ? frame : NULL;
}

/* Hashes first, in a loop without a way out, which the compiler makes wide: 64 KiB of maps with
 * keys of one byte took 3 ms by comparing the keys themselves. */
static bool has_key(const struct frame *map, struct slice key, uint64_t hash)
{
    bool any = false;

    for (size_t i = 0; i < map->n_key; i++) any |= map->hashes[i] == hash;
    for (size_t i = 0; any && i < map->n_key; i++) {
        if (slice_equal(map->keys[i], key)) return true;
    }
    return false;
}

static const char *take_key(struct frame *map, struct slice key)
{
    uint64_t hash;

    if (key.n > LIMIT_KEY) return "map key longer than 64 bytes";
    hash = slice_hash(key);
    if (has_key(map, key, hash)) return "key that stands twice in its map";
    map->keys[map->n_key] = key;
    map->hashes[map->n_key++] = hash;
    return NULL;
}

/* The bytes of a str or bin; `map` is the map that a str is a key of, else NULL. */
static const char *take_bytes(struct scan *scan, struct head head, struct frame *map)
{
    struct slice bytes = slice_of(scan->rest.data, (size_t)head.value);

    if (head.value > scan->rest.n && !planted("lengths believed")) return "cut short";
    if (head.kind == HEAD_STR && !slice_is_utf8(bytes)) return "str that is not UTF-8";
    skip(scan, bytes.n);
    return map ? take_key(map, bytes) : NULL;
}

/* One value, without what a container holds. NULL, or why it is refused. */
static const char *take_value(struct scan *scan)
{
    struct frame *map = map_at_key(scan);
    const char *reason = NULL;
    struct head head;

    if (!head_take(&scan->rest, &head)) return "cut short";
    if (++scan->n_value > LIMIT_NODES_MESSAGE) return "too many values";
    if (head.kind == HEAD_EXT) return "ext type";
    if (head.kind == HEAD_NEVER) return "byte that starts no value";
    if (map && head.kind != HEAD_STR) return "map key that is not a str";

    scan->owed--;
    if (scan->depth > 0) scan->frames[scan->depth - 1].left--;
    if (head.kind == HEAD_ARRAY || head.kind == HEAD_MAP) reason = open_container(scan, head);
    if (head.kind == HEAD_STR || head.kind == HEAD_BIN) reason = take_bytes(scan, head, map);
    if (!reason && scan->owed > scan->rest.n && !planted("lengths believed")) reason = "cut short";
    while (scan->depth > 0 && scan->frames[scan->depth - 1].left == 0) scan->depth--;
    return reason;
}

/* The values of some keys of the outermost map. */
struct search {
    const char *const *keys;
    size_t n_key;
    struct slice *value;  // [n_key]
    struct slice *open;   // whose value is just being read
};

/* After each value: a key of the outermost map begins the next one, and the last part of a value
 * ends it. */
static void follow(struct search *search, const struct scan *scan)
{
    const struct frame *top = &scan->frames[0];

    if (search->open && (scan->depth == 0 || (scan->depth == 1 && top->left % 2 == 0))) {
        search->open->n = (size_t)(scan->rest.data - search->open->data);
        search->open = NULL;
    }
    if (scan->depth != 1 || !top->is_map || top->left % 2 == 0) return;
    for (size_t i = 0; i < search->n_key; i++) {
        if (!slice_equal_str(top->keys[top->n_key - 1], search->keys[i])) continue;
        search->open = &search->value[i];
        search->open->data = scan->rest.data;
    }
}

bool prescan_find(struct slice bytes, const char *const *keys, size_t n_key,
                  struct slice *out_value, struct prescan_error *out_error)
{
    struct search search = {keys, n_key, out_value, NULL};
    struct scan scan;  // the frames are filled as they open
    const char *reason = NULL;
    size_t start = 0;

    for (size_t i = 0; i < n_key; i++) out_value[i] = slice_of(NULL, 0);
    scan.rest = bytes;
    scan.n_value = scan.depth = 0;
    scan.owed = 1;
    while (!reason && scan.owed > 0) {
        start = bytes.n - scan.rest.n;
        reason = take_value(&scan);
        if (!reason && n_key > 0) follow(&search, &scan);
    }
    if (!reason && scan.rest.n > 0) {
        start = bytes.n - scan.rest.n;
        reason = "bytes behind the value";
    }
    if (reason) *out_error = (struct prescan_error){.offset = start, .reason = reason};
    return !reason;
}

bool prescan(struct slice bytes, struct prescan_error *out_error)
{
    return prescan_find(bytes, NULL, 0, NULL, out_error);
}
