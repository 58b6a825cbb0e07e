/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/constant.h"

#include <math.h>

static double step_by(double theta, bool up, double width)
{
    return fmax(-LIMIT_THETA, fmin(LIMIT_THETA, up ? theta + width : theta - width));
}

static double step_fixed4(const struct bank *bank, double theta, bool up)
{
    (void)bank;
    return step_by(theta, up, 0.4);
}

static double step_fixed7(const struct bank *bank, double theta, bool up)
{
    (void)bank;
    return step_by(theta, up, 0.7);
}

/* The largest (or the smallest) difficulty of an item; of several thresholds the outermost. */
static double extreme(const struct item *item, bool up)
{
    double b = item->steps ? item->steps[0] : item->b;

    for (unsigned k = 1; item->steps && k + 1 < item->n_cat; k++) {
        b = up ? fmax(b, item->steps[k]) : fmin(b, item->steps[k]);
    }
    return b;
}

/* Halfway to the bank's end (Dodd, Koch and De Ayala 1989). */
static double step_var(const struct bank *bank, double theta, bool up)
{
    double end = extreme(bank_item(bank, 0), up);

    for (size_t i = 1; i < bank_n_item(bank); i++) {
        double b = extreme(bank_item(bank, i), up);

        end = up ? fmax(end, b) : fmin(end, b);
    }
    return 0.5 * (theta + end);
}

static const struct constant_rule rule_eap = {.name = "EAP", .estimator = &estimator_eap};
static const struct constant_rule rule_map = {.name = "MAP", .estimator = &estimator_map};
static const struct constant_rule rule_wle = {.name = "WLE", .estimator = &estimator_wle};
static const struct constant_rule rule_fixed4 = {.name = "fixed4", .step = step_fixed4};
static const struct constant_rule rule_fixed7 = {.name = "fixed7", .step = step_fixed7};
static const struct constant_rule rule_var = {.name = "var", .step = step_var};

const struct constant_rule *const constant_rules[] = {
    &rule_eap, &rule_map, &rule_wle, &rule_fixed4, &rule_fixed7, &rule_var, NULL,
};

const struct constant_rule *constant_rule_find(struct slice name)
{
    for (size_t i = 0; constant_rules[i]; i++) {
        if (slice_equal_str(name, constant_rules[i]->name)) return constant_rules[i];
    }
    return NULL;
}

/* Whether all answers are the lowest, or all the highest (*out_up). */
static bool is_constant(const struct evidence *evidence, bool *out_up)
{
    bool lowest = evidence->n > 0, highest = evidence->n > 0;

    for (size_t j = 0; j < evidence->n; j++) {
        unsigned top = bank_item(evidence->bank, evidence->item[j])->n_cat - 1;

        lowest = lowest && evidence->score[j] == 0;
        highest = highest && evidence->score[j] == top;
    }
    *out_up = highest;
    return lowest || highest;
}

bool estimate_is_step(const struct estimate_spec *spec, const struct evidence *evidence)
{
    bool up;

    return spec->constant && spec->constant->step && is_constant(evidence, &up);
}

void estimate_next(const struct estimate_spec *spec, const struct evidence *evidence, double theta,
                   struct estimate_workspace *workspace, struct estimate *out)
{
    const struct constant_rule *rule = spec->constant;
    bool up;

    if (!rule || !is_constant(evidence, &up)) {
        spec->estimator->solve(spec, evidence, workspace, out);
    } else if (rule->estimator) {
        rule->estimator->solve(spec, evidence, workspace, out);
    } else {
        *out = (struct estimate){.theta = rule->step(evidence->bank, theta, up),
                                 .se = (double)INFINITY};
    }
}
