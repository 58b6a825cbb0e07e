/* SPDX-License-Identifier: GPL-3.0-or-later */
/* As kernels.c: one text for each, inlined into a function for each width, compiled alike in every
 * build. */
#include "irt/lanes.h"
#include "irt/kernels.h"
#include "irt/wide.h"

/* Value k of a block's items at node q, and a place for LANES numbers. */
#define AT(block, q, k) (*(const wide *)((block)->value + ((k) * (block)->n_node + (q)) * LANES))
#define WIDE(lanes)     (*(wide *)(lanes))
#define READ(lanes)     (*(const wide *)(lanes))

WIDE_TEXT means_text(const struct item_block *block, const struct lane_nodes *nodes,
                     double (*restrict out)[LANES])
{
    for (unsigned k = 0; k < block->n_value; k++) {
        wide s0 = {0}, s1 = {0};

        for (size_t q = 0; q < nodes->n; q++) {
            wide part = nodes->weight[q] * AT(block, q, k);

            s0 += part;
            s1 += part * nodes->node[q];
        }
        WIDE(out[k]) = s1 / s0;
    }
}

WIDE_TEXT variances_text(const struct item_block *block, const struct lane_nodes *nodes,
                         const double (*restrict mean)[LANES], double (*restrict out)[LANES])
{
    for (unsigned k = 0; k < block->n_value; k++) {
        wide s0 = {0}, s2 = {0};

        for (size_t q = 0; q < nodes->n; q++) {
            wide part = nodes->weight[q] * AT(block, q, k), r = nodes->node[q] - READ(mean[k]);

            s0 += part;
            s2 += part * r * r;
        }
        WIDE(out[k]) = s2 / s0;
    }
}

WIDE_TEXT spread_text(const struct item_block *block, const struct lane_nodes *nodes, double total,
                      double *restrict out)
{
    wide mean[LIMIT_CATS], sum = {0};

    for (unsigned k = 1; k < block->n_value; k++) {
        wide s1 = {0};

        for (size_t q = 0; q < nodes->n; q++) s1 += nodes->weight[q] * AT(block, q, k) / total;
        mean[k] = s1;
    }
    for (size_t q = 0; q < nodes->n; q++) {
        for (unsigned k = 1; k < block->n_value; k++) {
            wide r = AT(block, q, k) - mean[k];

            sum += nodes->weight[q] * r * r / total;
        }
    }
    WIDE(out) = sum;
}

WIDE_TEXT integral_text(const struct item_block *block, const struct lane_nodes *nodes,
                        double *restrict out)
{
    wide sum = {0};

    for (size_t q = 0; q < nodes->n; q++) sum += nodes->weight[q] * AT(block, q, 0);
    WIDE(out) = sum;
}

WIDE_TEXT divergence_text(const struct item_block *block, const struct lane_nodes *nodes,
                          const double (*restrict p)[LANES], const double (*restrict log_p)[LANES],
                          double *restrict out)
{
    wide sum = {0};

    for (size_t q = 0; q < nodes->n; q++) {
        wide at = {0};

        for (unsigned k = 0; k < block->n_value; k++) {
            at += READ(p[k]) * (READ(log_p[k]) - AT(block, q, k));
        }
        sum += nodes->weight[q] * at;
    }
    WIDE(out) = sum;
}

/* Two strands of nodes, which need not wait for each other. `n_sum` is known where this is
 * inlined. */
WIDE_TEXT strands_text(const struct item_block *block, unsigned k, const struct lane_span *span,
                       size_t n_sum, double (*restrict out)[LANES])
{
    wide even[LANE_SUMS] = {{0}}, odd[LANE_SUMS] = {{0}};
    size_t q = span->from;

    for (; q + 2 <= span->to; q += 2) {
        wide value = AT(block, q, k), next = AT(block, q + 1, k);

        for (size_t s = 0; s < n_sum; s++) {
            even[s] += span->weight[s][q] * value;
            odd[s] += span->weight[s][q + 1] * next;
        }
    }
    for (size_t s = 0; s < n_sum; s++) {
        if (q < span->to) even[s] += span->weight[s][q] * AT(block, q, k);
        WIDE(out[s]) = even[s] + odd[s];
    }
}

WIDE_TEXT sums_text(const struct item_block *block, unsigned k, const struct lane_span *span,
                    double (*restrict out)[LANES])
{
    if (span->n_sum == 1)
        strands_text(block, k, span, 1, out);
    else if (span->n_sum == 2)
        strands_text(block, k, span, 2, out);
    else
        strands_text(block, k, span, 3, out);
}

WIDE_TEXT squares_text(const struct item_block *block, unsigned k, const struct lane_span *span,
                       double (*restrict out)[LANES])
{
    wide sum = {0}, square = {0};

    for (size_t q = span->from; q < span->to; q++) {
        wide value = AT(block, q, k), part = span->weight[0][q] * value;

        sum += part;
        square += part * value;
    }
    WIDE(out[0]) = sum;
    WIDE(out[1]) = square;
}

/* One of them for one width. */
#define LANE(width, target, name, params, args)                                                    \
    static target void name##_##width params                                                       \
    {                                                                                              \
        name##_text args;                                                                          \
    }

#define LANES_OF(width, target)                                                                    \
    LANE(width, target, means,                                                                     \
         (const struct item_block *block, const struct lane_nodes *nodes, double(*out)[LANES]),    \
         (block, nodes, out))                                                                      \
    LANE(width, target, variances,                                                                 \
         (const struct item_block *block, const struct lane_nodes *nodes,                          \
          const double(*mean)[LANES], double(*out)[LANES]),                                        \
         (block, nodes, mean, out))                                                                \
    LANE(width, target, spread,                                                                    \
         (const struct item_block *block, const struct lane_nodes *nodes, double total,            \
          double *out),                                                                            \
         (block, nodes, total, out))                                                               \
    LANE(width, target, integral,                                                                  \
         (const struct item_block *block, const struct lane_nodes *nodes, double *out),            \
         (block, nodes, out))                                                                      \
    LANE(width, target, divergence,                                                                \
         (const struct item_block *block, const struct lane_nodes *nodes, const double(*p)[LANES], \
          const double(*log_p)[LANES], double *out),                                               \
         (block, nodes, p, log_p, out))                                                            \
    LANE(width, target, sums,                                                                      \
         (const struct item_block *block, unsigned k, const struct lane_span *span,                \
          double(*out)[LANES]),                                                                    \
         (block, k, span, out))                                                                    \
    LANE(width, target, squares,                                                                   \
         (const struct item_block *block, unsigned k, const struct lane_span *span,                \
          double(*out)[LANES]),                                                                    \
         (block, k, span, out))                                                                    \
    static const struct lanes lanes_##width = {.means = means_##width,                             \
                                               .variances = variances_##width,                     \
                                               .spread = spread_##width,                           \
                                               .integral = integral_##width,                       \
                                               .divergence = divergence_##width,                   \
                                               .sums = sums_##width,                               \
                                               .squares = squares_##width}

LANES_OF(plain, );
#if defined(__x86_64__)
LANES_OF(avx2, WIDE_AVX2);
LANES_OF(avx512, WIDE_AVX512);

static const struct lanes *const all[] = {&lanes_plain, &lanes_avx2, &lanes_avx512};
#else
static const struct lanes *const all[] = {&lanes_plain};
#endif

const struct lanes *lanes_best(void)
{
    return all[kernels_n() - 1];
}

const struct lanes *lanes_at(size_t i)
{
    return i < kernels_n() ? all[i] : NULL;
}
