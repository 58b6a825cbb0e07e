/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The birth of a store. */
#ifndef STORE_CREATE_H
#define STORE_CREATE_H

#include "base/fault.h"
#include "base/status.h"

/* Make an empty data file in `folder` where there is none. IO_ERROR or NO_MEMORY with a text in
 * `fault`; then there is none, and the next try begins afresh. */
MUST_CHECK enum status store_create(const char *folder, struct fault *fault);

#endif
