/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preloaded into the daemon: the Nth allocation fails, counted from the moment that the file
 * THETA_MALLOC_GO is there (looked for once in a while), and with THETA_MALLOC_ON set all later
 * ones too. Not for a daemon with AddressSanitizer, which has an allocator of its own. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t n);

enum { LOOK_EVERY = 16 };

static long nth, n_seen, n_call;
static bool and_on, going;
static const char *go;

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("THETA_MALLOC_FAIL");

    and_on = getenv("THETA_MALLOC_ON") != NULL;
    go = getenv("THETA_MALLOC_GO");
    nth = text ? atol(text) : 0;
}

static bool fails(void)
{
    if (nth == 0) return false;
    if (!going && __atomic_add_fetch(&n_call, 1, __ATOMIC_RELAXED) % LOOK_EVERY == 0) {
        int error = errno;

        going = !go || access(go, F_OK) == 0;
        errno = error;
    }
    if (going) {
        long n = __atomic_add_fetch(&n_seen, 1, __ATOMIC_RELAXED);

        if (n == nth || (and_on && n > nth)) {
            errno = ENOMEM;
            return true;
        }
    }
    return false;
}

void *malloc(size_t n)
{
    return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *memory, size_t n)
{
    return fails() ? NULL : __libc_realloc(memory, n);
}
