/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/event_record.h"
#include "base/bytes.h"
#include "num/elementary.h"
#include "proto/writer.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

enum {
    N_COMMON = 9,
    N_STARTED = 9,
    N_ANSWERED = 6,
    N_VOIDED = 1,
    N_SCORED = 2,
    OUTCOME_BYTES = 20,
    KEPT_BYTES = 8,
};

static size_t n_own(const struct event *event)
{
    static const uint8_t n[] = {[EVENT_STARTED] = N_STARTED,
                                [EVENT_ANSWERED] = N_ANSWERED,
                                [EVENT_VOIDED] = N_VOIDED,
                                [EVENT_REVISED] = N_ANSWERED,
                                [EVENT_SCORED] = N_SCORED};
    size_t kind = (size_t)event->kind;

    return (kind < COUNT_OF(n) ? n[kind] : 0u) + (event->n_kept > 0);
}

static void write_counts(struct writer *out, const struct event *event)
{
    if (event->n_used > 0) write_array(out, 2);
    write_int(out, event->n_retired);
    if (event->n_used > 0) write_int(out, event->n_used);
}

static void write_kept(struct writer *out, const struct event *event)
{
    msgpack_pack_bin(&out->packer, (size_t)event->n_kept * KEPT_BYTES);
    for (uint32_t j = 0; j < event->n_kept; j++) {
        uint8_t bytes[KEPT_BYTES];

        bytes_put_u32(bytes, event->kept[j].item);
        bytes_put_u32(bytes + 4, event->kept[j].where);
        msgpack_pack_bin_body(&out->packer, bytes, sizeof(bytes));
    }
}

static void write_optional(struct writer *out, struct slice text)
{
    if (text.n > 0)
        write_str(out, text);
    else
        write_nil(out);
}

static void write_outcome(struct writer *out, const struct outcome *outcome)
{
    uint8_t bytes[OUTCOME_BYTES];

    bytes_put_u64(bytes, num_bits(outcome->theta));
    bytes_put_u64(bytes + 8, num_bits(outcome->se));
    bytes_put_u32(bytes + 16, outcome->item);
    write_bin(out, slice_of(bytes, sizeof(bytes)));
    if (outcome->stop)
        write_text(out, outcome->stop);
    else
        write_nil(out);
}

static void write_started(struct writer *out, const struct event_record *record)
{
    const struct identity *identity = &record->identity;
    const struct event *event = &record->event;

    write_str(out, identity->test);
    write_int(out, identity->test_version);
    write_str(out, identity->bank);
    write_int(out, identity->bank_version);
    write_str(out, identity->examinee);
    write_optional(out, identity->group);
    write_int(out, (int64_t)event->seed);
    if (event->has_prior) {
        write_f64(out, event->prior_mean);
        write_f64(out, event->prior_sd);
    } else {
        write_nil(out);
        write_nil(out);
    }
    if (event->n_kept > 0) write_kept(out, event);
}

static void write_answered(struct writer *out, const struct event *event)
{
    write_int(out, event->seq);
    write_int(out, event->item);
    write_int(out, event->response.kind);
    write_int(out, event->response.score);
    if (event->response.kind == RESPONSE_RAW)
        write_str(out, event->response.raw);
    else
        write_optional(out, event->response.raw);
    write_int(out, event->elapsed_ms);
}

static void write_scored(struct writer *out, const struct event *event)
{
    write_int(out, event->seq);
    write_int(out, event->response.score);
}

/* Whether an event of that kind brings an answer. */
static bool is_answer(enum event_kind kind)
{
    return kind == EVENT_ANSWERED || kind == EVENT_REVISED;
}

void event_record_write(const struct event_record *record, struct buf *buf)
{
    const struct event *event = &record->event;
    struct writer out = writer_of(buf);

    write_array(&out, N_COMMON + n_own(event));
    write_int(&out, event->kind);
    write_str(&out, record->tenant);
    write_str(&out, record->session);
    write_int(&out, record->n);
    write_int(&out, event->time_ms);
    write_counts(&out, event);
    write_bin(&out, slice_of(record->previous, SEAL_BYTES));
    write_outcome(&out, &record->outcome);
    if (event->kind == EVENT_STARTED) write_started(&out, record);
    if (is_answer(event->kind)) write_answered(&out, event);
    if (event->kind == EVENT_SCORED) write_scored(&out, event);
    if (event->kind == EVENT_VOIDED) write_optional(&out, record->reason);
}

/* The elements of the array, taken one after the other; the first wrong one sticks. */
struct elements {
    const msgpack_object *next;
    size_t n_left;
    bool failed;
};

static const msgpack_object *element(struct elements *in)
{
    static const msgpack_object nil = {.type = MSGPACK_OBJECT_NIL};

    if (in->failed || in->n_left == 0) {
        in->failed = true;
        return &nil;
    }
    in->n_left--;
    return in->next++;
}

static int64_t take_int(struct elements *in, int64_t min, int64_t max)
{
    int64_t value = 0;

    if (!object_int(element(in), min, max, &value)) in->failed = true;
    return value;
}

static struct slice take_str(struct elements *in)
{
    struct slice value = {0};

    if (!object_str(element(in), &value) || value.n > LIMIT_ID) in->failed = true;
    return value;
}

static struct slice take_optional_str(struct elements *in, size_t max)
{
    const msgpack_object *object = element(in);
    struct slice value = {0};

    if (object->type == MSGPACK_OBJECT_NIL) return value;
    if (!object_str(object, &value) || value.n > max) in->failed = true;
    return value;
}

/* True where there is a number; false where there is nil. */
static bool take_optional_f64(struct elements *in, double *out)
{
    const msgpack_object *object = element(in);

    if (object->type == MSGPACK_OBJECT_NIL) return false;
    if (!object_f64(object, -DBL_MAX, DBL_MAX, out)) in->failed = true;
    return true;
}

/* n_retired, or an array of it and n_used. */
static void take_counts(struct elements *in, struct event *event)
{
    const msgpack_object *object = element(in);
    struct elements pair = {.next = object, .n_left = 1};

    if (object->type == MSGPACK_OBJECT_ARRAY) {
        pair = (struct elements){.next = object->via.array.ptr, .n_left = object->via.array.size};
    }
    event->n_retired = (uint32_t)take_int(&pair, 0, UINT32_MAX);
    if (object->type == MSGPACK_OBJECT_ARRAY) {
        event->n_used = (uint32_t)take_int(&pair, 1, UINT32_MAX);
    }
    if (pair.failed || pair.n_left > 0) in->failed = true;
}

static void take_kept(struct elements *in, struct event_record *out)
{
    const msgpack_object *object = element(in);

    if (object->type != MSGPACK_OBJECT_BIN || object->via.bin.size == 0 ||
        object->via.bin.size % KEPT_BYTES != 0) {
        in->failed = true;
        return;
    }
    out->kept = slice_of(object->via.bin.ptr, object->via.bin.size);
    out->event.n_kept = (uint32_t)(out->kept.n / KEPT_BYTES);
}

static const uint8_t *take_bin(struct elements *in, size_t n)
{
    static const uint8_t zeros[OUTCOME_BYTES];
    const msgpack_object *object = element(in);

    if (object->type == MSGPACK_OBJECT_BIN && object->via.bin.size == n) {
        return (const uint8_t *)object->via.bin.ptr;
    }
    in->failed = true;
    return zeros;
}

static void take_outcome(struct elements *in, struct event_record *out)
{
    const uint8_t *bytes = take_bin(in, OUTCOME_BYTES);
    struct slice stop = take_optional_str(in, LIMIT_ID);

    out->outcome.theta = num_of_bits(bytes_get_u64(bytes));
    out->outcome.se = num_of_bits(bytes_get_u64(bytes + 8));
    out->outcome.item = bytes_get_u32(bytes + 16);
    if (stop.n == 0) return;
    if (!slice_to_text(stop, out->stop, sizeof(out->stop))) in->failed = true;
    out->outcome.stop = out->stop;
}

static void take_started(struct elements *in, struct event_record *out)
{
    struct identity *identity = &out->identity;
    struct event *event = &out->event;

    identity->test = take_str(in);
    identity->test_version = (uint32_t)take_int(in, 1, UINT32_MAX);
    identity->bank = take_str(in);
    identity->bank_version = (uint32_t)take_int(in, 1, UINT32_MAX);
    identity->examinee = take_str(in);
    identity->group = take_optional_str(in, LIMIT_ID);
    event->seed = (uint64_t)take_int(in, 0, LIMIT_INT);
    event->has_prior = take_optional_f64(in, &event->prior_mean);
    if (take_optional_f64(in, &event->prior_sd) != event->has_prior) in->failed = true;
    if (in->n_left > 0) take_kept(in, out);
}

static void take_answered(struct elements *in, struct event *event)
{
    event->seq = (uint32_t)take_int(in, 1, LIMIT_ANSWERS);
    event->item = (uint32_t)take_int(in, 0, LIMIT_ITEMS);
    event->response.kind = (enum response_kind)take_int(in, RESPONSE_SCORE, RESPONSE_LATER);
    event->response.score = (uint8_t)take_int(in, 0, LIMIT_CATS - 1);
    event->response.raw =
        take_optional_str(in, event->response.kind == RESPONSE_LATER ? LIMIT_WRITTEN : LIMIT_RAW);
    event->elapsed_ms = take_int(in, -1, LIMIT_INT);
}

static void take_scored(struct elements *in, struct event *event)
{
    event->seq = (uint32_t)take_int(in, 1, LIMIT_ANSWERS);
    event->response.score = (uint8_t)take_int(in, 0, LIMIT_CATS - 1);
}

enum status event_record_read(struct decoder *decoder, struct slice bytes, struct event_record *out)
{
    msgpack_object root;
    struct fault fault;
    struct elements in;
    enum status st = decode(decoder, bytes, &root, &fault);

    if (st) return st == NO_MEMORY ? st : CORRUPT;
    if (root.type != MSGPACK_OBJECT_ARRAY) return CORRUPT;
    in = (struct elements){.next = root.via.array.ptr, .n_left = root.via.array.size};
    memset(out, 0, sizeof(*out));
    out->event.kind = (enum event_kind)take_int(&in, EVENT_STARTED, EVENT_SCORED);
    out->tenant = take_str(&in);
    out->session = take_str(&in);
    out->n = (uint32_t)take_int(&in, 0, UINT32_MAX);
    out->event.time_ms = take_int(&in, -LIMIT_INT, LIMIT_INT);
    take_counts(&in, &out->event);
    memcpy(out->previous, take_bin(&in, SEAL_BYTES), SEAL_BYTES);
    take_outcome(&in, out);
    if (out->event.kind == EVENT_STARTED) take_started(&in, out);
    if (is_answer(out->event.kind)) take_answered(&in, &out->event);
    if (out->event.kind == EVENT_SCORED) take_scored(&in, &out->event);
    if (out->event.kind == EVENT_VOIDED) out->reason = take_optional_str(&in, LIMIT_RAW);
    return in.failed || in.n_left > 0 ? CORRUPT : OK;
}

enum status event_record_kept(const struct event_record *record, size_t n_item,
                              struct kept_out **out)
{
    uint32_t n = record->event.n_kept;
    struct kept_out *kept = NULL;

    *out = NULL;
    if (n == 0) return OK;
    kept = calloc(n, sizeof(*kept));
    if (!kept) return NO_MEMORY;
    for (uint32_t j = 0; j < n; j++) {
        const uint8_t *at = record->kept.data + (size_t)j * KEPT_BYTES;

        kept[j] = (struct kept_out){bytes_get_u32(at), bytes_get_u32(at + 4)};
        if (kept[j].item < n_item) continue;
        free(kept);
        return CORRUPT;
    }
    *out = kept;
    return OK;
}
