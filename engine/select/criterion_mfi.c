/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maximum Fisher information at theta (Lord 1977). */
#include "select/criterion.h"

static void values(const struct criterion_input *input, const uint32_t *list, size_t n, double *out)
{
    if (!list) {
        bank_info_all(input->bank, input->theta, out);
        return;
    }
    for (size_t j = 0; j < n; j++) {
        const struct item *item = bank_item(input->bank, list[j]);

        out[j] = item->model->info(item, input->theta);
    }
}

const struct criterion criterion_mfi = {.name = "MFI", .values = values};
