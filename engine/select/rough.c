/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A rough value is made from the item table in one pass over the nodes that hold nearly all of the
 * weight. With the weights w scaled to a sum of 1 and x_q the values of an item, the sums
 *     A = sum w P,  B = sum w r P,  C = sum w r^2 P       (r = node - mean)
 * over those nodes differ from the whole ones by at most what the other nodes could add:
 *     e0 = sum w,  e1 = sum w |r|,  e2 = sum w r^2        (over the others),
 * as 0 <= P <= 1, and by rounding, which is counted in. From there on the slack of each rough value
 * is carried along to first order times ROOM, which is more than the second order adds where A is
 * above LEAST e0; where it is not, the quantity's whole range is its slack. So the value that
 * decides lies between the bounds, rounding and all (tests/contract/test_bounds.c).
 *
 * The last category's sums are those of the weights less the others'. Curves are those of
 * irt/lane_items.h, good to ROUGH_CURVE. */
#include "select/rough.h"
#include "irt/kernels.h"
#include "irt/lane_items.h"
#include "irt/wide.h"
#include "num/elementary.h"
#include "select/weights.h"

/* The share of the weight that may lie on the nodes at each end that are left out. */
#define LEFT_OUT 0x1p-41

/* What rounding adds to e0 (times the largest |r| or r^2 to e1 or e2): 512 nodes, 2^-53 each. */
#define ROUNDING 1e-13

/* Smaller weights would lose digits. */
#define SMALLEST 1e-250

#define LEAST 100.0
#define ROOM  1.03

/* The weights, and what follows from them. */
struct rough {
    const struct criterion_input *input;
    double mean, reach;  // of the nodes; the largest |r|
    double kept[LANE_SUMS], e[LANE_SUMS];
    struct lane_span span;
    double scale;  // of the criterion's values
    bool is_fisher;
    double weight[LANE_SUMS][LIMIT_NODES];
};

/* A block: its table and its curves at the present theta, and what comes of it. */
struct rough_block {
    struct item_block table;
    struct lane_items items;
    struct lane_curves now;
    double value[LANES], slack[LANES];
};

/* P_k V, V the variance after answer k by its sums. */
WIDE_TEXT add_variance(const struct rough *rough, const double (*sum)[LANES], const double *p,
                       struct rough_block *out)
{
    double e0 = rough->e[0], e1 = rough->e[1], e2 = rough->e[2];
    double half = 0.5 * rough->reach * rough->reach;

    EACH_LANE
    {
        double known = sum[0][i] > LEAST * e0 ? 1.0 : 0.0;
        double share = ROOM / (known > 0.0 ? sum[0][i] : 1.0);
        double mean = sum[1][i] * share / ROOM, square = sum[2][i] * share / ROOM;
        double h = (e1 + fabs(mean) * e0) * share;
        double slack = (e2 + square * e0) * share + (2.0 * fabs(mean) + h) * h;
        double value = square - mean * mean;

        slack += ROUGH_CURVE * square;
        out->value[i] += p[i] * (known > 0.0 ? value : half);
        out->slack[i] += p[i] * (known > 0.0 ? slack : half);
    }
}

WIDE_TEXT mepv_text(const struct rough *rough, struct rough_block *out)
{
    const struct lanes *lanes = lanes_best();
    double rest[LANE_SUMS][LANES], sum[LANE_SUMS][LANES];

    for (size_t s = 0; s < LANE_SUMS; s++) EACH_LANE rest[s][i] = rough->kept[s];
    for (unsigned k = 1; k < out->table.n_value; k++) {
        lanes->sums(&out->table, k, &rough->span, sum);
        for (size_t s = 0; s < LANE_SUMS; s++) EACH_LANE rest[s][i] -= sum[s][i];
        add_variance(rough, (const double(*)[LANES])sum, out->now.p[k], out);
    }
    add_variance(rough, (const double(*)[LANES])rest, out->now.p[0], out);
    EACH_LANE out->slack[i] += ROUGH_CURVE * out->value[i];
    EACH_LANE out->slack[i] += ROUNDING * rough->reach * rough->reach;
}

/* The estimate after answer k by its sums, and how far from it the true one may be: as far as there
 * is where too little is known. */
WIDE_TEXT estimate_text(const struct rough *rough, const double (*sum)[LANES],
                        double *restrict theta, double *restrict h)
{
    double e0 = rough->e[0], e1 = rough->e[1];

    EACH_LANE
    {
        double known = sum[0][i] > LEAST * e0 ? 1.0 : 0.0;
        double share = ROOM / (known > 0.0 ? sum[0][i] : 1.0);
        double mean = known > 0.0 ? sum[1][i] * share / ROOM : 0.0;

        theta[i] = rough->mean + mean;
        h[i] = known > 0.0 ? (e1 + fabs(mean) * e0) * share + ROUNDING * LIMIT_THETA
                           : (double)INFINITY;
    }
}

/* P_k times the information of the answer at the estimate after it. With g the item's rate the
 * information is at most 2 g^2, expected or observed, without its sign, and changes by at most
 * 7 g^3 a logit: of the 1PL to 4PL the observed one is x^2 - x s, |x| <= g, s = P''/P',
 * |s| <= g, |s'| <= g^2 / 2, x' = x s - x^2, which makes 6.5 g^3, and the expected one E[x^2], of
 * which E[x^3 + 2 x x'] is at most 5 g^3; of the others log P has the derivatives |x| <= g,
 * |x'| <= g^2 / 2, |x''| <= g^3, so that they have less. */
WIDE_TEXT add_information(const double *p, const double *info, const double *h,
                          struct rough_block *out)
{
    EACH_LANE
    {
        double g = out->items.rate[i], most = 2.0 * g * g, change = 7.0 * g * g * g * h[i];

        change += ROUGH_CURVE * most;
        out->value[i] += p[i] * info[i];
        out->slack[i] += p[i] * (change < 2.0 * most ? change : 2.0 * most);
    }
}

WIDE_TEXT mei_text(const struct rough *rough, struct rough_block *out)
{
    const struct lanes *lanes = lanes_best();
    double rest[LANE_SUMS][LANES], sum[LANE_SUMS][LANES], theta[LANES], h[LANES];
    struct lane_curves after;

    for (size_t s = 0; s < 2; s++) EACH_LANE rest[s][i] = rough->kept[s];
    for (unsigned k = out->table.n_value; k-- > 0;) {
        if (k > 0) {
            lanes->sums(&out->table, k, &rough->span, sum);
            for (size_t s = 0; s < 2; s++) EACH_LANE rest[s][i] -= sum[s][i];
        }
        estimate_text(rough, (const double(*)[LANES])(k > 0 ? sum : rest), theta, h);
        lane_items_curves(&out->items, theta, &after);
        add_information(out->now.p[k], rough->is_fisher ? after.info : after.observed[k], h, out);
    }
}

/* The integral of sum over k of p (log p - log P), p at the present theta. What the other nodes
 * hold of log P is at most the table's largest. */
WIDE_TEXT kl_text(const struct rough *rough, struct rough_block *out)
{
    const struct lanes *lanes = lanes_best();
    double sum[LANE_SUMS][LANES], size[LANES] = {0}, most = out->table.largest;

    for (unsigned k = 0; k < out->table.n_value; k++) {
        lanes->sums(&out->table, k, &rough->span, sum);
        EACH_LANE
        {
            double p = out->now.p[k][i] > 0.0 ? out->now.p[k][i] : 0.0;
            double log_p = num_log(p + 0x1p-1000) * rough->kept[0];

            out->value[i] += p * (log_p - sum[0][i]);
            size[i] += p * (fabs(log_p) + fabs(sum[0][i]));
        }
    }
    EACH_LANE out->slack[i] = rough->e[0] * (2.0 * size[i] + most);
    EACH_LANE out->slack[i] += ROUGH_CURVE * size[i] + LIMIT_CATS * ROUNDING * (1.0 + most);
}

/* Sum over k >= 1 of E[P^2] - E[P]^2: the other nodes add e0 at most to the one, and 2 e0 + e0^2 to
 * the other. */
WIDE_TEXT gdi_text(const struct rough *rough, struct rough_block *out)
{
    const struct lanes *lanes = lanes_best();
    double sum[2][LANES], n = out->table.n_value;

    for (unsigned k = 1; k < out->table.n_value; k++) {
        lanes->squares(&out->table, k, &rough->span, sum);
        EACH_LANE out->value[i] += sum[1][i] - sum[0][i] * sum[0][i];
    }
    EACH_LANE out->slack[i] = ROUGH_CURVE * out->value[i] + n * 4.0 * rough->e[0];
}

WIDE_TEXT info_text(const struct rough *rough, struct rough_block *out)
{
    double sum[LANE_SUMS][LANES], most = out->table.largest;

    lanes_best()->sums(&out->table, 0, &rough->span, sum);
    EACH_LANE out->value[i] = sum[0][i];
    EACH_LANE out->slack[i] = ROUGH_CURVE * sum[0][i] + rough->e[0] * most;
}

/* One of them for one width. */
#define FOR_WIDTH(width, target, name)                                                             \
    static target void name##_##width(const struct rough *rough, struct rough_block *out)          \
    {                                                                                              \
        name##_text(rough, out);                                                                   \
    }

#define FOR_ALL(width, target)                                                                     \
    FOR_WIDTH(width, target, mepv)                                                                 \
    FOR_WIDTH(width, target, mei)                                                                  \
    FOR_WIDTH(width, target, kl)                                                                   \
    FOR_WIDTH(width, target, gdi)                                                                  \
    FOR_WIDTH(width, target, info)

FOR_ALL(plain, )
#if defined(__x86_64__)
FOR_ALL(avx2, WIDE_AVX2)
FOR_ALL(avx512, WIDE_AVX512)
#define WIDTHS(name)                                                                               \
    {                                                                                              \
        name##_plain, name##_avx2, name##_avx512                                                   \
    }
#else
#define WIDTHS(name)                                                                               \
    {                                                                                              \
        name##_plain                                                                               \
    }
#endif

typedef void block_fn(const struct rough *rough, struct rough_block *out);

/* How one criterion is bounded. */
struct rough_kind {
    enum item_table_kind table;
    bool with_curves, with_prior, with_rule, is_scaled, is_fisher;
    size_t n_sum;
    block_fn *block[3];
};

/* The weights as the criterion has them, scaled to a sum of 1. False where they are of no use. */
static bool scale_weights(const struct rough_kind *kind, struct rough *rough)
{
    const struct criterion_input *input = rough->input;
    struct weights weights;
    double total = 0.0;

    weights_make(input, kind->with_prior, &weights);
    if (!item_table_serves(input->table, kind->table, weights.node, weights.n)) return false;
    if (kind->table == ITEM_TABLE_P && !item_table_is_positive(input->table)) return false;
    if (kind->with_rule) weights_apply_rule(input, &weights);
    for (size_t q = 0; q < weights.n; q++) total += weights.weight[q];
    rough->scale = kind->is_scaled ? total * weights.scale : 1.0;
    if (!(total > SMALLEST && total < 1.0 / SMALLEST && rough->scale > SMALLEST)) return false;
    for (size_t q = 0; q < weights.n; q++) {
        rough->weight[0][q] = weights.weight[q] / total;
        rough->mean += rough->weight[0][q] * weights.node[q];
    }
    for (size_t q = 0; q < weights.n; q++) {
        double r = weights.node[q] - rough->mean;

        rough->weight[1][q] = rough->weight[0][q] * r;
        rough->weight[2][q] = rough->weight[1][q] * r;
        rough->reach = fmax(rough->reach, fabs(r));
    }
    rough->span.to = weights.n;
    return true;
}

/* Leave out what weighs next to nothing at both ends. */
static void trim(struct rough *rough)
{
    const double *weight = rough->weight[0];
    size_t from = 0, to = rough->span.to;
    double low = 0.0, high = 0.0;

    while (from + 1 < to && low + weight[from] <= LEFT_OUT) low += weight[from++];
    while (to > from + 1 && high + weight[to - 1] <= LEFT_OUT) high += weight[--to];
    for (size_t s = 0; s < LANE_SUMS; s++) {
        const double *of = rough->weight[s];
        double least = s == 0 ? 1.0 : s == 1 ? rough->reach : rough->reach * rough->reach;

        rough->e[s] = ROUNDING * fmax(least, 1.0);
        for (size_t q = 0; q < from; q++) rough->e[s] += fabs(of[q]);
        for (size_t q = to; q < rough->span.to; q++) rough->e[s] += fabs(of[q]);
        for (size_t q = from; q < to; q++) rough->kept[s] += of[q];
        rough->span.weight[s] = of;
    }
    rough->span.from = from;
    rough->span.to = to;
}

/* False where the curves cannot be had. */
static bool fill_block(const struct rough_kind *kind, const struct rough *rough, size_t first,
                       struct rough_block *out)
{
    const struct criterion_input *input = rough->input;
    double theta[LANES];

    out->table = item_table_block(input->table, first);
    EACH_LANE out->value[i] = out->slack[i] = 0.0;
    if (kind->with_curves) {
        EACH_LANE theta[i] = input->theta;
        if (!lane_items_of(input->bank, first, &out->items)) return false;
        lane_items_curves(&out->items, theta, &out->now);
    }
    kind->block[kernels_n() - 1](rough, out);
    return true;
}

static bool bound(const struct rough_kind *kind, const struct criterion_input *input,
                  const struct candidates *candidates, double *low, double *high)
{
    struct rough rough = {.input = input, .is_fisher = kind->is_fisher};
    struct rough_block block;
    size_t done = SIZE_MAX;

    rough.span.n_sum = kind->n_sum;
    if (!input->table || !scale_weights(kind, &rough)) return false;
    trim(&rough);
    for (size_t j = 0; j < candidates->n; j++) {
        size_t item = candidates_item(candidates, j), i = item % LANES;

        if (item / LANES != done) {
            done = item / LANES;
            if (!fill_block(kind, &rough, done * LANES, &block)) return false;
        }
        low[j] = rough.scale * (block.value[i] - block.slack[i]);
        high[j] = rough.scale * (block.value[i] + block.slack[i]);
        if (!isfinite(high[j])) return false;
    }
    return true;
}

bool rough_mepv(const struct criterion_input *input, const struct candidates *candidates,
                double *low, double *high)
{
    static const struct rough_kind kind = {.table = ITEM_TABLE_P,
                                           .with_curves = true,
                                           .with_prior = true,
                                           .with_rule = true,
                                           .n_sum = 3,
                                           .block = WIDTHS(mepv)};

    return bound(&kind, input, candidates, low, high);
}

bool rough_mei(const struct criterion_input *input, const struct candidates *candidates,
               double *low, double *high)
{
    static const struct rough_kind kind = {.table = ITEM_TABLE_P,
                                           .with_curves = true,
                                           .with_prior = true,
                                           .with_rule = true,
                                           .n_sum = 2,
                                           .block = WIDTHS(mei)};

    if (input->ahead != &estimator_eap || input->spec->prior.kind->needs_info) return false;
    return bound(&kind, input, candidates, low, high);
}

bool rough_mei_fisher(const struct criterion_input *input, const struct candidates *candidates,
                      double *low, double *high)
{
    static const struct rough_kind kind = {.table = ITEM_TABLE_P,
                                           .with_curves = true,
                                           .with_prior = true,
                                           .with_rule = true,
                                           .is_fisher = true,
                                           .n_sum = 2,
                                           .block = WIDTHS(mei)};

    if (input->ahead != &estimator_eap || input->spec->prior.kind->needs_info) return false;
    return bound(&kind, input, candidates, low, high);
}

bool rough_kl(const struct criterion_input *input, const struct candidates *candidates, double *low,
              double *high)
{
    static const struct rough_kind kind = {.table = ITEM_TABLE_LOG_P,
                                           .with_curves = true,
                                           .with_rule = true,
                                           .is_scaled = true,
                                           .n_sum = 1,
                                           .block = WIDTHS(kl)};

    return bound(&kind, input, candidates, low, high);
}

bool rough_klp(const struct criterion_input *input, const struct candidates *candidates,
               double *low, double *high)
{
    static const struct rough_kind kind = {.table = ITEM_TABLE_LOG_P,
                                           .with_curves = true,
                                           .with_prior = true,
                                           .with_rule = true,
                                           .is_scaled = true,
                                           .n_sum = 1,
                                           .block = WIDTHS(kl)};

    return bound(&kind, input, candidates, low, high);
}

bool rough_gdi(const struct criterion_input *input, const struct candidates *candidates,
               double *low, double *high)
{
    static const struct rough_kind kind = {.table = ITEM_TABLE_P, .n_sum = 1, .block = WIDTHS(gdi)};

    return bound(&kind, input, candidates, low, high);
}

bool rough_gdip(const struct criterion_input *input, const struct candidates *candidates,
                double *low, double *high)
{
    static const struct rough_kind kind = {
        .table = ITEM_TABLE_P, .with_prior = true, .n_sum = 1, .block = WIDTHS(gdi)};

    return bound(&kind, input, candidates, low, high);
}

bool rough_mlwi(const struct criterion_input *input, const struct candidates *candidates,
                double *low, double *high)
{
    static const struct rough_kind kind = {.table = ITEM_TABLE_INFO,
                                           .with_rule = true,
                                           .is_scaled = true,
                                           .n_sum = 1,
                                           .block = WIDTHS(info)};

    return bound(&kind, input, candidates, low, high);
}

bool rough_mpwi(const struct criterion_input *input, const struct candidates *candidates,
                double *low, double *high)
{
    static const struct rough_kind kind = {.table = ITEM_TABLE_INFO,
                                           .with_prior = true,
                                           .with_rule = true,
                                           .is_scaled = true,
                                           .n_sum = 1,
                                           .block = WIDTHS(info)};

    return bound(&kind, input, candidates, low, high);
}
