/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log lines on standard error: a fact, then key=value pairs. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include "base/macros.h"

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

bool log_level_find(const char *name, enum log_level *out);

/* Lines above `level` are left out from now on. */
void log_set_level(enum log_level level);

/* One line: `message`, then the pairs that `fmt` makes ("bank=%s version=%u"). Under the
 * journal, lines carry its priority prefix instead of time and level. */
void log_line(enum log_level level, const char *message, const char *fmt, ...) PRINTF(3, 4);

#endif
