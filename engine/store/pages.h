/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pages of an LMDB file, looked at without LMDB: it believes what stands in them, and a page
 * that a disk has damaged can make it read outside of its map, go round in circles, or give a page
 * that is in use to something else. */
#ifndef STORE_PAGES_H
#define STORE_PAGES_H

#include "base/fault.h"
#include "base/macros.h"

/* Read every page that the newest commit reaches, but for the insides of large values: all that
 * LMDB follows must be within bounds, in order and used once, and nothing in use may be free. Keys
 * and values themselves are not looked at: seals tell of those. CORRUPT with a text that names the
 * page, IO_ERROR, NO_MEMORY. Pre: nobody writes to the file. */
MUST_CHECK enum status pages_check(const char *path, struct fault *fault);

#endif
