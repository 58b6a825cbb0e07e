/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking at XML that was written. */
#ifndef MARKUP_H
#define MARKUP_H

#include <stddef.h>

/* Every element is closed in order, attributes are quoted, and no bare & stands about. Whole texts
 * of style elements are passed over. */
void expect_well_formed(const char *text);
size_t count_of(const char *text, const char *part);

#endif
