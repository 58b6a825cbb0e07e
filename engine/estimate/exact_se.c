/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/exact_se.h"
#include "num/elementary.h"

static size_t count_patterns(const struct evidence *evidence)
{
    size_t n = 1;

    for (size_t j = 0; j < evidence->n && n <= LIMIT_PATTERNS; j++) {
        n *= bank_item(evidence->bank, evidence->item[j])->n_cat;
    }
    return n;
}

/* The pattern of that number, each item's category being a digit. */
static void set_pattern(const struct evidence *evidence, size_t number, uint8_t *score)
{
    for (size_t j = 0; j < evidence->n; j++) {
        unsigned n_cat = bank_item(evidence->bank, evidence->item[j])->n_cat;

        score[j] = (uint8_t)(number % n_cat);
        number /= n_cat;
    }
}

double exact_se(const struct estimate_spec *spec, const struct evidence *evidence, double theta,
                uint8_t *score, struct estimate_workspace *workspace)
{
    struct evidence pattern = *evidence;
    size_t n = count_patterns(evidence);
    double mean = 0.0, square = 0.0;

    if (n > LIMIT_PATTERNS) return (double)NAN;
    pattern.score = score;
    pattern.loglik = NULL;
    /* Around theta, so that the difference of squares loses nothing that counts. */
    for (size_t i = 0; i < n; i++) {
        struct estimate out;
        double loglik, p, r;

        set_pattern(evidence, i, score);
        evidence_loglik(&pattern, &theta, 1, &loglik);
        spec->estimator->solve(spec, &pattern, workspace, &out);
        p = num_exp(loglik);
        r = out.theta - theta;
        mean += p * r;
        square += p * r * r;
    }
    return sqrt(fmax(0.0, square - mean * mean));
}
