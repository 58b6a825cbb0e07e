/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maximum Fisher information at theta (Lord 1977). */
#include "select/criterion.h"

static void values(const struct criterion_input *input, const struct candidates *candidates,
                   double *out)
{
    if (!candidates->list) {
        bank_info_all(input->bank, input->theta, out);
        return;
    }
    for (size_t j = 0; j < candidates->n; j++) {
        const struct item *item = bank_item(input->bank, candidates->list[j]);

        out[j] = item->model->info(item, input->theta);
    }
}

const struct criterion criterion_mfi = {.name = "MFI", .is_info = true, .values = values};
