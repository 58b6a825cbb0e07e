/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The format of a store, and how an older one becomes the present one. */
#ifndef STORE_FORMAT_H
#define STORE_FORMAT_H

#include "store/env.h"

/* Bring an environment that is being opened to STORE_FORMAT, or see that it has it where it is
 * opened to read only. *out_linked: the first event of the journal that has a link. CORRUPT with
 * a text in `fault` where it is newer, damaged, or older and read only. */
MUST_CHECK enum status format_check(struct env *env, bool read_only, uint64_t *out_linked,
                                    struct fault *fault);

#endif
