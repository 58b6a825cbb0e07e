/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/torture/moments.h"

#include <math.h>

void moments_add(struct moments *moments, uint32_t seq, double us, size_t n_byte)
{
    moments->n++;
    moments->sum += us;
    moments->squares += us * us;
    if (moments->size_min[seq] == 0 || n_byte < moments->size_min[seq])
        moments->size_min[seq] = (uint32_t)n_byte;
    if (n_byte > moments->size_max[seq]) moments->size_max[seq] = (uint32_t)n_byte;
}

double moments_t(const struct moments *right, const struct moments *wrong)
{
    double mean[2], error = 0;
    const struct moments *both[2] = {right, wrong};

    for (int i = 0; i < 2; i++) {
        const struct moments *m = both[i];

        if (m->n < 2) return 0;
        mean[i] = m->sum / m->n;
        error += (m->squares / m->n - mean[i] * mean[i]) / (m->n - 1);
    }
    return error > 0 ? (mean[0] - mean[1]) / sqrt(error) : 0;
}

int moments_n_apart(const struct moments *right, const struct moments *wrong)
{
    int n = 0;

    for (size_t seq = 0; seq <= LIMIT_ANSWERS; seq++) {
        if (!right->size_min[seq] || !wrong->size_min[seq]) continue;
        n += right->size_min[seq] != wrong->size_min[seq] ||
             right->size_max[seq] != wrong->size_max[seq];
    }
    return n;
}
