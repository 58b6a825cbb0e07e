/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of response models and what is the same for all of them. */
#include "irt/model.h"

const struct model *const models[] = {
    &model_1pl,  &model_2pl, &model_3pl, &model_4pl, &model_grm, &model_mgrm,
    &model_gpcm, &model_pcm, &model_rsm, &model_nrm, NULL,
};

double param_default(enum param_slot slot)
{
    return slot == SLOT_A || slot == SLOT_D ? 1.0 : 0.0;
}

double item_difficulty(const struct item *item)
{
    double sum = 0.0;

    if (!item->steps) return item->b;
    for (unsigned k = 0; k + 1 < item->n_cat; k++) sum += item->steps[k];
    return sum / (item->n_cat - 1);
}

const char *model_param_name(const struct model *model, enum param_slot slot)
{
    for (const struct param *p = model->params; p->name; p++) {
        if (p->slot == slot) return p->name;
    }
    return NULL;
}

const struct model *model_find(struct slice name)
{
    for (size_t i = 0; models[i]; i++) {
        if (slice_equal_str(name, models[i]->name)) return models[i];
    }
    return NULL;
}

void curve_from_log(struct curve *out, unsigned k, double g1, double g2, double g3)
{
    out->r1[k] = g1;
    out->r2[k] = g2 + g1 * g1;
    out->r3[k] = g3 + 3.0 * g1 * g2 + g1 * g1 * g1;
}

double curve_info(const struct curve *curve)
{
    double sum = 0.0;

    for (unsigned k = 0; k < curve->n_cat; k++) sum += curve->p[k] * curve->r1[k] * curve->r1[k];
    return sum;
}

double curve_info_d1(const struct curve *curve)
{
    double sum = 0.0;

    for (unsigned k = 0; k < curve->n_cat; k++) {
        double r1 = curve->r1[k];

        sum += curve->p[k] * r1 * (2.0 * curve->r2[k] - r1 * r1);
    }
    return sum;
}

double curve_info_d2(const struct curve *curve)
{
    double sum = 0.0;

    for (unsigned k = 0; k < curve->n_cat; k++) {
        double r1 = curve->r1[k], r2 = curve->r2[k];

        sum += curve->p[k] * (2.0 * r2 * r2 + 2.0 * r1 * curve->r3[k] - 5.0 * r1 * r1 * r2 +
                              2.0 * r1 * r1 * r1 * r1);
    }
    return sum;
}

double curve_j(const struct curve *curve)
{
    double sum = 0.0;

    for (unsigned k = 0; k < curve->n_cat; k++) sum += curve->p[k] * curve->r1[k] * curve->r2[k];
    return sum;
}

double curve_j_d1(const struct curve *curve)
{
    double sum = 0.0;

    for (unsigned k = 0; k < curve->n_cat; k++) {
        double r1 = curve->r1[k], r2 = curve->r2[k];

        sum += curve->p[k] * (r2 * r2 + r1 * curve->r3[k] - r1 * r1 * r2);
    }
    return sum;
}

double curve_observed(const struct curve *curve, unsigned k)
{
    return curve->r1[k] * curve->r1[k] - curve->r2[k];
}
