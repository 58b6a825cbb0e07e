/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON as text for people and programs. */
#ifndef TOOLS_JSON_TEXT_H
#define TOOLS_JSON_TEXT_H

#include "base/macros.h"

#include <jansson.h>

/* As json_dumps, but each real is written with the fewest digits that read back as the same number:
 * 0.21, not 0.20999999999999999. To be freed; NULL when memory is short. */
MUST_CHECK char *json_text(const json_t *json, size_t flags);

#endif
