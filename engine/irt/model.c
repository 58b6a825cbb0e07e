/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of response models and what is the same for all of them. */
#include "irt/model.h"

const struct model *const models[] = {
    &model_1pl,  &model_2pl,  &model_3pl,   &model_4pl,    &model_grm,
    &model_mgrm, &model_gpcm, &model_pcm,   &model_rsm,    &model_nrm,
    &model_m2pl, &model_m3pl, &model_mdgrm, &model_mdgpcm, NULL,
};

double param_default(enum param_slot slot)
{
    return slot == SLOT_A || slot == SLOT_D ? 1.0 : 0.0;
}

/* z = D (a.theta + d). In one dimension that is D a (theta - b) with b = -d / a, so that everything
 * made for one dimension holds; in several it is t - b with t = D a.theta and b = -D d. (Without a
 * slope there is no b; such an item is refused.) */
double item_fold(struct item *item, double *direction)
{
    double D = item->a;
    bool has_slope = direction[0] > 0.0 || direction[0] < 0.0;

    if (item->n_dim == 1) {
        item->a = D * direction[0];
        item->direction = NULL;
        return has_slope ? 1.0 / direction[0] : 1.0;
    }
    for (unsigned m = 0; m < item->n_dim; m++) direction[m] *= D;
    item->a = 1.0;
    return D;
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
