/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preloaded into the daemon: the Nth allocation fails, and with THETA_MALLOC_ON set all later
 * ones too. The file that THETA_MALLOC_GO names is shared with the test: it counts, and fails, only
 * while the file's first number is not 0, and the second is how many it has counted. Not for a
 * daemon with AddressSanitizer, which has an allocator of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t n);

static struct shared {
    int64_t going, n_seen;
} * shared;       // NULL: the test has not said where, or this is too early
static long nth;  // 0: count only
static bool and_on;

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("THETA_MALLOC_FAIL"), *path = getenv("THETA_MALLOC_GO");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map;

    and_on = getenv("THETA_MALLOC_ON") != NULL;
    nth = text ? atol(text) : 0;
    if (fd < 0) abort();
    map = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) abort();
    close(fd);
    shared = map;
}

static bool fails(void)
{
    int64_t n;

    if (!shared || !__atomic_load_n(&shared->going, __ATOMIC_RELAXED)) return false;
    n = __atomic_add_fetch(&shared->n_seen, 1, __ATOMIC_RELAXED);
    if (nth == 0 || n < nth || (n > nth && !and_on)) return false;
    errno = ENOMEM;
    return true;
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
