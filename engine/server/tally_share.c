/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/tally_share.h"
#include "base/bytes.h"
#include "num/elementary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1 };

static void put_f64(struct buf *out, double value)
{
    uint8_t bytes[8];

    bytes_put_u64(bytes, num_bits(value));
    buf_append(out, bytes, sizeof(bytes));
}

static void put_u8(struct buf *out, size_t value)
{
    const uint8_t byte = (uint8_t)value;

    buf_append(out, &byte, 1);
}

static void put_rule(struct buf *out, uint32_t version, const struct eligibility_rule *rule)
{
    uint8_t bytes[4];

    bytes_put_u32(bytes, version);
    put_u8(out, FORMAT);
    buf_append(out, bytes, sizeof(bytes));
    put_f64(out, rule->max_rate);
    put_f64(out, rule->fading);
    put_f64(out, rule->acceleration);
    put_u8(out, rule->n_cut);
    for (size_t k = 0; k < rule->n_cut; k++) put_f64(out, rule->cut[k]);
}

void tally_write(const struct tally *tally, const struct eligibility_counts *counts,
                 struct buf *out)
{
    put_rule(out, tally->rule_version, &counts->rule);
    for (size_t slot = 0; slot < counts->n_slot; slot++) {
        put_f64(out, counts->sessions[slot]);
        put_f64(out, counts->weight[slot]);
    }
    for (size_t at = 0; at < counts->n_place; at++) {
        const struct place *place = tally->place[at];

        put_u8(out, strlen(place->id));
        buf_append(out, place->id, strlen(place->id));
        put_f64(out, place->k);
        for (size_t slot = 0; slot < counts->n_slot; slot++) {
            put_f64(out, counts->asked[at * counts->n_slot + slot]);
            put_f64(out, counts->kept[at * counts->n_slot + slot]);
        }
    }
}

/* What is left to read; once it falls short or makes no sense everything else is 0. */
struct source {
    struct slice rest;
    bool failed;
};

static const uint8_t *take(struct source *source, size_t n)
{
    const uint8_t *at = source->rest.data;

    if (source->failed || source->rest.n < n) {
        source->failed = true;
        return NULL;
    }
    source->rest = slice_of(at + n, source->rest.n - n);
    return at;
}

static size_t take_u8(struct source *source)
{
    const uint8_t *at = take(source, 1);

    return at ? *at : 0;
}

static double take_f64(struct source *source)
{
    const uint8_t *at = take(source, 8);
    double value = at ? num_of_bits(bytes_get_u64(at)) : 0.0;

    if (isfinite(value)) return value;
    source->failed = true;
    return 0.0;
}

/* Within what counting can do with it, whatever a test may ask for. */
static bool is_rule(const struct eligibility_rule *rule)
{
    return rule->max_rate > 0.0 && rule->max_rate <= 1.0 && rule->fading > 0.0 &&
           rule->fading <= 1.0 && rule->acceleration >= 1.0 && rule->n_cut <= LIMIT_CUTS;
}

static void take_rule(struct source *source, uint32_t *out_version, struct eligibility_rule *out)
{
    bool is_known = take_u8(source) == FORMAT;
    const uint8_t *version = take(source, 4);

    *out = (struct eligibility_rule){.max_rate = take_f64(source)};
    out->fading = take_f64(source);
    out->acceleration = take_f64(source);
    out->n_cut = take_u8(source);
    if (!is_known || !is_rule(out)) source->failed = true;
    for (size_t k = 0; k < out->n_cut && !source->failed; k++) out->cut[k] = take_f64(source);
    *out_version = version ? bytes_get_u32(version) : 0;
}

static enum status take_item(struct source *source, struct tally *tally)
{
    size_t n = take_u8(source);
    const uint8_t *id = take(source, n);
    double k = take_f64(source);
    struct eligibility_counts *counts;
    struct place *place;
    enum status st;

    if (source->failed || n == 0 || n > LIMIT_ID) return CORRUPT;
    st = tally_place(tally, slice_of(id, n), k, &place);
    if (st) return st;
    counts = tally->counts;
    for (size_t slot = 0; slot < counts->n_slot; slot++) {
        counts->asked[place->at * counts->n_slot + slot] = take_f64(source);
        counts->kept[place->at * counts->n_slot + slot] = take_f64(source);
    }
    return source->failed ? CORRUPT : OK;
}

/* Counts by that rule, in place of the tally's, which go over into them. */
static enum status set_rule(struct tally *tally, uint32_t version,
                            const struct eligibility_rule *rule)
{
    struct eligibility_counts *counts =
        eligibility_counts_new(rule, tally->counts->cap, tally->counts);

    if (!counts) return NO_MEMORY;
    eligibility_counts_free(tally->counts);
    tally->counts = counts;
    tally->rule_version = version;
    return OK;
}

static enum status read_counts(struct source *source, struct tally *tally)
{
    double sessions[ELIGIBILITY_SLOTS] = {0}, weight[ELIGIBILITY_SLOTS] = {0};
    struct eligibility_rule rule;
    uint32_t version;
    size_t n_slot;
    enum status st;

    take_rule(source, &version, &rule);
    if (source->failed) return CORRUPT;
    n_slot = eligibility_slots(&rule);
    for (size_t slot = 0; slot < n_slot; slot++) {
        sessions[slot] = take_f64(source);
        weight[slot] = take_f64(source);
        if (!(sessions[slot] >= 0.0 && weight[slot] > 0.0)) source->failed = true;
    }
    st = source->failed ? CORRUPT : set_rule(tally, version, &rule);
    while (st == OK && source->rest.n > 0) st = take_item(source, tally);
    if (st) return st;
    memcpy(tally->counts->sessions, sessions, n_slot * sizeof(*sessions));
    memcpy(tally->counts->weight, weight, n_slot * sizeof(*weight));
    return OK;
}

enum status tally_read(struct slice bytes, struct tally **out)
{
    struct source source = {.rest = bytes};
    struct tally *tally = tally_new(&(struct tally_name){0});
    enum status st;

    if (!tally) return NO_MEMORY;
    st = bytes.n > 0 ? read_counts(&source, tally) : OK;
    if (st)
        tally_free(tally);
    else
        *out = tally;
    return st;
}

/* Where `to` has the places of `from`, made where it has none: [n_place], the caller's. NULL
 * without memory. */
static uint32_t *map_places(struct tally *to, const struct tally *from)
{
    uint32_t *map = calloc(from->counts->n_place + 1, sizeof(*map));

    for (size_t at = 0; map && at < from->counts->n_place; at++) {
        const struct place *place = from->place[at];
        struct place *same;

        if (tally_place(to, slice_str(place->id), place->k, &same)) {
            free(map);
            return NULL;
        }
        map[at] = same->at;
    }
    return map;
}

static enum status join(struct tally *counts, const struct tally *fresh)
{
    uint32_t *map;
    enum status st = OK;

    if (fresh->rule_version >= counts->rule_version) {
        st = set_rule(counts, fresh->rule_version, &fresh->counts->rule);
    }
    if (st) return st;
    map = map_places(counts, fresh);
    if (!map) return NO_MEMORY;
    eligibility_follow(counts->counts, fresh->counts, map);
    free(map);
    return OK;
}

enum status tally_join(struct slice counts, struct slice fresh, struct buf *out)
{
    struct tally *before = NULL, *after = NULL;
    enum status st = tally_read(counts, &before);

    if (st == OK) st = tally_read(fresh, &after);
    if (st == OK) st = join(before, after);
    if (st == OK) tally_write(before, before->counts, out);
    if (st == OK && out->failed) st = NO_MEMORY;
    if (before) tally_free(before);
    if (after) tally_free(after);
    return st;
}

/* Places that nobody has counted begin as they do. */
static void begin_others(struct eligibility_counts *counts, const struct tally *tally,
                         const struct tally *all)
{
    for (size_t at = 0; at < counts->n_place; at++) {
        const struct place *place = tally->place[at], *same;

        HASH_FIND(hh, all->places, place->id, strlen(place->id), same);
        if (!same) eligibility_begin(counts, at, place->k);
    }
}

/* What all have counted, in the places of `tally`. NULL without memory. */
static struct eligibility_counts *arrange(struct tally *tally, const struct tally *all)
{
    uint32_t *map = map_places(tally, all);
    struct eligibility_counts *counts =
        map ? eligibility_counts_new(&tally->counts->rule, tally->counts->cap, NULL) : NULL;

    if (counts) {
        counts->n_place = tally->counts->n_place;
        eligibility_take(counts, all->counts, map);
        begin_others(counts, tally, all);
    }
    free(map);
    return counts;
}

enum status tally_rest_on(struct tally *tally, struct slice bytes)
{
    struct eligibility_counts *counts;
    struct tally *all;
    enum status st = tally_read(bytes, &all);

    if (st) return st;
    counts = arrange(tally, all);
    tally_free(all);
    if (!counts) return NO_MEMORY;
    eligibility_follow(counts, tally->fresh, NULL);
    eligibility_counts_free(tally->counts);
    tally->counts = counts;
    return OK;
}
