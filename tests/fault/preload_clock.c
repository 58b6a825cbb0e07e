/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preloaded into the daemon: its wall clock is off by the milliseconds that the file THETA_CLOCK
 * holds as text, read again at every look; after a = they are the time itself, at which it stands
 * still. The clocks that only go forward stay as they are. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* False where the clock is as it is. */
static bool read_ms(bool *out_stands, long long *out_ms)
{
    const char *path = getenv("THETA_CLOCK");
    char text[32] = "";
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0) return false;
    if (read(fd, text, sizeof(text) - 1) < 0) text[0] = 0;
    close(fd);
    *out_stands = text[0] == '=';
    *out_ms = atoll(text + *out_stands);
    return true;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    enum { NS = 1000000000, MS = 1000000 };
    int code = (int)syscall(SYS_clock_gettime, clock, out);
    long long ms, ns;
    bool stands;

    if (code || clock != CLOCK_REALTIME || !read_ms(&stands, &ms)) return code;
    if (stands) *out = (struct timespec){0};
    ns = out->tv_nsec + ms % 1000 * MS;
    out->tv_sec += ms / 1000 + (ns < 0 ? -1 : ns / NS);
    out->tv_nsec = ns < 0 ? ns + NS : ns % NS;
    return 0;
}
