/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimates.h"

#include "tests/support/table.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void start(struct pattern *pattern, const struct bank *bank)
{
    memset(pattern, 0, sizeof(*pattern));
    pattern->evidence.bank = bank;
    pattern->evidence.item = pattern->item;
    pattern->evidence.score = pattern->score;
}

void pattern_read(struct pattern *pattern, const struct bank *bank, const char *items,
                  const char *scores)
{
    size_t item[PATTERN_ITEMS], score[PATTERN_ITEMS];
    size_t n = list_read(items, item, PATTERN_ITEMS);

    start(pattern, bank);
    cr_assert(list_read(scores, score, PATTERN_ITEMS) == n, "%s against %s", items, scores);
    for (size_t j = 0; j < n; j++) {
        evidence_add(&pattern->evidence, (uint32_t)item[j] - 1, (unsigned)score[j], NULL);
    }
}

void pattern_digits(struct pattern *pattern, const struct bank *bank, const char *digits)
{
    start(pattern, bank);
    cr_assert(strlen(digits) == bank_n_item(bank));
    for (uint32_t i = 0; digits[i]; i++)
        evidence_add(&pattern->evidence, i, (unsigned)(digits[i] - '0'), NULL);
}

static bool bayes_mode(const char *name, struct estimate_spec *out)
{
    struct prior *prior = &out->prior;

    out->estimator = &estimator_map;
    if (sscanf(name, "BM_norm_%lf_%lf", &prior->mean, &prior->sd) == 2) return true;
    prior->kind = &prior_uniform;
    if (sscanf(name, "BM_unif_%lf_%lf", &prior->min, &prior->max) == 2) return true;
    prior->kind = &prior_jeffreys;
    return strcmp(name, "BM_jeffreys") == 0;
}

static bool bayes_mean(const char *name, struct estimate_spec *out)
{
    struct prior *prior = &out->prior;
    struct grid *grid = &out->grid;
    size_t n = 0;
    double reach = 4.0;
    int n_read;

    *grid = (struct grid){.min = -4.0, .max = 4.0, .n_node = 33, .rule = GRID_TRAPEZOID};
    n_read = sscanf(name, "EAP_norm_%lf_%lf_q%zu_%lf", &prior->mean, &prior->sd, &n, &reach);
    if (n_read >= 3) {
        *grid = (struct grid){.min = -reach, .max = reach, .n_node = n};
        return true;
    }
    prior->kind = &prior_uniform;
    if (sscanf(name, "EAP_unif_%lf_%lf_q%zu", &prior->min, &prior->max, &n) == 3) {
        *grid = (struct grid){.min = prior->min, .max = prior->max, .n_node = n};
        return true;
    }
    prior->kind = &prior_jeffreys;
    return strcmp(name, "EAP_jeffreys_q33") == 0;
}

bool spec_of_name(const char *name, struct estimate_spec *out)
{
    *out = estimate_spec_default();
    if (strncmp(name, "EAP_", 4) == 0) return bayes_mean(name, out);
    if (strncmp(name, "BM_", 3) == 0) return bayes_mode(name, out);
    if (strcmp(name, "ROB_huber_1") == 0 || strcmp(name, "ROB_tukey_4") == 0) {
        bool is_huber = strcmp(name, "ROB_huber_1") == 0;

        out->estimator = is_huber ? &estimator_huber : &estimator_tukey;
        out->tuning = is_huber ? 1.0 : 4.0;
        return true;
    }
    out->estimator = strcmp(name, "ML") == 0 ? &estimator_ml : &estimator_wle;
    return strcmp(name, "ML") == 0 || strcmp(name, "WL") == 0;
}

struct estimate estimate_of(const struct pattern *pattern, const struct estimate_spec *spec)
{
    struct estimate_workspace *workspace = estimate_workspace_new();
    struct estimate out;

    cr_assert(workspace);
    spec->estimator->solve(spec, &pattern->evidence, workspace, &out);
    estimate_workspace_free(workspace);
    return out;
}
