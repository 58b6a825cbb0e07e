/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/load/author.h"
#include "base/rng.h"
#include "proto/reader.h"
#include "proto/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { UPLOAD_ITEMS = 500, TIMEOUT_MS = 60000 };

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(EX_SOFTWARE);
}

struct thetad *author_new(const char *url)
{
    struct thetad_options options = {.timeout_ms = TIMEOUT_MS};
    struct thetad *author = thetad_open(url, &options);

    if (!author) fail(url, "no client");
    return author;
}

static void call(struct thetad *author, const char *op, struct buf *fields)
{
    if (thetad_call(author, op, fields->data, fields->n, NULL, NULL) != THETAD_OK) {
        fail(op, thetad_error_message(author));
    }
    buf_clear(fields);
}

/* Which items they are does not matter to the time. */
static void write_items(struct writer *out, size_t first, size_t n)
{
    write_text(out, "items");
    write_array(out, n);
    for (uint64_t i = first; i < first + n; i++) {
        char id[24];

        snprintf(id, sizeof(id), "i%zu", (size_t)i);
        write_map(out, 5);
        put_text(out, "id", id);
        put_text(out, "model", "3PL");
        put_f64(out, "a", 0.8 + rng_uniform(1, i));
        put_f64(out, "b", 6.0 * rng_uniform(2, i) - 3.0);
        put_f64(out, "c", 0.2 * rng_uniform(3, i));
    }
}

void author_load(struct thetad *author, size_t n_item)
{
    struct buf fields = {0};
    struct writer out = writer_of(&fields);

    write_map(&out, 1);
    put_text(&out, "bank", "bench");
    call(author, "bank.begin", &fields);
    for (size_t first = 0; first < n_item; first += UPLOAD_ITEMS) {
        size_t left = n_item - first;

        write_map(&out, 2);
        put_int(&out, "upload", 1);
        write_items(&out, first, left < UPLOAD_ITEMS ? left : UPLOAD_ITEMS);
        call(author, "bank.add", &fields);
    }
    write_map(&out, 1);
    put_int(&out, "upload", 1);
    call(author, "bank.publish", &fields);
    write_map(&out, 1);
    write_text(&out, "document");
    write_map(&out, 2);
    put_text(&out, "test", "bench");
    put_text(&out, "bank", "bench");
    call(author, "test.put", &fields);
    buf_done(&fields);
}

static int64_t read_count(const msgpack_object *reply, const char *group, const char *name)
{
    const msgpack_object *map = map_find(reply, group);
    const msgpack_object *value = map ? map_find(map, name) : NULL;
    int64_t count;

    if (!value || !object_int(value, 0, INT64_MAX, &count)) fail("stats", name);
    return count;
}

void author_stats(struct thetad *author, struct author_stats *out)
{
    struct decoder decoder;
    struct fault fault = {0};
    msgpack_object root;
    const uint8_t *reply;
    size_t n;

    if (thetad_call(author, "stats", NULL, 0, &reply, &n) != THETAD_OK) {
        fail("stats", thetad_error_message(author));
    }
    if (decoder_init(&decoder) || decode(&decoder, slice_of(reply, n), &root, &fault)) {
        fail("stats", fault.text);
    }
    *out = (struct author_stats){.answers = read_count(&root, "counters", "answers"),
                                 .commits = read_count(&root, "counters", "commits"),
                                 .live = read_count(&root, "gauges", "sessions_live")};
    decoder_done(&decoder);
}
