/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The information of an item between two thetas is bounded by what it is there and by how much it
 * can bend. With M its largest value on a cell of width w, and m the larger one of the cell's ends,
 * the error of linear interpolation gives
 *     M <= m + w^2 / 8 sup(-I''),
 * and as -I'' <= bend I by the model's row, M <= m + w^2 / 8 bend M, so that
 *     M <= m / (1 - w^2 / 8 bend).
 * That is proven for every theta of the cell, where samples would only make it likely. The ends are
 * shared by neighbouring cells, so a bank's lists cost SHORTLIST_CELLS + 1 scans.
 *
 * Tried and dropped: tables of the information at fixed thetas. They are no faster, and the nearest
 * row picks another item in one of ten cases. */
#include "irt/shortlist.h"
#include "irt/bank.h"
#include "irt/partition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rounding: computed information is within 1e-9 of the exact one, and within 1e-18 where it is the
 * tiny difference of large terms. The bound must hold for the computed one, as a float. */
#define SLACK_RELATIVE 1e-6
#define SLACK_ABSOLUTE 1e-18

/* The lists of one group: in every cell `n` entries. */
struct group {
    size_t n;
    struct shortlisted *entry;  // [SHORTLIST_CELLS][n]
    float *rest;                // [SHORTLIST_CELLS]
};

struct shortlists {
    size_t n_group;
    struct shortlisted *entry;
    float *rest;
    struct group group[];  // [n_group]
};

/* What building takes: the information at both ends of the cell, and what to multiply the larger
 * one by. */
struct build {
    const struct bank *bank;
    const struct partition *partition;
    double *low, *high, *factor;  // [n_item]
};

static double border(size_t cell)
{
    return -SHORTLIST_REACH + (double)cell * SHORTLIST_WIDTH;
}

static size_t n_entry_of(size_t n_item)
{
    size_t n = n_item / SHORTLIST_SHARE;

    if (n < SHORTLIST_LEAST) n = SHORTLIST_LEAST;
    if (n > SHORTLIST_MOST) n = SHORTLIST_MOST;
    return n < n_item ? n : n_item;
}

/* Whether x stands behind y in a list. */
static bool is_behind(struct shortlisted x, struct shortlisted y)
{
    return x.bound < y.bound || (x.bound == y.bound && x.item > y.item);
}

/* `heap` [n] is a heap with the last of the list on top, but for the place `at`. */
static void sink(struct shortlisted *heap, size_t n, size_t at, struct shortlisted entry)
{
    for (size_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && is_behind(heap[child + 1], heap[child])) child++;
        if (!is_behind(heap[child], entry)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = entry;
}

/* The heap in the order of a list. */
static void unwind(struct shortlisted *heap, size_t n)
{
    for (size_t last = n; last > 1; last--) {
        struct shortlisted entry = heap[last - 1];

        heap[last - 1] = heap[0];
        sink(heap, last - 1, 0, entry);
    }
}

static float bound_of(const struct build *build, size_t i)
{
    double bound = fmax(build->low[i], build->high[i]) * build->factor[i] * (1.0 + SLACK_RELATIVE) +
                   SLACK_ABSOLUTE;

    return bound < (double)INFINITY ? (float)bound : INFINITY;  // not a number: no bound
}

static float larger(float x, float y)
{
    return x > y ? x : y;
}

/* Keep the group's items with the largest bounds. */
static void fill(const struct build *build, size_t group, struct group *out, size_t cell)
{
    size_t n_item = bank_n_item(build->bank), n = 0;
    const uint32_t *list = NULL;
    struct shortlisted *entry = out->entry + cell * out->n;
    float rest = -1.0F;

    if (build->partition) list = partition_items(build->partition, group, &n_item);
    for (size_t j = 0; j < n_item; j++) {
        uint32_t item = list ? list[j] : (uint32_t)j;
        struct shortlisted new = {item, bound_of(build, item)};

        if (n < out->n) {
            entry[n++] = new;
            for (size_t at = n / 2; n == out->n && at-- > 0;) sink(entry, n, at, entry[at]);
            continue;
        }
        if (is_behind(entry[0], new)) {
            rest = larger(rest, entry[0].bound);
            sink(entry, n, 0, new);
        } else {
            rest = larger(rest, new.bound);
        }
    }
    unwind(entry, n);
    out->rest[cell] = rest;
}

/* False where a model does not say how the information bends. */
static bool has_factors(const struct build *build)
{
    for (size_t i = 0; i < bank_n_item(build->bank); i++) {
        const struct item *item = bank_item(build->bank, i);
        double share;

        if (!item->model->bend) return false;
        share = SHORTLIST_WIDTH * SHORTLIST_WIDTH / 8.0 * item->model->bend(item);
        build->factor[i] = share < 1.0 ? 1.0 / (1.0 - share) : (double)INFINITY;
    }
    return true;
}

static struct shortlists *allocate_new(const struct build *build)
{
    size_t n_group = build->partition ? partition_n_group(build->partition) : 1, n_entry = 0;
    struct shortlists *lists = calloc(1, sizeof(*lists) + n_group * sizeof(lists->group[0]));

    if (!lists) return NULL;
    lists->n_group = n_group;
    for (size_t g = 0; g < n_group; g++) {
        size_t n_item = bank_n_item(build->bank);

        if (build->partition) partition_items(build->partition, g, &n_item);
        lists->group[g].n = n_entry_of(n_item);
        n_entry += lists->group[g].n;
    }
    lists->entry = calloc(n_entry * SHORTLIST_CELLS + 1, sizeof(*lists->entry));
    lists->rest = calloc(n_group * SHORTLIST_CELLS, sizeof(*lists->rest));
    if (!lists->entry || !lists->rest) {
        shortlists_free(lists);
        return NULL;
    }
    n_entry = 0;
    for (size_t g = 0; g < n_group; g++) {
        lists->group[g].entry = lists->entry + n_entry * SHORTLIST_CELLS;
        lists->group[g].rest = lists->rest + g * SHORTLIST_CELLS;
        n_entry += lists->group[g].n;
    }
    return lists;
}

static void fill_all(struct build *build, struct shortlists *lists)
{
    bank_info_all(build->bank, border(0), build->low);
    for (size_t cell = 0; cell < SHORTLIST_CELLS; cell++) {
        double *low = build->low;

        bank_info_all(build->bank, border(cell + 1), build->high);
        for (size_t g = 0; g < lists->n_group; g++) fill(build, g, &lists->group[g], cell);
        build->low = build->high;
        build->high = low;
    }
}

bool shortlists_new(const struct bank *bank, const struct partition *partition,
                    struct shortlists **out)
{
    size_t n_item = bank_n_item(bank);
    double *scratch;
    struct build build = {.bank = bank, .partition = partition};

    *out = NULL;
    if (n_item <= SHORTLIST_FEW) return true;
    scratch = calloc(3 * n_item, sizeof(*scratch));
    if (!scratch) return false;
    build.low = scratch;
    build.high = scratch + n_item;
    build.factor = scratch + 2 * n_item;
    if (!has_factors(&build)) {
        free(scratch);
        return true;
    }
    *out = allocate_new(&build);
    if (*out) fill_all(&build, *out);
    free(scratch);
    return *out != NULL;
}

void shortlists_free(struct shortlists *lists)
{
    if (!lists) return;
    free(lists->entry);
    free(lists->rest);
    free(lists);
}

bool shortlists_find(const struct shortlists *lists, size_t group, double theta,
                     struct shortlist *out)
{
    const struct group *of;
    size_t cell;

    if (!lists || !(theta >= border(0) && theta <= border(SHORTLIST_CELLS))) return false;
    cell = (size_t)((theta + SHORTLIST_REACH) / SHORTLIST_WIDTH);
    if (cell == SHORTLIST_CELLS) cell--;
    /* The quotient may be rounded over a border, by which the cell is then the neighbour's. */
    if (theta < border(cell)) cell--;
    if (theta > border(cell + 1)) cell++;
    of = &lists->group[group];
    *out = (struct shortlist){
        .entry = of->entry + cell * of->n, .n = of->n, .rest = (double)of->rest[cell]};
    return true;
}
