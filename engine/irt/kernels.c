/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each kernel is one text, inlined into a function for each width. This file is compiled with -O3
 * and without sanitizers in every build, or the tests would not run what is installed. */
#include "irt/kernels.h"
#include "irt/logistic_kernel.h"
#include "irt/wide.h"

#include <stdbool.h>

WIDE_TEXT log_logistic_text(const double line[4], const double *restrict theta, size_t n,
                            double *restrict loglik)
{
    double a = line[0], b = line[1], top = line[2], sign = line[3];

    for (size_t q = 0; q < n; q++) {
        loglik[q] += top + num_log_logistic(sign * (a * (theta[q] - b)));
    }
}

WIDE_TEXT log_mix_text(const double line[4], const double *restrict theta, size_t n,
                       double *restrict loglik)
{
    double a = line[0], b = line[1], low = line[2], high = line[3];

    for (size_t q = 0; q < n; q++) {
        struct logistic l = num_logistic(a * (theta[q] - b));

        loglik[q] += num_log(low * l.v + high * l.u);
    }
}

WIDE_TEXT log_between_text(const double line[4], const double *restrict theta, size_t n,
                           double *restrict loglik)
{
    double a = line[0], b_low = line[1], b_high = line[2], top = line[3];

    for (size_t q = 0; q < n; q++) {
        double sum = top + num_log_logistic(a * (theta[q] - b_low));

        loglik[q] += sum + num_log_logistic(-(a * (theta[q] - b_high)));
    }
}

enum { AT_ONCE = 16 };

/* z [n_cat][AT_ONCE] at AT_ONCE thetas, and the largest of each lane. */
WIDE_TEXT exponents_text(const struct exponents *of, const double *restrict theta,
                         double (*z)[AT_ONCE], double *restrict top)
{
    for (size_t i = 0; i < AT_ONCE; i++) z[0][i] = top[i] = 0.0;
    for (unsigned k = 1; k < of->n_cat; k++) {
        double slope = of->slopes ? of->slopes[k - 1] : of->a, step = of->steps[k - 1];

        if (of->slopes) {
            for (size_t i = 0; i < AT_ONCE; i++) z[k][i] = slope * theta[i] + step;
        } else {
            for (size_t i = 0; i < AT_ONCE; i++) z[k][i] = z[k - 1][i] + slope * (theta[i] - step);
        }
        for (size_t i = 0; i < AT_ONCE; i++) top[i] = z[k][i] > top[i] ? z[k][i] : top[i];
    }
}

/* The same operations in the same order as softmax (softmax.h), in AT_ONCE lanes. */
WIDE_TEXT log_share_lanes(const struct exponents *of, unsigned at, const double *restrict theta,
                          double *restrict out)
{
    double z[LIMIT_CATS][AT_ONCE], top[AT_ONCE], sum[AT_ONCE] = {0};

    exponents_text(of, theta, z, top);
    for (unsigned k = 0; k < of->n_cat; k++) {
        for (size_t i = 0; i < AT_ONCE; i++) {
            z[k][i] -= top[i];
            sum[i] += num_exp(z[k][i]);
        }
    }
    for (size_t i = 0; i < AT_ONCE; i++) out[i] = z[at][i] - num_log(sum[i]);
}

WIDE_TEXT log_share_text(const struct exponents *of, unsigned k, const double *restrict theta,
                         size_t n, double *restrict loglik)
{
    double lane[AT_ONCE] = {0}, out[AT_ONCE];

    for (size_t from = 0; from < n; from += AT_ONCE) {
        size_t n_lane = n - from < AT_ONCE ? n - from : AT_ONCE;

        for (size_t i = 0; i < n_lane; i++) lane[i] = theta[from + i];
        log_share_lanes(of, k, lane, out);
        for (size_t i = 0; i < n_lane; i++) loglik[from + i] += out[i];
    }
}

WIDE_TEXT info_text(const struct logistic_columns *columns, double theta, size_t n,
                    double *restrict out)
{
    const double *restrict a = columns->a, *restrict b = columns->b;
    const double *restrict c = columns->c, *restrict d = columns->d;

    for (size_t i = 0; i < n; i++) out[i] = logistic_info(a[i], b[i], c[i], d[i], theta);
}

WIDE_TEXT exp_less_text(double top, size_t n, double *restrict x)
{
    for (size_t q = 0; q < n; q++) x[q] = num_exp(x[q] - top);
}

/* One kernel for one width. */
#define KERNEL(width, target, kernel, params, args)                                                \
    static target void kernel##_##width params                                                     \
    {                                                                                              \
        kernel##_text args;                                                                        \
    }

#define LINE_KERNEL(width, target, kernel)                                                         \
    KERNEL(width, target, kernel,                                                                  \
           (const double line[4], const double *theta, size_t n, double *loglik),                  \
           (line, theta, n, loglik))

#define KERNELS(width, target)                                                                     \
    LINE_KERNEL(width, target, log_logistic)                                                       \
    LINE_KERNEL(width, target, log_mix)                                                            \
    LINE_KERNEL(width, target, log_between)                                                        \
    KERNEL(                                                                                        \
        width, target, log_share,                                                                  \
        (const struct exponents *of, unsigned k, const double *theta, size_t n, double *loglik),   \
        (of, k, theta, n, loglik))                                                                 \
    KERNEL(width, target, info,                                                                    \
           (const struct logistic_columns *columns, double theta, size_t n, double *out),          \
           (columns, theta, n, out))                                                               \
    KERNEL(width, target, exp_less, (double top, size_t n, double *x), (top, n, x))                \
    static const struct kernels kernels_##width = {.name = #width,                                 \
                                                   .log_logistic = log_logistic_##width,           \
                                                   .log_mix = log_mix_##width,                     \
                                                   .log_between = log_between_##width,             \
                                                   .log_share = log_share_##width,                 \
                                                   .info = info_##width,                           \
                                                   .exp_less = exp_less_##width}

KERNELS(plain, );

#if defined(__x86_64__)
KERNELS(avx2, WIDE_AVX2);
KERNELS(avx512, WIDE_AVX512);

size_t kernels_n(void)
{
    if (!__builtin_cpu_supports("avx2")) return 1;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl")) {
        return 2;
    }
    return 3;
}

static const struct kernels *const all[] = {&kernels_plain, &kernels_avx2, &kernels_avx512};
#else
size_t kernels_n(void)
{
    return 1;
}

static const struct kernels *const all[] = {&kernels_plain};
#endif

const struct kernels *kernels_best(void)
{
    return all[kernels_n() - 1];
}

const struct kernels *kernels_at(size_t i)
{
    return i < kernels_n() ? all[i] : NULL;
}
