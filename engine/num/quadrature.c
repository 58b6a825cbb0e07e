/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "num/quadrature.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <stdlib.h>

struct quadrature {
    gsl_integration_glfixed_table *table;
};

struct quadrature *quadrature_new(size_t n_node)
{
    struct quadrature *quadrature = calloc(1, sizeof(*quadrature));

    if (!quadrature) return NULL;
    gsl_set_error_handler_off();  // GSL's own handler would end the process
    quadrature->table = gsl_integration_glfixed_table_alloc(n_node);
    if (!quadrature->table) {
        free(quadrature);
        return NULL;
    }
    return quadrature;
}

void quadrature_free(struct quadrature *quadrature)
{
    if (!quadrature) return;
    gsl_integration_glfixed_table_free(quadrature->table);
    free(quadrature);
}

double quadrature_integral(const struct quadrature *quadrature, struct function f, double lo,
                           double hi)
{
    gsl_function function = {.function = f.value, .params = f.context};

    return gsl_integration_glfixed(&function, lo, hi, quadrature->table);
}
