/* SPDX-License-Identifier: GPL-3.0-or-later */
/* As kernels.c: one text for each form, inlined into a function for each width, compiled alike in
 * every build. */
#include "irt/lane_items.h"
#include "irt/kernels.h"
#include "irt/wide.h"
#include "num/elementary.h"

/* The logit of a category that an item does not have, whatever theta and the slope are. */
#define FAR 1e6

static void put_logistic(const struct item *item, size_t lane, struct lane_items *out)
{
    out->a[lane] = out->rate[lane] = item->a;
    out->b[lane] = item->b;
    out->c[lane] = item->c;
    out->d[lane] = item->d;
}

static void put_graded(const struct item *item, size_t lane, struct lane_items *out)
{
    out->a[lane] = out->rate[lane] = item->a;
    for (unsigned k = 1; k < out->n_cat; k++) {
        out->step[k][lane] = k < item->n_cat ? item->steps[k - 1] : FAR / item->a;
    }
}

static void put_share(const struct item *item, size_t lane, struct lane_items *out)
{
    double low = 0.0, high = 0.0, step = 0.0;

    out->slope[0][lane] = out->step[0][lane] = 0.0;
    for (unsigned k = 1; k < out->n_cat; k++) {
        bool has = k < item->n_cat;
        double slope = 0.0;

        if (has) slope = item->slopes ? item->slopes[k - 1] : item->a * k;
        if (has) step = item->slopes ? item->steps[k - 1] : step - item->a * item->steps[k - 1];
        low = slope < low ? slope : low;
        high = slope > high ? slope : high;
        out->slope[k][lane] = slope;
        out->step[k][lane] = has ? step : -FAR;
    }
    out->rate[lane] = high - low;
}

/* The formulas of model_logistic.c. */
WIDE_TEXT logistic_text(const struct lane_items *items, const double *theta,
                        struct lane_curves *restrict out)
{
    for (unsigned k = 2; k < items->n_cat; k++) {
        EACH_LANE out->p[k][i] = out->observed[k][i] = 0.0;
    }
    EACH_LANE
    {
        double a = items->a[i], c = items->c[i], d = items->d[i];
        struct logistic l = num_logistic(a * (theta[i] - items->b[i]));
        double p0 = (1.0 - c) * l.v + (1.0 - d) * l.u, p1 = c * l.v + d * l.u;
        double u_p1 = c > 0.0 ? l.u / p1 : 1.0 / d;
        double v_p0 = d < 1.0 ? l.v / p0 : 1.0 / (1.0 - c);
        double second = a * (l.v - l.u), slope = a * (d - c);
        double r0 = -slope * l.u * v_p0, r1 = slope * l.v * u_p1;

        out->p[0][i] = p0;
        out->p[1][i] = p1;
        out->observed[0][i] = r0 * r0 - r0 * second;
        out->observed[1][i] = r1 * r1 - r1 * second;
        out->info[i] = p0 * r0 * r0 + p1 * r1 * r1;
    }
}

/* P_k = F_k - F_(k+1), d log P_k = a (1 - F_k - F_(k+1)), and the observed information
 * a^2 (w_k + w_(k+1)), w = F (1 - F). */
WIDE_TEXT graded_text(const struct lane_items *items, const double *theta,
                      struct lane_curves *restrict out)
{
    double low[LANES], w_low[LANES], info[LANES];

    EACH_LANE low[i] = 1.0;
    EACH_LANE w_low[i] = info[i] = 0.0;
    for (unsigned k = 0; k < items->n_cat; k++) {
        unsigned next = k + 1 < items->n_cat ? k + 1 : 1;
        double is_last = k + 1 < items->n_cat ? 0.0 : 1.0;

        EACH_LANE
        {
            double a = items->a[i];
            struct logistic l = num_logistic(a * (theta[i] - items->step[next][i]));
            double high = is_last > 0.0 ? 0.0 : l.u, w_high = is_last > 0.0 ? 0.0 : l.u * l.v;
            double p = low[i] - high, g = a * (1.0 - low[i] - high);

            out->p[k][i] = p;
            out->observed[k][i] = a * a * (w_low[i] + w_high);
            info[i] += p * g * g;
            low[i] = high;
            w_low[i] = w_high;
        }
    }
    EACH_LANE out->info[i] = info[i];
}

/* An exponential family: all information is the variance of the slopes. */
WIDE_TEXT share_text(const struct lane_items *items, const double *theta,
                     struct lane_curves *restrict out)
{
    double top[LANES] = {0}, sum[LANES] = {0}, mean[LANES] = {0}, variance[LANES] = {0};

    for (unsigned k = 0; k < items->n_cat; k++) {
        EACH_LANE
        {
            double z = items->slope[k][i] * theta[i] + items->step[k][i];

            out->p[k][i] = z;
            top[i] = z > top[i] ? z : top[i];
        }
    }
    for (unsigned k = 0; k < items->n_cat; k++) {
        EACH_LANE
        {
            double p = num_exp(out->p[k][i] - top[i]);

            out->p[k][i] = p;
            sum[i] += p;
            mean[i] += p * items->slope[k][i];
        }
    }
    EACH_LANE mean[i] /= sum[i];
    EACH_LANE sum[i] = 1.0 / sum[i];
    for (unsigned k = 0; k < items->n_cat; k++) {
        EACH_LANE
        {
            double p = out->p[k][i] * sum[i], r = items->slope[k][i] - mean[i];

            out->p[k][i] = p;
            variance[i] += p * r * r;
        }
    }
    EACH_LANE out->info[i] = variance[i];
    for (unsigned k = 0; k < items->n_cat; k++) {
        EACH_LANE out->observed[k][i] = variance[i];
    }
}

/* One of them for one width. */
#define FORM(width, target, form)                                                                  \
    static target void form##_##width(const struct lane_items *items, const double theta[LANES],   \
                                      struct lane_curves *out)                                     \
    {                                                                                              \
        form##_text(items, theta, out);                                                            \
    }

#define FORMS(width, target)                                                                       \
    FORM(width, target, logistic) FORM(width, target, graded) FORM(width, target, share)

typedef void curves_fn(const struct lane_items *, const double[LANES], struct lane_curves *);

FORMS(plain, )
#if defined(__x86_64__)
FORMS(avx2, WIDE_AVX2)
FORMS(avx512, WIDE_AVX512)
#define WIDTHS(form) form##_plain, form##_avx2, form##_avx512
#else
#define WIDTHS(form) form##_plain
#endif

#define CURVES(form)                                                                               \
    static void form##_curves(const struct lane_items *items, const double theta[LANES],           \
                              struct lane_curves *out)                                             \
    {                                                                                              \
        static curves_fn *const width[] = {WIDTHS(form)};                                          \
        width[kernels_n() - 1](items, theta, out);                                                 \
    }

CURVES(logistic)
CURVES(graded)
CURVES(share)

const struct lane_form lane_logistic = {put_logistic, logistic_curves};
const struct lane_form lane_graded = {put_graded, graded_curves};
const struct lane_form lane_share = {put_share, share_curves};

bool lane_items_of(const struct bank *bank, size_t first, struct lane_items *out)
{
    const struct item *item[LANES];
    size_t n = bank_n_item(bank) - first;

    out->n_cat = 0;
    out->is_mixed = false;
    for (size_t i = 0; i < LANES; i++) {
        item[i] = bank_item(bank, i < n ? first + i : first + n - 1);
        out->form[i] = item[i]->model->form;
        if (!out->form[i]) return false;
        if (out->form[i] != out->form[0]) out->is_mixed = true;
        if (item[i]->n_cat > out->n_cat) out->n_cat = item[i]->n_cat;
    }
    for (size_t i = 0; i < LANES; i++) out->form[i]->put(item[i], i, out);
    return true;
}

/* The lanes of one form; what it makes of the others is not looked at. */
static void mixed_curves(const struct lane_items *items, const double theta[LANES],
                         const struct lane_form *form, struct lane_curves *out)
{
    struct lane_curves all;

    form->curves(items, theta, &all);
    for (size_t i = 0; i < LANES; i++) {
        if (items->form[i] != form) continue;
        for (unsigned k = 0; k < items->n_cat; k++) {
            out->p[k][i] = all.p[k][i];
            out->observed[k][i] = all.observed[k][i];
        }
        out->info[i] = all.info[i];
    }
}

void lane_items_curves(const struct lane_items *items, const double theta[LANES],
                       struct lane_curves *out)
{
    if (!items->is_mixed) {
        items->form[0]->curves(items, theta, out);
        return;
    }
    for (size_t i = 0; i < LANES; i++) {
        bool is_done = false;

        for (size_t j = 0; j < i; j++) is_done = is_done || items->form[j] == items->form[i];
        if (!is_done) mixed_curves(items, theta, items->form[i], out);
    }
}
