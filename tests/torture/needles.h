/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Byte strings that must be found nowhere, searched for in one pass. */
#ifndef TORTURE_NEEDLES_H
#define TORTURE_NEEDLES_H

#include "base/slice.h"

struct needles;

/* Of a file with one in each line, in hexadecimal, each of at least 3 bytes. NULL with a message on
 * stderr. */
struct needles *needles_read(const char *path);
void needles_free(struct needles *needles);

/* The one that is in `bytes` first, empty where there is none. */
struct slice needles_find(const struct needles *needles, struct slice bytes);

#endif
