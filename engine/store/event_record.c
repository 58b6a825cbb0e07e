/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/event_record.h"
#include "base/bytes.h"
#include "num/elementary.h"
#include "num/matrix.h"
#include "proto/flat.h"
#include "proto/writer.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    N_COMMON = 9,
    N_STARTED = 9,
    N_ANSWERED = 6,
    N_VOIDED = 1,
    N_SCORED = 2,
    OUTCOME_MOST = 16 * LIMIT_DIMS + 4,
    KEPT_BYTES = 8,
    USED_BYTES = 4,
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

static void write_used(struct writer *out, const uint32_t *used, uint32_t n)
{
    msgpack_pack_bin(&out->packer, (size_t)n * USED_BYTES);
    for (uint32_t j = 0; j < n; j++) {
        uint8_t bytes[USED_BYTES];

        bytes_put_u32(bytes, used[j]);
        msgpack_pack_bin_body(&out->packer, bytes, sizeof(bytes));
    }
}

static void write_counts(struct writer *out, const struct event_record *record)
{
    const struct event *event = &record->event;
    uint32_t n = record->n_used_new;

    if (event->n_used > 0) write_array(out, 2u + (n > 0));
    write_int(out, event->n_retired);
    if (event->n_used > 0) write_int(out, event->n_used);
    if (n > 0) write_used(out, event->used + event->n_used - n, n);
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
    size_t n = outcome->n_dim > 1 ? outcome->n_dim : 1;
    const double *theta = n > 1 ? outcome->ability.theta : &outcome->theta;
    const double *se = n > 1 ? outcome->ability.se : &outcome->se;
    uint8_t bytes[OUTCOME_MOST];

    for (size_t m = 0; m < n; m++) {
        bytes_put_u64(bytes + 8 * m, num_bits(theta[m]));
        bytes_put_u64(bytes + 8 * (n + m), num_bits(se[m]));
    }
    bytes_put_u32(bytes + 16 * n, outcome->item);
    write_bin(out, slice_of(bytes, 16 * n + 4));
    if (outcome->stop)
        write_text(out, outcome->stop);
    else
        write_nil(out);
}

/* A number, or a list of n > 0 as its doubles. */
static void write_numbers(struct writer *out, double number, const double *list, size_t n)
{
    uint8_t bytes[8 * LIMIT_DIMS * LIMIT_DIMS];

    for (size_t i = 0; i < n; i++) bytes_put_u64(bytes + 8 * i, num_bits(list[i]));
    if (n > 0)
        write_bin(out, slice_of(bytes, 8 * n));
    else
        write_f64(out, number);
}

static void write_prior(struct writer *out, const struct event *event)
{
    static const struct prior_dims none;
    const struct prior_dims *dims = event->prior_dims ? event->prior_dims : &none;

    if (!event->has_prior) {
        write_nil(out);
        write_nil(out);
        return;
    }
    write_numbers(out, event->prior_mean, dims->mean, dims->n_mean);
    write_numbers(out, event->prior_sd, dims->cov, dims->n_cov * dims->n_cov);
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
    write_prior(out, event);
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
    write_counts(&out, record);
    write_bin(&out, slice_of(record->previous, SEAL_BYTES));
    write_outcome(&out, &record->outcome);
    if (event->kind == EVENT_STARTED) write_started(&out, record);
    if (is_answer(event->kind)) write_answered(&out, event);
    if (event->kind == EVENT_SCORED) write_scored(&out, event);
    if (event->kind == EVENT_VOIDED) write_optional(&out, record->reason);
}

static struct slice take_optional_str(struct flat *in, size_t max)
{
    return flat_nil(in) ? slice_of(NULL, 0) : flat_str(in, max);
}

/* True where there is a number, or the doubles of a list (*out_n of at most `max`, into list);
 * false where there is nil. */
static bool take_numbers(struct flat *in, double *out, double *list, size_t max, size_t *out_n)
{
    struct slice bytes;

    if (flat_nil(in)) return false;
    if (flat_peek(in) != HEAD_BIN) {
        *out = flat_f64(in);
        return true;
    }
    bytes = flat_bin(in);
    *out_n = bytes.n / 8;
    if (bytes.n % 8 != 0 || *out_n == 0 || *out_n > max) {
        in->failed = true;
        *out_n = 0;
    }
    for (size_t i = 0; i < *out_n; i++) list[i] = num_of_bits(bytes_get_u64(bytes.data + 8 * i));
    return true;
}

static bool cov_is_sound(const struct prior_dims *dims)
{
    double root[LIMIT_DIMS * LIMIT_DIMS];
    size_t n = dims->n_cov;

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (num_bits(dims->cov[i * n + j]) != num_bits(dims->cov[j * n + i])) return false;
        }
    }
    return matrix_root(dims->cov, n, root);
}

/* Within what session.start lets in. A NaN is not. */
static bool prior_is_sound(const struct event *event, const struct prior_dims *dims)
{
    if (!(fabs(event->prior_mean) <= LIMIT_THETA)) return false;
    if (!(event->prior_sd >= LIMIT_SD_MIN && event->prior_sd <= LIMIT_SD_MAX)) return false;
    for (size_t m = 0; m < dims->n_mean; m++) {
        if (!(fabs(dims->mean[m]) <= LIMIT_THETA)) return false;
    }
    for (size_t m = 0; m < dims->n_cov * dims->n_cov; m++) {
        if (!(fabs(dims->cov[m]) <= LIMIT_SD_MAX * LIMIT_SD_MAX)) return false;
    }
    return dims->n_cov == 0 || cov_is_sound(dims);
}

static void take_prior(struct flat *in, struct event_record *out)
{
    struct prior_dims *dims = &out->prior_dims;
    struct event *event = &out->event;
    size_t n_square = 0;
    bool has_sd;

    event->has_prior = take_numbers(in, &event->prior_mean, dims->mean, LIMIT_DIMS, &dims->n_mean);
    has_sd = take_numbers(in, &event->prior_sd, dims->cov, LIMIT_DIMS * LIMIT_DIMS, &n_square);
    while (dims->n_cov * dims->n_cov < n_square) dims->n_cov++;
    if (has_sd != event->has_prior || dims->n_cov * dims->n_cov != n_square) in->failed = true;
    if (dims->n_mean > 0) event->prior_mean = dims->mean[0];
    if (dims->n_cov > 0) event->prior_sd = sqrt(dims->cov[0]);
    if (dims->n_mean > 0 || dims->n_cov > 0) event->prior_dims = dims;
    if (event->has_prior && !prior_is_sound(event, dims)) in->failed = true;
}

/* n_retired, or an array of it, n_used, and those of them that are new. */
static void take_counts(struct flat *in, struct event_record *out)
{
    struct event *event = &out->event;
    size_t n = flat_peek(in) == HEAD_ARRAY ? flat_array(in) : 1;

    if (n < 1 || n > 3) in->failed = true;
    event->n_retired = (uint32_t)flat_int(in, 0, UINT32_MAX);
    if (n > 1) event->n_used = (uint32_t)flat_int(in, 1, UINT32_MAX);
    if (n < 3) return;
    out->used_new = flat_bin(in);
    if (out->used_new.n == 0 || out->used_new.n % USED_BYTES != 0) in->failed = true;
    out->n_used_new = (uint32_t)(out->used_new.n / USED_BYTES);
}

static void take_kept(struct flat *in, struct event_record *out)
{
    out->kept = flat_bin(in);
    if (out->kept.n == 0 || out->kept.n % KEPT_BYTES != 0) in->failed = true;
    out->event.n_kept = (uint32_t)(out->kept.n / KEPT_BYTES);
}

static void take_previous(struct flat *in, uint8_t out[SEAL_BYTES])
{
    struct slice bytes = flat_bin(in);

    if (bytes.n == SEAL_BYTES)
        memcpy(out, bytes.data, SEAL_BYTES);
    else
        in->failed = true;
}

static void take_ability(struct flat *in, struct outcome *out)
{
    struct slice bytes = flat_bin(in);
    size_t n = bytes.n / 16;

    if (bytes.n % 16 != 4 || n < 1 || n > LIMIT_DIMS) {
        in->failed = true;
        return;
    }
    out->n_dim = n;
    for (size_t m = 0; n > 1 && m < n; m++) {
        out->ability.theta[m] = num_of_bits(bytes_get_u64(bytes.data + 8 * m));
        out->ability.se[m] = num_of_bits(bytes_get_u64(bytes.data + 8 * (n + m)));
    }
    out->theta = num_of_bits(bytes_get_u64(bytes.data));
    out->se = num_of_bits(bytes_get_u64(bytes.data + 8 * n));
    out->item = bytes_get_u32(bytes.data + 16 * n);
}

static void take_outcome(struct flat *in, struct event_record *out)
{
    struct slice stop;

    take_ability(in, &out->outcome);
    stop = take_optional_str(in, LIMIT_ID);
    if (stop.n == 0) return;
    if (!slice_to_text(stop, out->stop, sizeof(out->stop))) in->failed = true;
    out->outcome.stop = out->stop;
}

static void take_started(struct flat *in, struct event_record *out)
{
    struct identity *identity = &out->identity;
    struct event *event = &out->event;

    identity->test = flat_str(in, LIMIT_ID);
    identity->test_version = (uint32_t)flat_int(in, 1, UINT32_MAX);
    identity->bank = flat_str(in, LIMIT_ID);
    identity->bank_version = (uint32_t)flat_int(in, 1, UINT32_MAX);
    identity->examinee = flat_str(in, LIMIT_ID);
    identity->group = take_optional_str(in, LIMIT_ID);
    event->seed = (uint64_t)flat_int(in, 0, LIMIT_INT);
    take_prior(in, out);
    if (in->n_left > 0) take_kept(in, out);
}

static void take_answered(struct flat *in, struct event *event)
{
    event->seq = (uint32_t)flat_int(in, 1, LIMIT_ANSWERS);
    event->item = (uint32_t)flat_int(in, 0, LIMIT_ITEMS);
    event->response.kind = (enum response_kind)flat_int(in, RESPONSE_SCORE, RESPONSE_LATER);
    event->response.score = (uint8_t)flat_int(in, 0, LIMIT_CATS - 1);
    event->response.raw =
        take_optional_str(in, event->response.kind == RESPONSE_LATER ? LIMIT_WRITTEN : LIMIT_RAW);
    event->elapsed_ms = flat_int(in, -1, LIMIT_INT);
}

static void take_scored(struct flat *in, struct event *event)
{
    event->seq = (uint32_t)flat_int(in, 1, LIMIT_ANSWERS);
    event->response.score = (uint8_t)flat_int(in, 0, LIMIT_CATS - 1);
}

enum status event_record_read(struct slice bytes, struct event_record *out)
{
    struct flat in = flat_of(bytes);

    memset(out, 0, sizeof(*out));
    out->event.kind = (enum event_kind)flat_int(&in, EVENT_STARTED, EVENT_SCORED);
    out->tenant = flat_str(&in, LIMIT_ID);
    out->session = flat_str(&in, LIMIT_ID);
    out->n = (uint32_t)flat_int(&in, 0, UINT32_MAX);
    out->event.time_ms = flat_int(&in, -LIMIT_INT, LIMIT_INT);
    take_counts(&in, out);
    take_previous(&in, out->previous);
    take_outcome(&in, out);
    if (out->event.kind == EVENT_STARTED) take_started(&in, out);
    if (is_answer(out->event.kind)) take_answered(&in, &out->event);
    if (out->event.kind == EVENT_SCORED) take_scored(&in, &out->event);
    if (out->event.kind == EVENT_VOIDED) out->reason = take_optional_str(&in, LIMIT_RAW);
    return flat_is_done(&in) ? OK : CORRUPT;
}

void used_list_done(struct used_list *list)
{
    free(list->item);
    *list = (struct used_list){0};
}

enum status used_list_reserve(struct used_list *list, uint32_t n)
{
    uint32_t cap = list->n + n;
    uint32_t *item;

    if (cap <= list->cap) return OK;
    item = realloc(list->item, cap * sizeof(*item));
    if (!item) return NO_MEMORY;
    list->item = item;
    list->cap = cap;
    return OK;
}

bool event_record_tells_used(const struct event_record *record, const struct used_list *list)
{
    return record->n_used_new > 0 || list->n > 0;
}

enum status event_record_used(const struct event_record *record, size_t n_item,
                              struct used_list *list)
{
    uint32_t n = record->n_used_new;

    if (used_list_reserve(list, n)) return NO_MEMORY;
    for (uint32_t j = 0; j < n; j++) {
        uint32_t item = bytes_get_u32(record->used_new.data + (size_t)j * USED_BYTES);

        if (item >= n_item) return CORRUPT;
        list->item[list->n++] = item;
    }
    return record->event.n_used == list->n ? OK : CORRUPT;
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
