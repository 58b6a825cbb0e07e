/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/rng.h"
#include "server/exposure.h"
#include "server/tally_share.h"
#include "server_test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_ITEM = 12, N_PICK = 3 };

static const struct eligibility_rule rule = {
    .max_rate = 0.25, .fading = 0.99, .acceleration = 3, .n_cut = 1, .cut = {0.385}};

/* A node's tally: it knows items in an order of its own, and has counted nothing. */
static struct tally *pool_new(const struct eligibility_rule *by, int n_item, int first)
{
    struct tally *tally = tally_new(&(struct tally_name){0});
    struct eligibility_counts *counts;

    cr_assert_not_null(tally);
    counts = eligibility_counts_new(by, tally->counts->cap, NULL);
    eligibility_counts_free(tally->counts);
    tally->counts = counts;
    tally->rule_version = 2;
    cr_assert_eq(tally_keep_fresh(tally), OK);
    for (int i = 0; i < n_item; i++) {
        struct place *place;
        char id[16];

        snprintf(id, sizeof(id), "q%d", (first + i) % n_item);
        cr_assert_eq(tally_place(tally, slice_str(id), 1.0, &place), OK);
    }
    return tally;
}

static struct tally *node_new(int first)
{
    return pool_new(&rule, N_ITEM, first);
}

static size_t place_of(const struct tally *tally, int item)
{
    struct place *place;
    char id[16];

    snprintf(id, sizeof(id), "q%d", item);
    HASH_FIND(hh, tally->places, id, strlen(id), place);
    cr_assert_not_null(place);
    return place->at;
}

/* Session number s ends at a node. */
static void count(struct tally *tally, int s)
{
    struct eligibility_pick pick[N_PICK];
    struct kept_out kept = {(uint32_t)place_of(tally, (s + 5) % N_ITEM), 3};
    const struct eligibility_session session = {
        .pick = pick, .n_pick = N_PICK, .kept = &kept, .n_kept = 1};

    for (int j = 0; j < N_PICK; j++) {
        pick[j] = (struct eligibility_pick){
            (uint32_t)place_of(tally, (s % 97 * (s % 89) + j) % N_ITEM), (unsigned)(s + j) % 2};
    }
    eligibility_count(tally->counts, &session);
    eligibility_count(tally->fresh, &session);
}

/* What is fresh at a node goes behind what all have counted, `shared`, and the node goes on from
 * there. */
static void merge(struct tally *tally, struct buf *shared)
{
    struct buf fresh = {0}, joined = {0};

    tally_write(tally, tally->fresh, &fresh);
    eligibility_counts_free(tally->fresh);
    tally->fresh = NULL;
    cr_assert_eq(tally_keep_fresh(tally), OK);
    cr_assert_eq(tally_join(buf_slice(shared), buf_slice(&fresh), &joined), OK);
    cr_assert_eq(tally_rest_on(tally, buf_slice(&joined)), OK);
    buf_done(&fresh);
    buf_done(shared);
    *shared = joined;
}

static void expect_same(const struct tally *a, const struct tally *b)
{
    for (int i = 0; i < N_ITEM; i++) {
        for (size_t slot = 0; slot < a->counts->n_slot; slot++) {
            expect_close(eligibility_probability(a->counts, place_of(a, i), slot),
                         eligibility_probability(b->counts, place_of(b, i), slot), 1e-12,
                         "item %d, slot %zu", i, slot);
        }
    }
}

/* Sessions that end at two nodes, told to each other after each four, are counted as at one. */
Test(tally_share, two_nodes_count_as_one)
{
    struct tally *one = node_new(0), *nodes[] = {node_new(0), node_new(7)};
    struct buf shared = {0};

    for (int s = 0; s < 400; s++) {
        count(one, s);
        count(nodes[s / 4 % 2], s);
        if (s % 4 == 3) merge(nodes[s / 4 % 2], &shared);
    }
    cr_assert_eq(tally_rest_on(nodes[0], buf_slice(&shared)), OK);
    expect_same(one, nodes[0]);
    expect_same(one, nodes[1]);
    /* What is fresh comes on top. */
    count(one, 3);
    count(nodes[0], 3);
    cr_assert_eq(tally_rest_on(nodes[0], buf_slice(&shared)), OK);
    expect_same(one, nodes[0]);
    buf_done(&shared);
    for (int k = 0; k < 2; k++) tally_free(nodes[k]);
    tally_free(one);
}

/* Weights come to where they have to be brought down. */
Test(tally_share, counts_for_long)
{
    struct tally *one = node_new(0), *node = node_new(3);
    struct buf shared = {0};

    for (int s = 0; s < 90000; s++) {
        count(one, s);
        count(node, s);
        if (s % 1000 == 999) merge(node, &shared);
    }
    expect_same(one, node);
    buf_done(&shared);
    tally_free(node);
    tally_free(one);
}

/* A newer version of the test says by which rule; what an older one has counted goes to the whole
 * test's counts. */
Test(tally_share, takes_the_newer_rule)
{
    struct tally *old = node_new(0), *newer = node_new(1), *all;
    struct buf shared = {0};

    newer->rule_version = 3;
    newer->counts->rule.cut[0] = newer->fresh->rule.cut[0] = -1;
    for (int s = 0; s < 40; s++) count(s % 2 ? old : newer, s);
    merge(newer, &shared);
    merge(old, &shared);
    cr_assert_eq(tally_read(buf_slice(&shared), &all), OK);
    cr_expect_eq(all->rule_version, 3);
    cr_expect(all->counts->rule.cut[0] == -1);
    expect_close(all->counts->sessions[0] / all->counts->weight[0],
                 (1 - pow(0.99, 40)) / (1 - 0.99), 1e-12, "sessions");
    tally_free(all);
    buf_done(&shared);
    tally_free(old);
    tally_free(newer);
}

/* An item that nobody has counted begins with its k, wherever it is first heard of. */
Test(tally_share, items_begin_with_their_k)
{
    struct tally *nodes[] = {node_new(0), node_new(5)};
    struct buf shared = {0};
    struct place *place;

    count(nodes[1], 1);
    merge(nodes[1], &shared);
    cr_assert_eq(tally_place(nodes[0], slice_str("new"), 0.385, &place), OK);
    cr_assert_eq(tally_rest_on(nodes[0], buf_slice(&shared)), OK);
    expect_close(eligibility_probability(nodes[0]->counts, place->at, 0), 0.385, 0.15, "k");
    count(nodes[0], 2);
    merge(nodes[0], &shared);
    cr_assert_eq(tally_rest_on(nodes[1], buf_slice(&shared)), OK);
    cr_assert_eq(tally_place(nodes[1], slice_str("new"), 1.0, &place), OK);
    cr_expect_lt(eligibility_probability(nodes[1]->counts, place->at, 0), 0.6);
    buf_done(&shared);
    for (int k = 0; k < 2; k++) tally_free(nodes[k]);
}

/* Caps over many nodes. Sessions begin at the first half of them and end at the others, so that who
 * draws has counted nothing. A session's theta is one of two, and each prefers the items that are
 * near it, in an order of its own. */
enum { N_POOL = 60, N_ASKED = 10, N_NODES = 4, N_SESSION = 12000, N_BEFORE = 2000 };

static const struct eligibility_rule cap = {
    .max_rate = 0.2385, .fading = 0.999, .acceleration = 4, .n_cut = 1, .cut = {0.385}};

struct hall {
    struct tally *node[N_NODES];
    uint32_t place[N_NODES][N_POOL], item[N_NODES][N_POOL];
    unsigned asked[2][N_POOL], n[2];
};

/* How much an item is worth to session s. */
static double worth(uint64_t s, int item, unsigned side)
{
    double b = (item - N_POOL / 2.0) / 10.0, theta = side ? 1.385 : -0.615;

    return rng_uniform(2385, (s << 8) | (uint64_t)item) - fabs(b - theta);
}

/* Its next item: the best of those that are neither kept from it nor asked. */
static int next_item(uint64_t s, unsigned side, const bool *out_of_reach)
{
    int best = -1;

    for (int i = 0; i < N_POOL; i++) {
        if (out_of_reach[i]) continue;
        if (best < 0 || worth(s, i, side) > worth(s, best, side)) best = i;
    }
    return best;
}

static void sit(struct hall *hall, uint64_t s, size_t begins, size_t ends)
{
    unsigned side = (unsigned)(rng_uniform(385, s) * 2);
    struct eligibility_pick pick[N_ASKED];
    struct kept_out kept[N_POOL];
    bool out[N_POOL] = {0};
    struct eligibility_session session = {.pick = pick, .n_pick = N_ASKED, .kept = kept};

    session.n_kept = eligibility_draw(hall->node[begins]->counts, s, hall->item[begins], kept);
    for (size_t j = 0; j < session.n_kept; j++) {
        out[kept[j].item] = kept[j].where >> side & 1;
    }
    for (int j = 0; j < N_ASKED; j++) {
        int item = next_item(s, side, out);

        cr_assert_geq(item, 0);
        out[item] = true;
        pick[j] = (struct eligibility_pick){(uint32_t)item, side};
        if (s >= N_BEFORE) hall->asked[side][item]++;
    }
    if (s >= N_BEFORE) hall->n[side]++;
    session.place_of = hall->place[ends];
    eligibility_count(hall->node[ends]->counts, &session);
    eligibility_count(hall->node[ends]->fresh, &session);
}

/* The largest conditional rate of 12,000 sessions, less the first 2,000, where one after the other
 * of `n` nodes shares what it has counted, each after every `period` sessions of all. */
static double largest_rate(size_t n, uint64_t period)
{
    struct hall hall = {0};
    struct buf shared = {0};
    double most = 0.0;

    for (size_t k = 0; k < n; k++) {
        hall.node[k] = pool_new(&cap, N_POOL, (int)k * 7);
        for (int i = 0; i < N_POOL; i++) {
            hall.place[k][i] = (uint32_t)place_of(hall.node[k], i);
            hall.item[k][hall.place[k][i]] = (uint32_t)i;
        }
    }
    for (uint64_t s = 0; s < N_SESSION; s++) {
        size_t begins = s % ((n + 1) / 2);

        sit(&hall, s, begins, n - 1 - begins);
        for (size_t k = 0; k < n; k++) {
            if (s % period == period * k / n) merge(hall.node[k], &shared);
        }
    }
    for (int i = 0; i < 2 * N_POOL; i++) {
        most = fmax(most, (double)hall.asked[i % 2][i / 2] / hall.n[i % 2]);
    }
    for (size_t k = 0; k < n; k++) tally_free(hall.node[k]);
    buf_done(&shared);
    return most;
}

/* What a cap may be passed by: a share of 5,000 sessions has SD 0.006, less where it is pressed
 * down as it rises. */
#define CAP_TOLERANCE 0.01

Test(tally_share, caps_hold_over_all_nodes)
{
    const uint64_t periods[] = {20, 200};  // sessions; those that count are 1,000
    double r = cap.max_rate;

    expect_close(largest_rate(1, 20), r, CAP_TOLERANCE, "one node");
    for (size_t i = 0; i < COUNT_OF(periods); i++) {
        expect_close(largest_rate(2, periods[i]), r, CAP_TOLERANCE, "2 nodes, %zu", i);
        expect_close(largest_rate(N_NODES, periods[i]), r, CAP_TOLERANCE, "4 nodes, %zu", i);
    }
    /* Counts that nobody shares do not hold it. */
    cr_expect_gt(largest_rate(2, 2 * N_SESSION), r + CAP_TOLERANCE);
}

static struct slice skip_slice(struct slice *rest)
{
    uint32_t n;
    struct slice s;

    memcpy(&n, rest->data, sizeof(n));
    s = slice_of(rest->data + sizeof(n), n);
    *rest = slice_of(s.data + n, rest->n - sizeof(n) - n);
    return s;
}

/* What was handed over of the only tally: its name, as it stands there, and the two others. */
static struct slice handed(const struct buf *out, uint64_t *out_version, struct slice *out_counts)
{
    struct slice rest = buf_slice(out), name;

    for (int i = 0; i < 3; i++) skip_slice(&rest);
    name = slice_of(out->data, out->n - rest.n);
    memcpy(out_version, rest.data, sizeof(*out_version));
    rest = slice_of(rest.data + 8, rest.n - 8);
    *out_counts = skip_slice(&rest);
    cr_assert_eq(rest.n, 0);
    return name;
}

/* How many sessions that is, faded as they are. */
static double sessions_in(struct slice counts)
{
    struct tally *tally;
    double n;

    cr_assert_eq(tally_read(counts, &tally), OK);
    n = tally->counts->sessions[0] / tally->counts->weight[0];
    tally_free(tally);
    return n;
}

/* Hand over and tell how many sessions are new; -1 where there is nothing. */
static double hand_over(struct tallies *tallies, struct buf *out, uint64_t version)
{
    struct slice counts;
    uint64_t known;

    buf_clear(out);
    cr_assert_eq(tallies_hand_over(tallies, out), 1);
    handed(out, &known, &counts);
    cr_expect_eq(known, version);
    return counts.n > 0 ? sessions_in(counts) : -1;
}

/* Take back what was handed over: whether it is there, and as which version, with these counts. */
static enum status take_back(struct tallies *tallies, const struct buf *out, bool is_there,
                             struct slice all)
{
    const uint8_t there = is_there;
    uint32_t n = (uint32_t)all.n;
    struct buf back = {0};
    struct slice counts, name;
    uint64_t version;
    enum status st;

    name = handed(out, &version, &counts);
    version++;
    buf_append(&back, name.data, name.n);
    buf_append(&back, &there, 1);
    buf_append(&back, &version, sizeof(version));
    buf_append(&back, &n, sizeof(n));
    buf_append(&back, all.data, all.n);
    st = tallies_take_back(tallies, buf_slice(&back));
    buf_done(&back);
    return st;
}

/* What is not there goes again, with what has come meanwhile, and what is there does not. */
Test(tally_share, counts_are_handed_over_once)
{
    struct slice none = slice_of(NULL, 0), counts;
    struct buf out = {0}, all = {0};
    struct tallies *tallies;
    struct desk desk;
    uint64_t version;

    desk_open(&desk, 100);
    desk_bank(&desk, "b", 20);
    desk_test(&desk, "t",
              "'stop': {'any': [{'rule': 'length', 'at': 3}]}, 'exposure': {'rule': 'eligibility',"
              " 'fading': 0.9}");
    tallies = exposure_tallies(desk.server.exposure);
    tallies_share(tallies);
    cr_expect_eq(tallies_hand_over(tallies, &out), 0);
    desk_steps(&desk, "s-1", "t", "s101");
    expect_close(hand_over(tallies, &out, 0), 1, 1e-12, "one");
    desk_steps(&desk, "s-2", "t", "s101");
    cr_expect_eq(tallies_take_back(tallies, none), OK);  // nobody knows what became of it
    expect_close(hand_over(tallies, &out, 0), 1.9, 1e-12, "both");
    desk_steps(&desk, "s-3", "t", "s101");
    handed(&out, &version, &counts);
    buf_append(&all, counts.data, counts.n);
    cr_expect_eq(take_back(tallies, &out, true, buf_slice(&all)), OK);
    expect_close(hand_over(tallies, &out, 1), 1, 1e-12, "the third");
    cr_expect_eq(take_back(tallies, &out, false, buf_slice(&all)), OK);  // another node was first
    expect_close(hand_over(tallies, &out, 2), 1, 1e-12, "the third again");
    cr_expect_eq(take_back(tallies, &out, true, buf_slice(&all)), OK);
    expect_close(hand_over(tallies, &out, 3), -1, 0, "nothing");
    cr_expect_eq(take_back(tallies, &out, false, none), OK);
    expect_close(hand_over(tallies, &out, 3), -1, 0, "still nothing");
    cr_expect_eq(take_back(tallies, &out, false, slice_str("damaged")), CORRUPT);
    expect_close(hand_over(tallies, &out, 4), -1, 0, "it is not asked for again");
    desk_steps(&desk, "s-4", "t", "s101");  // and this node counts on
    cr_expect_eq(tallies_take_back(tallies, none), OK);
    expect_close(hand_over(tallies, &out, 4), 1, 1e-12, "the fourth");
    buf_done(&all);
    buf_done(&out);
    desk_close(&desk);
}

Test(tally_share, what_is_damaged_is_refused)
{
    struct tally *tally = node_new(0), *read;
    struct buf bytes = {0};

    count(tally, 1);
    tally_write(tally, tally->counts, &bytes);
    for (size_t n = 1; n < bytes.n; n++) {
        enum status st = tally_read(slice_of(bytes.data, n), &read);

        if (st == OK)
            tally_free(read);  // it ends behind an item
        else
            cr_assert_eq(st, CORRUPT, "%zu bytes", n);
    }
    bytes.data[0] = 9;
    cr_expect_eq(tally_read(buf_slice(&bytes), &read), CORRUPT);
    bytes.data[0] = 1;
    bytes.data[29] = 200;  // cuts
    cr_expect_eq(tally_read(buf_slice(&bytes), &read), CORRUPT);
    bytes.data[29] = 1;
    for (size_t at = 5; at < 29; at += 8) {  // of the rule: below 0
        bytes.data[at] ^= 0x80;
        cr_expect_eq(tally_read(buf_slice(&bytes), &read), CORRUPT, "%zu", at);
        bytes.data[at] ^= 0x80;
    }
    cr_assert_eq(tally_read(buf_slice(&bytes), &read), OK);
    tally_free(read);
    bytes.data[38] = bytes.data[39] = 0xff;  // a count that is no number
    cr_expect_eq(tally_read(buf_slice(&bytes), &read), CORRUPT);
    cr_expect_eq(tally_join(buf_slice(&bytes), buf_slice(&bytes), &(struct buf){0}), CORRUPT);
    buf_done(&bytes);
    tally_free(tally);
}
