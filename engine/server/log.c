/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 };

static const struct {
    const char *name;
    int priority;  // of syslog
} levels[] = {
    [LOG_ERROR] = {"error", 3},
    [LOG_WARN] = {"warn", 4},
    [LOG_INFO] = {"info", 6},
    [LOG_DEBUG] = {"debug", 7},
};

static atomic_int level_now = LOG_INFO;  // the helper logs too

bool log_level_find(const char *name, enum log_level *out)
{
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        if (strcmp(name, levels[i].name) != 0) continue;
        *out = (enum log_level)i;
        return true;
    }
    return false;
}

void log_set_level(enum log_level level)
{
    level_now = (int)level;
}

static int prefix(enum log_level level, char *out, size_t size)
{
    struct timespec now;
    struct tm utc;
    char stamp[32];

    if (getenv("JOURNAL_STREAM")) return snprintf(out, size, "<%d>", levels[level].priority);
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    return snprintf(out, size, "time=%s.%03ldZ level=%s ", stamp, now.tv_nsec / 1000000,
                    levels[level].name);
}

const char *log_value(struct slice value, char out[LOG_VALUE])
{
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;

    for (size_t i = 0; i < value.n && n + 5 <= LOG_VALUE; i++) {
        uint8_t c = value.data[i];

        if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '\\';
        out[n++] = 'x';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    out[n] = '\0';
    return out;
}

static void blank_controls(char *line, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f) line[i] = '?';
    }
}

void log_line(enum log_level level, const char *message, const char *fmt, ...)
{
    char line[LINE_BYTES];
    size_t n;
    va_list args;

    if ((int)level > level_now) return;
    n = (size_t)prefix(level, line, sizeof(line));
    n += (size_t)snprintf(line + n, sizeof(line) - n, "msg=\"%s\" ", message);
    if (n < sizeof(line) - 2) {
        int more;

        va_start(args, fmt);
        more = vsnprintf(line + n, sizeof(line) - n - 1, fmt, args);
        va_end(args);
        n += more > 0 ? (size_t)more : 0;
    }
    if (n > sizeof(line) - 2) n = sizeof(line) - 2;
    blank_controls(line, n);
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0) return;  // there is nowhere left to complain to
}
