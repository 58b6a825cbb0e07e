/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preloaded into the daemon: the Nth allocation fails, and with THETA_MALLOC_ON set all later
 * ones too. The file that THETA_MALLOC_GO names is shared with the test: it counts, and fails, only
 * while the file's first number is not 0, and the second is how many it has counted. The third
 * tells whose code a crash came from. Not for a daemon with AddressSanitizer, which has an
 * allocator of its own. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t n);

enum { FRAMES = 64 };

enum crash { CRASH_NONE, CRASH_OURS, CRASH_ZMQ };

static struct shared {
    int64_t going, n_seen, crash;
} * shared;       // NULL: the test has not said where, or this is too early
static long nth;  // 0: count only
static bool and_on;

/* Libraries that end a process for whoever has called them. */
static bool is_messenger(const char *file)
{
    static const char *const names[] = {"libc.so", "libstdc++", "libgcc_s", "libpgm",
                                        "preload_memory"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strstr(file, names[i])) return true;
    }
    return false;
}

/* The innermost code of the stack that is no messenger's. */
static enum crash whose(void)
{
    void *frame[FRAMES];
    int n = backtrace(frame, FRAMES);

    for (int i = 0; i < n; i++) {
        Dl_info about;

        if (!dladdr(frame[i], &about) || !about.dli_fname || is_messenger(about.dli_fname))
            continue;
        return strstr(about.dli_fname, "libzmq") ? CRASH_ZMQ : CRASH_OURS;
    }
    return CRASH_OURS;
}

static void on_crash(int number)
{
    shared->crash = whose();
    signal(number, SIG_DFL);
    raise(number);
}

__attribute__((constructor)) static void start(void)
{
    void *frame[1];
    const char *text = getenv("THETA_MALLOC_FAIL"), *path = getenv("THETA_MALLOC_GO");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *map;

    and_on = getenv("THETA_MALLOC_ON") != NULL;
    nth = text ? atol(text) : 0;
    if (fd < 0) abort();
    map = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) abort();
    close(fd);
    (void)backtrace(frame, 1);  // the first call takes memory
    shared = map;
    signal(SIGSEGV, on_crash);
    signal(SIGBUS, on_crash);
    signal(SIGABRT, on_crash);
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
