/* SPDX-License-Identifier: GPL-3.0-or-later */
/* As kernels.c: one text for each, inlined into a function for each width, compiled alike in every
 * build. */
#include "irt/lanes.h"
#include "irt/kernels.h"
#include "irt/wide.h"

#define TEXT             static inline __attribute__((always_inline)) void
#define EACH_LANE        for (size_t i = 0; i < LANES; i++)
#define ROW(block, q, k) ((block)->value + ((q) * (block)->n_value + (k)) * LANES)

TEXT means_text(const struct item_block *block, const struct lane_nodes *nodes,
                double (*restrict out)[LANES])
{
    for (unsigned k = 0; k < block->n_value; k++) {
        double s0[LANES] = {0}, s1[LANES] = {0};

        for (size_t q = 0; q < nodes->n; q++) {
            const double *p = ROW(block, q, k);
            double weight = nodes->weight[q], node = nodes->node[q];

            EACH_LANE s0[i] += weight * p[i];
            EACH_LANE s1[i] += weight * p[i] * node;
        }
        EACH_LANE out[k][i] = s1[i] / s0[i];
    }
}

TEXT variances_text(const struct item_block *block, const struct lane_nodes *nodes,
                    const double (*restrict mean)[LANES], double (*restrict out)[LANES])
{
    for (unsigned k = 0; k < block->n_value; k++) {
        double s0[LANES] = {0}, s2[LANES] = {0};

        for (size_t q = 0; q < nodes->n; q++) {
            const double *p = ROW(block, q, k);
            double weight = nodes->weight[q], node = nodes->node[q];

            EACH_LANE s0[i] += weight * p[i];
            EACH_LANE
            {
                double r = node - mean[k][i];

                s2[i] += weight * p[i] * r * r;
            }
        }
        EACH_LANE out[k][i] = s2[i] / s0[i];
    }
}

TEXT spread_text(const struct item_block *block, const struct lane_nodes *nodes, double total,
                 double *restrict out)
{
    double mean[LIMIT_CATS][LANES], sum[LANES] = {0};

    for (unsigned k = 1; k < block->n_value; k++) {
        double s1[LANES] = {0};

        for (size_t q = 0; q < nodes->n; q++) {
            const double *p = ROW(block, q, k);
            double weight = nodes->weight[q];

            EACH_LANE s1[i] += weight * p[i] / total;
        }
        EACH_LANE mean[k][i] = s1[i];
    }
    for (size_t q = 0; q < nodes->n; q++) {
        double weight = nodes->weight[q];

        for (unsigned k = 1; k < block->n_value; k++) {
            const double *p = ROW(block, q, k);

            EACH_LANE sum[i] += weight * (p[i] - mean[k][i]) * (p[i] - mean[k][i]) / total;
        }
    }
    EACH_LANE out[i] = sum[i];
}

TEXT integral_text(const struct item_block *block, const struct lane_nodes *nodes,
                   double *restrict out)
{
    double sum[LANES] = {0};

    for (size_t q = 0; q < nodes->n; q++) {
        const double *value = ROW(block, q, 0);
        double weight = nodes->weight[q];

        EACH_LANE sum[i] += weight * value[i];
    }
    EACH_LANE out[i] = sum[i];
}

TEXT divergence_text(const struct item_block *block, const struct lane_nodes *nodes,
                     const double (*restrict p)[LANES], const double (*restrict log_p)[LANES],
                     double *restrict out)
{
    double sum[LANES] = {0};

    for (size_t q = 0; q < nodes->n; q++) {
        double at[LANES] = {0}, weight = nodes->weight[q];

        for (unsigned k = 0; k < block->n_value; k++) {
            const double *value = ROW(block, q, k);

            EACH_LANE at[i] += p[k][i] * (log_p[k][i] - value[i]);
        }
        EACH_LANE sum[i] += weight * at[i];
    }
    EACH_LANE out[i] = sum[i];
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
    static const struct lanes lanes_##width = {.means = means_##width,                             \
                                               .variances = variances_##width,                     \
                                               .spread = spread_##width,                           \
                                               .integral = integral_##width,                       \
                                               .divergence = divergence_##width}

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
