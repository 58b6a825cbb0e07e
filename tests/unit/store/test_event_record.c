/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/event_record.h"
#include "store_test.h"

#include "proto/writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ID_64 "abcdefghijklmnopqrstuvwxyz.0123456789_ABCDEFGHIJKLMNOPQRSTUVWXY:"

_Static_assert(sizeof(ID_64) == LIMIT_ID + 1, "the longest id");

static struct event_record record_of(enum event_kind kind)
{
    struct event_record record = {
        .tenant = slice_str("local"),
        .session = slice_str(ID_64),
        .n = 17,
        .previous = {1, 2, 3, 0, 255, 128},
        .event = {.kind = kind, .time_ms = 1700000000385, .n_retired = 3},
        .outcome = {.theta = -0x1.8p-3, .se = 0.385, .item = 70000},
    };

    return record;
}

static struct event_record started(void)
{
    struct event_record record = record_of(EVENT_STARTED);

    record.n = 0;
    record.event.seed = 987654321;
    record.identity = (struct identity){.test = slice_str("algebra-6"),
                                        .bank = slice_str("algebra"),
                                        .test_version = 2,
                                        .bank_version = UINT32_MAX,
                                        .examinee = slice_str("e-1"),
                                        .group = slice_str("6b")};
    return record;
}

static struct event_record answered(enum response_kind kind, const char *raw)
{
    struct event_record record = record_of(EVENT_ANSWERED);

    record.event.seq = 4;
    record.event.item = 812;
    record.event.response = (struct response){.kind = kind, .score = 1};
    if (raw) record.event.response.raw = slice_str(raw);
    record.event.elapsed_ms = 4711;
    return record;
}

static const struct kept_out kept[] = {{0, 5}, {70000, KEPT_SEEN}, {1u << 17, 1u << 16}};

/* An outcome of n dimensions. */
static void several(struct event_record *record, size_t n)
{
    record->outcome.n_dim = n;
    for (size_t m = 0; m < n; m++) {
        record->outcome.ability.theta[m] = -0x1.123456789abcdp-3 * (double)(m + 1);
        record->outcome.ability.se[m] = 0.385 + (double)m;
    }
    record->outcome.theta = record->outcome.ability.theta[0];
    record->outcome.se = record->outcome.ability.se[0];
}

static const struct prior_dims own = {
    .n_mean = 3, .n_cov = 2, .mean = {0.385, -2.385, 0x1p-40}, .cov = {2.25, 0.5, 0.5, 1.1}};

static size_t records_of_several(struct event_record out[])
{
    out[0] = started();
    several(&out[0], LIMIT_DIMS);
    out[0].event.has_prior = true;
    out[0].event.prior_mean = own.mean[0];
    out[0].event.prior_sd = 1.5;
    out[0].event.prior_dims = &own;
    out[1] = answered(RESPONSE_SCORE, NULL);
    several(&out[1], 2);
    return 2;
}

/* Every kind, with what is awkward about it. */
static size_t all_records(struct event_record out[])
{
    size_t n = 0;

    out[n++] = started();
    out[n] = started();
    out[n].identity.group = slice_of(NULL, 0);
    out[n].outcome.se = (double)NAN;
    out[n].event.seed = LIMIT_INT;
    out[n].event.time_ms = -LIMIT_INT;
    out[n++].event.n_retired = 0;
    out[n] = started();
    out[n].event.has_prior = true;
    out[n].event.prior_mean = -2.385;
    out[n].event.prior_sd = 0x1.123456789abcdp-10;
    out[n++].outcome.theta = -0.0;
    out[n] = started();
    out[n].event.kept = kept;
    out[n].event.n_kept = COUNT_OF(kept);
    out[n++].event.n_used = 1;
    out[n++] = answered(RESPONSE_SCORE, NULL);
    out[n] = answered(RESPONSE_SCORE, NULL);
    out[n].event.n_retired = 0;
    out[n++].event.n_used = 70000;
    out[n] = answered(RESPONSE_OMITTED, NULL);
    out[n].event.response.score = 0;
    out[n].event.elapsed_ms = -1;
    out[n].outcome.se = (double)INFINITY;
    out[n++].n = UINT32_MAX;
    out[n++] = answered(RESPONSE_RAW, "x\u00b2 \u2265 \U0001d7db\u00f7\u00bd");
    out[n] = answered(RESPONSE_RAW, "");
    out[n].event.seq = LIMIT_ANSWERS;
    out[n].event.response.score = LIMIT_CATS - 1;
    out[n].outcome.item = NO_ITEM;
    out[n++].outcome.stop = "length";
    out[n++] = record_of(EVENT_SUSPENDED);
    out[n] = record_of(EVENT_RESUMED);
    out[n++].event.n_retired = UINT32_MAX;
    out[n] = record_of(EVENT_FINISHED);
    out[n].outcome.item = NO_ITEM;
    out[n++].outcome.stop = "request";
    out[n++] = record_of(EVENT_VOIDED);
    out[n] = record_of(EVENT_VOIDED);
    out[n++].reason = slice_str("phone\u2014seen at 10:42");
    out[n] = answered(RESPONSE_RAW, "B");
    out[n++].event.kind = EVENT_REVISED;
    out[n] = answered(RESPONSE_LATER, "Because both halves are alike.\n");
    out[n++].event.response.score = 0;
    out[n] = answered(RESPONSE_LATER, NULL);
    out[n].event.response.score = 0;
    out[n++].event.kind = EVENT_REVISED;
    out[n] = record_of(EVENT_SCORED);
    out[n].event.seq = LIMIT_ANSWERS;
    out[n].outcome.item = NO_ITEM;
    out[n].outcome.stop = "request";
    out[n++].event.response.score = LIMIT_CATS - 1;
    return n + records_of_several(out + n);
}

enum { N_RECORD = 20 };

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static bool same_dims(const struct prior_dims *a, const struct prior_dims *b)
{
    if (!a || !b) return a == b;
    return a->n_mean == b->n_mean && a->n_cov == b->n_cov &&
           memcmp(a->mean, b->mean, a->n_mean * sizeof(*a->mean)) == 0 &&
           memcmp(a->cov, b->cov, a->n_cov * a->n_cov * sizeof(*a->cov)) == 0;
}

static bool same_identity(const struct identity *a, const struct identity *b)
{
    return slice_equal(a->test, b->test) && slice_equal(a->bank, b->bank) &&
           a->test_version == b->test_version && a->bank_version == b->bank_version &&
           slice_equal(a->examinee, b->examinee) && slice_equal(a->group, b->group);
}

static bool same_event(const struct event *a, const struct event *b)
{
    return a->kind == b->kind && a->time_ms == b->time_ms && a->n_retired == b->n_retired &&
           a->seed == b->seed && a->has_prior == b->has_prior &&
           same_dims(a->prior_dims, b->prior_dims) && same_bits(a->prior_mean, b->prior_mean) &&
           same_bits(a->prior_sd, b->prior_sd) && a->seq == b->seq && a->item == b->item &&
           a->response.kind == b->response.kind && a->response.score == b->response.score &&
           slice_equal(a->response.raw, b->response.raw) && a->elapsed_ms == b->elapsed_ms &&
           a->n_used == b->n_used && a->n_kept == b->n_kept;
}

static bool same_record(const struct event_record *a, const struct event_record *b)
{
    return slice_equal(a->tenant, b->tenant) && slice_equal(a->session, b->session) &&
           a->n == b->n && memcmp(a->previous, b->previous, SEAL_BYTES) == 0 &&
           same_event(&a->event, &b->event) && outcome_equal(&a->outcome, &b->outcome) &&
           same_identity(&a->identity, &b->identity) && slice_equal(a->reason, b->reason);
}

Test(event_record, comes_back_to_the_bit)
{
    struct event_record records[N_RECORD], got;
    struct buf bytes = {0};

    cr_assert_eq(all_records(records), N_RECORD);
    for (size_t i = 0; i < N_RECORD; i++) {
        buf_clear(&bytes);
        event_record_write(&records[i], &bytes);
        cr_assert_eq(event_record_read(buf_slice(&bytes), &got), OK, "record %zu", i);
        expect_true(same_record(&got, &records[i]), "record %zu", i);
        expect_bits(got.outcome.theta, records[i].outcome.theta, "theta of %zu", i);
        expect_bits(got.outcome.se, records[i].outcome.se, "se of %zu", i);
    }
    buf_done(&bytes);
}

Test(event_record, tells_what_is_kept_out)
{
    struct event_record record = started(), got;
    struct kept_out *list = NULL;
    struct buf bytes = {0};

    record.event.kept = kept;
    record.event.n_kept = COUNT_OF(kept);
    event_record_write(&record, &bytes);
    cr_assert_eq(event_record_read(buf_slice(&bytes), &got), OK);
    cr_assert_eq(event_record_kept(&got, (1u << 17) + 1, &list), OK);
    for (size_t j = 0; j < COUNT_OF(kept); j++) {
        expect_true(list[j].item == kept[j].item && list[j].where == kept[j].where, "entry %zu", j);
    }
    free(list);
    cr_expect_eq(event_record_kept(&got, 1u << 17, &list), CORRUPT, "the bank has no such item");
    cr_expect_null(list);
    buf_done(&bytes);
}

/* In a district the record tells which items were used up since the event before; the list goes on
 * behind what it had. */
Test(event_record, tells_what_is_used_up)
{
    static const uint32_t used[] = {7, 70000, 12};
    struct event_record record = answered(RESPONSE_SCORE, NULL), again;
    struct used_list list = {0};
    struct buf bytes = {0};

    record.event.used = used;
    record.event.n_used = 3;
    record.n_used_new = 2;
    event_record_write(&record, &bytes);
    cr_assert_eq(event_record_read(buf_slice(&bytes), &again), OK);
    cr_expect_eq(again.event.n_retired, 3);
    cr_expect_eq(again.event.n_used, 3);
    cr_expect_eq(again.n_used_new, 2);
    cr_expect(event_record_tells_used(&again, &list));
    cr_expect_eq(event_record_used(&again, 70001, &list), CORRUPT, "one is missing before them");
    list.n = 0;
    cr_assert_eq(used_list_reserve(&list, 1), OK);
    list.item[list.n++] = used[0];
    cr_expect_eq(event_record_used(&again, 70001, &list), OK);
    cr_expect_arr_eq(list.item, used, sizeof(used));
    list.n = 1;
    cr_expect_eq(event_record_used(&again, 70000, &list), CORRUPT, "there is no such item");
    again.n_used_new = 0;
    list.n = 3;
    cr_expect(event_record_tells_used(&again, &list), "its session has told some");
    cr_expect_eq(event_record_used(&again, 70001, &list), OK);
    used_list_done(&list);
    cr_expect_not(event_record_tells_used(&again, &list));
    buf_done(&bytes);
}

Test(event_record, keeps_every_bit_of_a_nan)
{
    static const uint64_t bits[] = {0x7ff8000000000000, 0xfff8000000000123, 0x7ff0000000000001,
                                    0x0000000000000001, 0x8000000000000000};
    struct event_record record = record_of(EVENT_SUSPENDED), got;
    struct buf bytes = {0};

    for (size_t i = 0; i < COUNT_OF(bits); i++) {
        memcpy(&record.outcome.se, &bits[i], sizeof(bits[i]));
        buf_clear(&bytes);
        event_record_write(&record, &bytes);
        cr_assert_eq(event_record_read(buf_slice(&bytes), &got), OK);
        cr_expect(memcmp(&got.outcome.se, &bits[i], sizeof(bits[i])) == 0, "bits %zu", i);
    }
    buf_done(&bytes);
}

/* Read bytes that end where their memory ends. */
static enum status read_exactly(struct slice bytes, uint8_t **memory, struct event_record *out)
{
    *memory = malloc(bytes.n + (bytes.n == 0));
    cr_assert(*memory);
    if (bytes.n > 0) memcpy(*memory, bytes.data, bytes.n);
    return event_record_read(slice_of(*memory, bytes.n), out);
}

Test(event_record, cut_short_is_corrupt)
{
    struct event_record records[N_RECORD], got;
    struct buf bytes = {0};
    uint8_t *memory;

    all_records(records);
    for (size_t i = 0; i < N_RECORD; i++) {
        buf_clear(&bytes);
        event_record_write(&records[i], &bytes);
        for (size_t n = 0; n < bytes.n; n++) {
            enum status st = read_exactly(slice_of(bytes.data, n), &memory, &got);

            expect_true(st == CORRUPT, "record %zu cut to %zu: status %d", i, n, st);
            free(memory);
        }
        buf_append(&bytes, "\xc0", 1);
        cr_expect_eq(read_exactly(buf_slice(&bytes), &memory, &got), CORRUPT);
        free(memory);
    }
    buf_done(&bytes);
}

/* A record that was changed in one byte is no record, another record, or the same one told in other
 * words (an integer has several encodings of one length). */
static void expect_noticed(const struct event_record *record, struct slice changed,
                           struct slice right)
{
    struct event_record got;
    struct buf again = {0};
    uint8_t *memory;
    enum status st = read_exactly(changed, &memory, &got);

    if (st == OK && got.event.n_kept > 0) {
        struct kept_out *list;

        cr_expect(event_record_kept(&got, UINT32_MAX, &list) != NO_MEMORY);
        free(list);
    } else if (st == OK && same_record(&got, record)) {
        event_record_write(&got, &again);
        cr_expect(slice_equal(buf_slice(&again), right));
    } else if (st != OK) {
        cr_expect(st == CORRUPT, "status %d", st);
    }
    free(memory);
    buf_done(&again);
}

Test(event_record, no_changed_byte_does_harm)
{
    struct event_record records[N_RECORD];
    struct buf bytes = {0}, right = {0};

    all_records(records);
    for (size_t i = 0; i < N_RECORD; i++) {
        buf_clear(&bytes);
        buf_clear(&right);
        event_record_write(&records[i], &bytes);
        event_record_write(&records[i], &right);
        for (size_t at = 0; at < bytes.n * 255; at++) {
            bytes.data[at / 255] = (uint8_t)(right.data[at / 255] + 1 + at % 255);
            expect_noticed(&records[i], buf_slice(&bytes), buf_slice(&right));
            bytes.data[at / 255] = right.data[at / 255];
        }
    }
    buf_done(&bytes);
    buf_done(&right);
}

/* A suspension as it stands on disk; `n` says how many of its elements are written. */
static void write_suspended(struct writer *out, size_t n, int64_t kind)
{
    static const uint8_t zeros[20];

    write_array(out, n);
    write_int(out, kind);
    write_text(out, "local");
    write_text(out, "s-1");
    write_int(out, 2);
    write_int(out, 1700000000000);
    write_int(out, 0);
    write_bin(out, slice_of(zeros, SEAL_BYTES));
    write_bin(out, slice_of(zeros, sizeof(zeros)));
    if (n > 8) write_nil(out);
    if (n > 9) write_nil(out);
}

static enum status read_suspended(size_t n, int64_t kind)
{
    struct event_record got;
    struct buf bytes = {0};
    struct writer out = writer_of(&bytes);
    enum status st;

    write_suspended(&out, n, kind);
    st = event_record_read(buf_slice(&bytes), &got);
    buf_done(&bytes);
    return st;
}

Test(event_record, has_just_its_elements)
{
    cr_expect_eq(read_suspended(9, EVENT_SUSPENDED), OK);
    cr_expect_eq(read_suspended(8, EVENT_SUSPENDED), CORRUPT);
    cr_expect_eq(read_suspended(10, EVENT_SUSPENDED), CORRUPT);
    cr_expect_eq(read_suspended(9, EVENT_STARTED), CORRUPT);
    cr_expect_eq(read_suspended(9, EVENT_VOIDED), CORRUPT);
    cr_expect_eq(read_suspended(9, 0), CORRUPT);
    cr_expect_eq(read_suspended(9, EVENT_REVISED), CORRUPT);
    cr_expect_eq(read_suspended(9, EVENT_SCORED), CORRUPT);
    cr_expect_eq(read_suspended(10, EVENT_SCORED), CORRUPT);
    cr_expect_eq(read_suspended(9, 9), CORRUPT);
}

/* The layout is on the disks of others: it does not change by accident. */
Test(event_record, stands_as_it_always_did)
{
    struct event_record record = answered(RESPONSE_RAW, "7");
    struct buf bytes = {0};
    const uint8_t *at;

    record.session = slice_str("s-1");
    event_record_write(&record, &bytes);
    at = bytes.data;
    cr_assert_eq(bytes.n, 75, "%zu bytes", bytes.n);
    cr_expect_arr_eq(at, "\x9f\x02\xa5local\xa3s-1\x11", 13);
    cr_expect_arr_eq(at + 13, "\xcf\x00\x00\x01\x8b\xcf\xe5\x69\x81\x03", 10);
    cr_expect_arr_eq(at + 23, "\xc4\x10\x01\x02\x03\x00\xff\x80", 8);
    cr_expect_arr_eq(at + 41, "\xc4\x14\xbf\xc8\0\0\0\0\0\0", 10);
    cr_expect_arr_eq(at + 59, "\x00\x01\x11\x70\xc0", 5);
    cr_expect_arr_eq(at + 64,
                     "\x04\xcd\x03\x2c\x01\x01\xa1"
                     "7\xcd\x12\x67",
                     11);
    buf_done(&bytes);
}

/* The estimator takes the root of a covariance: there must be one. */
Test(event_record, has_no_covariance_that_is_none)
{
    static const struct {
        double cov[4];
        enum status want;
    } rows[] = {
        {{2.25, 0.5, 0.5, 1.1}, OK},       {{2.25, 1.5, 1.5, 1.0}, CORRUPT},
        {{2.25, 0.5, 0.4, 1.1}, CORRUPT},  {{2.25, -1.6, -1.6, 1.1}, CORRUPT},
        {{2.25, 0.5, 0.5, -1.1}, CORRUPT}, {{2.25, -0.5, -0.5, 1.1}, OK},
    };
    struct buf bytes = {0};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct prior_dims dims = {.n_mean = 2, .n_cov = 2, .mean = {0.385, -0.617}};
        struct event_record record = started(), got;

        memcpy(dims.cov, rows[i].cov, sizeof(rows[i].cov));
        record.event.has_prior = true;
        record.event.prior_mean = dims.mean[0];
        record.event.prior_sd = 1.5;
        record.event.prior_dims = &dims;
        buf_clear(&bytes);
        event_record_write(&record, &bytes);
        cr_expect_eq(event_record_read(buf_slice(&bytes), &got), rows[i].want, "%zu", i);
    }
    buf_done(&bytes);
}

/* What a person scores may be long, what a key scores may not. */
Test(event_record, bounds_what_was_written)
{
    static char text[LIMIT_WRITTEN + 2];
    static const struct {
        enum response_kind kind;
        size_t n;
        enum status want;
    } rows[] = {
        {RESPONSE_RAW, LIMIT_RAW, OK},
        {RESPONSE_RAW, LIMIT_RAW + 1, CORRUPT},
        {RESPONSE_LATER, LIMIT_RAW + 1, OK},
        {RESPONSE_LATER, LIMIT_WRITTEN, OK},
        {RESPONSE_LATER, LIMIT_WRITTEN + 1, CORRUPT},
    };
    struct buf bytes = {0};

    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct event_record record = answered(rows[i].kind, NULL), got;

        record.event.response.raw = slice_of(text, rows[i].n);
        buf_clear(&bytes);
        event_record_write(&record, &bytes);
        cr_expect_eq(event_record_read(buf_slice(&bytes), &got), rows[i].want, "%zu", i);
    }
    buf_done(&bytes);
}
