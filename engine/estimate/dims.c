/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/dims.h"
#include "estimate/constant.h"

#include <math.h>
#include <stdio.h>

/* Nodes of a dimension where the document does not say: as in one dimension while that can be
 * afforded. Beyond DENSE_DIMS nodes stand wider apart than a good posterior reaches, which is told
 * for a mean and useless for a standard error: there the mode is the default. */
static const size_t default_nodes[LIMIT_DIMS + 1] = {0, 61, 61, 21, 13, 8};

enum { DENSE_DIMS = 3 };

static void refuse(struct faults *faults, const char *path, const char *key, const char *name,
                   size_t n_dim)
{
    char field[LIMIT_ID + 1];

    snprintf(field, sizeof(field), "%s%s%s", path, path[0] ? "." : "", key);
    faults_add(faults, NULL, field, "%s is not for a bank of %zu dimension(s)", name, n_dim);
}

static void check_prior(const struct estimate_spec *spec, size_t n_dim, const char *path,
                        struct faults *faults)
{
    const struct prior_dims *dims = &spec->prior.dims;

    if (!spec->estimator->uses_prior) return;
    if (!dims_fit(spec->prior.kind->dims, n_dim)) {
        refuse(faults, path, "prior.dist", spec->prior.kind->name, n_dim);
        return;
    }
    if (dims->n_mean > 0 && dims->n_mean != n_dim) {
        refuse(faults, path, "prior.mean", "its length", n_dim);
    }
    if (dims->n_cov > 0 && dims->n_cov != n_dim) {
        refuse(faults, path, "prior.cov", "its size", n_dim);
    }
}

void estimate_spec_settle(struct estimate_spec *spec, size_t n_dim, const char *path,
                          struct faults *faults)
{
    const char *wide = "so many nodes in each dimension";

    check_prior(spec, n_dim, path, faults);
    if (n_dim == 1) return;
    if (!spec->says_method && n_dim > DENSE_DIMS) spec->estimator = &estimator_map;
    if (!spec->says_grid) spec->grid.n_node = default_nodes[n_dim];
    if (!spec->estimator->solve_dims) {
        refuse(faults, path, "method", spec->estimator->name, n_dim);
    }
    if (spec->constant) refuse(faults, path, "constant", spec->constant->name, n_dim);
    if (spec->estimator->uses_grid && grid_product(&spec->grid, n_dim) > LIMIT_PRODUCT) {
        refuse(faults, path, "grid.nodes", wide, n_dim);
    }
}

void dims_se(const double *cov, size_t n_dim, double *se)
{
    for (size_t m = 0; m < n_dim; m++) se[m] = sqrt(cov[m * n_dim + m]);
}

void dims_add_info(const struct evidence *evidence, const double *theta, double *info)
{
    for (size_t j = 0; j < evidence->n; j++) {
        const struct item *item = bank_item(evidence->bank, evidence->item[j]);

        item_add_outer(item, item->model->info(item, item_predictor(item, theta)), info);
    }
}
