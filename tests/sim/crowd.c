/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crowd.h"

#include <math.h>

double normal_draw(struct dice *dice)
{
    double u = 1.0 - dice_between(dice, 0.0, 1.0), v = dice_between(dice, 0.0, 1.0);

    return sqrt(-2.0 * log(u)) * cos(2.0 * acos(-1.0) * v);
}

unsigned score_draw(struct dice *dice, const struct item *item, double theta)
{
    double p[LIMIT_CATS], u = dice_between(dice, 0.0, 1.0);
    unsigned k = 0;

    item->model->prob(item, theta, p);
    while (k + 1 < item->n_cat && u >= p[k]) u -= p[k++];
    return k;
}

void tally_add(struct tally *tally, double value)
{
    tally->n += 1.0;
    tally->sum += value;
    tally->square += value * value;
}

double tally_mean(const struct tally *tally)
{
    return tally->sum / tally->n;
}

double tally_variance(const struct tally *tally)
{
    double mean = tally_mean(tally);

    return (tally->square - tally->n * mean * mean) / (tally->n - 1.0);
}
