/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log lines on standard error: a fact, then key=value pairs. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include "base/slice.h"

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

bool log_level_find(const char *name, enum log_level *out);

/* Lines above `level` are left out from now on. */
void log_set_level(enum log_level level);

/* The text of a value that comes from outside, for between two quotes: what could end it or the
 * line is written as \xNN, what is longer is cut. Returns `out`. */
enum { LOG_VALUE = 256 };
const char *log_value(struct slice value, char out[LOG_VALUE]);

/* One line: `message`, then the pairs that `fmt` makes ("bank=%s version=%u"). Under the journal,
 * lines carry its priority prefix instead of time and level. A control character, which could begin
 * another line, is written as a question mark. */
void log_line(enum log_level level, const char *message, const char *fmt, ...) PRINTF(3, 4);

#endif
