/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of the shared store, as statements that make them, version by version. */
#ifndef STORE_SHARED_SCHEMA_H
#define STORE_SHARED_SCHEMA_H

#include "store/shared.h"

/* [version - 1] what brings the version before it to that one. */
extern const char *const shared_schema[SHARED_FORMAT];

/* The version that brought `sitting`. */
enum { SHARED_SITTINGS = 2 };

#endif
