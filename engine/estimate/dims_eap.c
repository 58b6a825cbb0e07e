/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected a posteriori on a product grid (Segall 1996 has the posterior; the rule is mirt's). The
 * nodes are gone through row by row of the last dimension: within a row the log prior is a parabola
 * in the last coordinate, and the row enters the moments by three sums. */
#include "estimate/dims.h"
#include "num/elementary.h"

#include <math.h>

/* The grid's place and the prior as a parabola on it. */
struct product {
    const struct grid *grid;
    size_t n_dim, n_row;
    double node[LIMIT_NODES];  // of one dimension
    double mean[LIMIT_DIMS], precision[LIMIT_DIMS * LIMIT_DIMS];
};

static void product_init(struct product *product, const struct estimate_spec *spec, size_t n_dim)
{
    double cov[LIMIT_DIMS * LIMIT_DIMS];

    product->grid = &spec->grid;
    product->n_dim = n_dim;
    product->n_row = grid_product(&spec->grid, n_dim - 1);
    grid_nodes(&spec->grid, product->node);
    prior_shape(&spec->prior, n_dim, product->mean, cov);
    (void)matrix_invert(cov, n_dim, product->precision);  // a document's cov can be (store)
}

/* All coordinates of a row but the last, and their share of the rule's weight. */
static double row_head(const struct product *product, size_t row, double *head)
{
    size_t n = product->grid->n_node;
    double weight = 1.0;

    for (size_t m = product->n_dim - 1; m-- > 0; row /= n) {
        head[m] = product->node[row % n];
        weight *= grid_weight(product->grid, row % n);
    }
    return weight;
}

/* Log posterior at the nodes of a row into out [n_node]; its largest is returned. */
static double log_row(const struct product *product, const double *head, const double *loglik,
                      double *out)
{
    const double *P = product->precision;
    size_t n_dim = product->n_dim, last = n_dim - 1;
    double constant = 0.0, linear = 0.0, top = -(double)INFINITY;

    for (size_t i = 0; i < last; i++) {
        double r = head[i] - product->mean[i];

        for (size_t j = 0; j < last; j++) {
            constant += r * P[i * n_dim + j] * (head[j] - product->mean[j]);
        }
        linear += 2.0 * r * P[i * n_dim + last];
    }
    for (size_t q = 0; q < product->grid->n_node; q++) {
        double r = product->node[q] - product->mean[last];

        out[q] = loglik[q] - 0.5 * (constant + r * (linear + r * P[last * n_dim + last]));
        top = out[q] > top ? out[q] : top;
    }
    return top;
}

/* Sums of the weights, and of their first and second moments about `centre`. */
struct moments {
    double centre[LIMIT_DIMS];
    double s0, s1[LIMIT_DIMS], s2[LIMIT_DIMS * LIMIT_DIMS];  // s2 above its diagonal and on it
};

static void add_row(const struct product *product, const double *log_weight, double top,
                    const double *head, double rule, struct moments *moments)
{
    size_t n_dim = product->n_dim, last = n_dim - 1;
    double s0 = 0.0, s1 = 0.0, s2 = 0.0, r[LIMIT_DIMS];

    for (size_t q = 0; q < product->grid->n_node; q++) {
        double w = rule * grid_weight(product->grid, q) * num_exp(log_weight[q] - top);
        double x = product->node[q] - moments->centre[last];

        s0 += w;
        s1 += w * x;
        s2 += w * x * x;
    }
    for (size_t i = 0; i < last; i++) r[i] = head[i] - moments->centre[i];
    moments->s0 += s0;
    for (size_t i = 0; i < last; i++) {
        moments->s1[i] += r[i] * s0;
        for (size_t j = i; j < last; j++) moments->s2[i * n_dim + j] += r[i] * r[j] * s0;
        moments->s2[i * n_dim + last] += r[i] * s1;
    }
    moments->s1[last] += s1;
    moments->s2[last * n_dim + last] += s2;
}

static void mean_and_covariance(const struct moments *moments, size_t n_dim,
                                struct estimate_dims *out)
{
    double shift[LIMIT_DIMS];

    for (size_t i = 0; i < n_dim; i++) {
        shift[i] = moments->s1[i] / moments->s0;
        out->theta[i] = moments->centre[i] + shift[i];
    }
    for (size_t i = 0; i < n_dim; i++) {
        for (size_t j = i; j < n_dim; j++) {
            double c = moments->s2[i * n_dim + j] / moments->s0 - shift[i] * shift[j];

            if (i == j) c = fmax(c, 0.0);
            out->cov[i * n_dim + j] = out->cov[j * n_dim + i] = c;
        }
    }
}

void dims_eap_solve(const struct estimate_spec *spec, const struct evidence *evidence,
                    struct estimate_workspace *workspace, struct estimate_dims *out)
{
    size_t n_dim = bank_n_dim(evidence->bank), n = spec->grid.n_node;
    const double *loglik = evidence->loglik;
    double *weight = workspace->product_weight, head[LIMIT_DIMS], top = -(double)INFINITY;
    struct product product;
    struct moments moments = {.s0 = 0.0};

    *out = (struct estimate_dims){.iterations = 0};
    product_init(&product, spec, n_dim);
    if (!loglik || !grid_equal(&spec->grid, &evidence->grid)) {
        evidence_loglik_grid(evidence, &spec->grid, workspace->node, workspace->product_loglik);
        loglik = workspace->product_loglik;
    }
    for (size_t row = 0; row < product.n_row; row++) {
        double highest;

        row_head(&product, row, head);
        highest = log_row(&product, head, loglik + row * n, weight + row * n);
        if (!(highest > top)) continue;
        top = highest;
        for (size_t m = 0; m + 1 < n_dim; m++) moments.centre[m] = head[m];
    }
    for (size_t row = 0; row < product.n_row; row++) {
        double rule = row_head(&product, row, head);

        add_row(&product, weight + row * n, top, head, rule, &moments);
    }
    mean_and_covariance(&moments, n_dim, out);
}
