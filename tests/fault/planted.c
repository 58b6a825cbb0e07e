/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/planted.h"

#include <stdlib.h>
#include <string.h>

bool planted(const char *fault)
{
    static const char *chosen;

    if (!chosen) chosen = getenv("THETA_PLANTED");
    if (!chosen) chosen = "";
    return strcmp(chosen, fault) == 0;
}
