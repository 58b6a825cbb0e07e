/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the server of a shared store must not be set: it would lose what it has said to have kept. */
#ifndef STORE_SHARED_SETTINGS_H
#define STORE_SHARED_SETTINGS_H

#include "base/fault.h"

#include <libpq-fe.h>

/* The first fields of a row, and how many they are: NULL where an engine does not have it. */
#define SHARED_SETTINGS_SQL                                                                        \
    "current_setting('fsync', true), current_setting('full_page_writes', true), "                  \
    "current_setting('synchronous_commit', true), current_setting('server_encoding', true), "      \
    "current_setting('data_checksums', true)"
enum { SHARED_SETTINGS = 5 };

/* BAD_REQUEST where one of them is not as it must be, with its name and the reason in `fault`. */
MUST_CHECK enum status shared_check_settings(const PGresult *row, struct fault *fault);

#endif
