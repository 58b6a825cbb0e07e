/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "select/centres.h"
#include "select/criterion.h"

#include <stdlib.h>

struct placed {
    double centre;
    uint32_t item;
};

static int by_centre(const void *x, const void *y)
{
    const struct placed *a = x, *b = y;

    if (a->centre != b->centre) return a->centre < b->centre ? -1 : 1;
    return a->item < b->item ? -1 : a->item > b->item;
}

/* NULL without memory. */
static uint32_t *order_new(const double *centre, size_t n)
{
    struct placed *placed = calloc(n + 1, sizeof(*placed));
    uint32_t *order = calloc(n + 1, sizeof(*order));

    for (size_t i = 0; placed && i < n; i++) placed[i] = (struct placed){centre[i], (uint32_t)i};
    if (placed) qsort(placed, n, sizeof(*placed), by_centre);
    for (size_t i = 0; placed && order && i < n; i++) order[i] = placed[i].item;
    if (!placed) {
        free(order);
        order = NULL;
    }
    free(placed);
    return order;
}

bool centres_new(const struct bank *bank, const struct criterion *criterion, struct centres **out)
{
    size_t n = bank_n_item(bank);
    struct estimate_workspace *workspace;
    struct centres *centres;
    bool good = false;

    *out = NULL;
    if (!criterion->centre) return true;
    workspace = estimate_workspace_new();
    centres = calloc(1, sizeof(*centres));
    if (!workspace || !centres) goto done;
    *centres = (struct centres){
        .criterion = criterion, .n_item = n, .centre = calloc(n + 1, sizeof(double))};
    if (!centres->centre) goto done;
    for (size_t i = 0; i < n; i++) {
        centres->centre[i] = criterion->centre(bank_item(bank, i), workspace);
    }
    centres->order = order_new(centres->centre, n);
    good = centres->order != NULL;
done:
    estimate_workspace_free(workspace);
    if (!good) centres_free(centres);
    if (good) *out = centres;
    return good;
}

void centres_free(struct centres *centres)
{
    if (!centres) return;
    free(centres->centre);
    free(centres->order);
    free(centres);
}

size_t centres_below(const struct centres *centres, double theta)
{
    size_t low = 0, high = centres->n_item;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (centres->centre[centres->order[middle]] < theta)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
