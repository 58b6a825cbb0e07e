/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preloaded into the daemon: what it does to the store's data file can be recorded, and what it
 * does to any file of the store and to a backup in the making can be made to fail.
 *
 *   THETA_RECORD=FILE          every write, truncation and sync of a file named data.mdb, and every
 *                              reply that is sent, in order, as cut_trace.h has them
 *   THETA_FAIL=KIND:N:HOW[:+]  the Nth call of KIND fails with HOW (EIO, ENOSPC, EINTR, or for
 *                              writes short: half is written); with + all later ones too
 *   THETA_COUNT=FILE           the number of calls of each kind, in the order of kind_names, at the
 *                              end
 *
 * LMDB writes by pwrite and by lseek and writev, and its meta page through a second descriptor with
 * O_DSYNC. All of that is done by one thread; the lock is for the replies of others. */
#include "tests/fault/cut_trace.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { WRITE, SYNC, OPEN, LENGTH, MAP, CLOSE, PLACE, N_KIND };
static const char *const kind_names[N_KIND] = {"write", "sync",  "open", "length",
                                               "map",   "close", "place"};

static struct {
    int fd;  // of the record, -1: none
    pthread_mutex_t lock;
    long count[N_KIND];
    enum kind fail_kind;
    long fail_at;  // 0: never
    int fail_with;
    bool fail_short, fail_on;
} state = {.fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

/* The functions that stand behind ours. Those that AddressSanitizer calls before anything of this
 * library has run (write, open, mmap, close) go to the kernel instead, and look at nothing until
 * is_ready. */
static struct {
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    ssize_t (*pwritev)(int, const struct iovec *, int, off_t);
    int (*ftruncate)(int, off_t);
    int (*fdatasync)(int);
    int (*fsync)(int);
    int (*link)(const char *, const char *);
    int (*rename)(const char *, const char *);
    int (*zmq_send)(void *, const void *, size_t, int);
} real;

static bool is_ready;

static void find(void *out, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    memcpy(out, &found, sizeof(found));  // ISO C has no conversion for it
}

static void read_failure(const char *text)
{
    static const struct {
        const char *name;
        int code;
    } codes[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EINTR", EINTR}};
    char kind[16] = "", how[16] = "", on[4] = "";

    if (sscanf(text, "%15[^:]:%ld:%15[^:]:%3s", kind, &state.fail_at, how, on) < 3) abort();
    while (state.fail_kind < N_KIND && strcmp(kind, kind_names[state.fail_kind])) state.fail_kind++;
    if (state.fail_kind == N_KIND) abort();
    state.fail_on = on[0] == '+';
    state.fail_short = strcmp(how, "short") == 0;
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        if (strcmp(how, codes[i].name) == 0) state.fail_with = codes[i].code;
    }
    if (!state.fail_with && !state.fail_short) abort();
}

__attribute__((constructor)) static void start(void)
{
    const char *record = getenv("THETA_RECORD"), *fail = getenv("THETA_FAIL");

    find(&real.pwrite, "pwrite64");
    find(&real.writev, "writev");
    find(&real.pwritev, "pwritev64");
    find(&real.ftruncate, "ftruncate64");
    find(&real.fdatasync, "fdatasync");
    find(&real.fsync, "fsync");
    find(&real.link, "link");
    find(&real.rename, "rename");
    find(&real.zmq_send, "zmq_send");
    if (record) {
        state.fd = open(record, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
        if (state.fd < 0) abort();
    }
    if (fail) read_failure(fail);
    is_ready = true;
}

__attribute__((destructor)) static void stop(void)
{
    const char *path = getenv("THETA_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;

    if (!file) return;
    for (int kind = 0; kind < N_KIND; kind++) fprintf(file, "%ld ", state.count[kind]);
    fclose(file);
}

static bool ends_with(const char *path, const char *end)
{
    size_t n = strlen(path), n_end = strlen(end);

    return n >= n_end && strcmp(path + n - n_end, end) == 0;
}

/* The path of a descriptor; "" where it has none. */
static void path_of(int fd, char *path, size_t size)
{
    char link[64];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, size - 1);
    path[n > 0 ? n : 0] = 0;
}

static bool is_store(int fd)
{
    char path[4096];

    path_of(fd, path, sizeof(path));
    return ends_with(path, "/data.mdb");
}

/* A backup in the making. */
static bool is_copy(int fd)
{
    char path[4096];

    path_of(fd, path, sizeof(path));
    return ends_with(path, ".part");
}

static bool is_ours(const char *path)
{
    return ends_with(path, "/data.mdb") || ends_with(path, "/lock.mdb") || ends_with(path, ".part");
}

static bool is_our_file(int fd)
{
    char path[4096];

    path_of(fd, path, sizeof(path));
    return is_ours(path);
}

static void record(struct cut_op op, const void *data)
{
    struct iovec parts[] = {{&op, sizeof(op)}, {(void *)(size_t)data, op.n}};
    int error = errno;

    if (state.fd < 0) return;
    pthread_mutex_lock(&state.lock);
    if (real.writev(state.fd, parts, data ? 2 : 1) < 0) abort();
    pthread_mutex_unlock(&state.lock);
    errno = error;
}

/* Whether this call is to fail. */
static bool fails(enum kind kind)
{
    long n = ++state.count[kind];

    if (!state.fail_at || state.fail_kind != kind) return false;
    return n == state.fail_at || (state.fail_on && n > state.fail_at);
}

/* Whether it is to fail with an errno, which is then set. */
static bool fails_with(enum kind kind)
{
    if (!fails(kind)) return false;
    errno = state.fail_with ? state.fail_with : EIO;
    return true;
}

static struct cut_op write_op(int fd, off_t offset, size_t n)
{
    int flags = fcntl(fd, F_GETFL);

    return (struct cut_op){.kind = CUT_WRITE,
                           .is_durable = (flags & O_DSYNC) != 0,
                           .offset = (uint64_t)offset,
                           .n = (uint64_t)n};
}

static ssize_t put(int fd, const void *data, size_t n, off_t offset)
{
    ssize_t done;

    if (!is_store(fd)) return real.pwrite(fd, data, n, offset);
    if (fails(WRITE)) {
        errno = state.fail_with;
        if (!state.fail_short) return -1;
        n /= 2;
    }
    record(write_op(fd, offset, n), data);
    done = real.pwrite(fd, data, n, offset);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t offset)
{
    return put(fd, data, n, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t offset)
{
    return put(fd, data, n, offset);
}

/* The parts one by one, so that the record has them; the offset moves as writev's would. */
static ssize_t put_parts(int fd, const struct iovec *parts, int n_part, off_t offset)
{
    ssize_t total = 0;

    if (fails(WRITE)) {
        errno = state.fail_with;
        if (!state.fail_short) return -1;
        n_part = (n_part + 1) / 2;
    }
    for (int i = 0; i < n_part; i++) {
        ssize_t done;

        record(write_op(fd, offset + total, parts[i].iov_len), parts[i].iov_base);
        done = real.pwrite(fd, parts[i].iov_base, parts[i].iov_len, offset + total);
        if (done < 0) return done;
        total += done;
    }
    return total;
}

ssize_t writev(int fd, const struct iovec *parts, int n_part)
{
    off_t offset;
    ssize_t done;

    if (!is_store(fd)) return real.writev(fd, parts, n_part);
    offset = lseek(fd, 0, SEEK_CUR);
    done = put_parts(fd, parts, n_part, offset);
    if (done > 0) lseek(fd, offset + done, SEEK_SET);
    return done;
}

ssize_t pwritev(int fd, const struct iovec *parts, int n_part, off_t offset)
{
    if (!is_store(fd)) return real.pwritev(fd, parts, n_part, offset);
    return put_parts(fd, parts, n_part, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int n_part, off64_t offset)
{
    return pwritev(fd, parts, n_part, offset);
}

/* LMDB writes a copy so. */
ssize_t write(int fd, const void *data, size_t n)
{
    if (is_ready && is_copy(fd) && fails(WRITE)) {
        errno = state.fail_with;
        if (!state.fail_short) return -1;
        n /= 2;
    }
    return syscall(SYS_write, fd, data, n);
}

static int set_length(int fd, off_t n)
{
    if (is_store(fd) && fails_with(LENGTH)) return -1;
    if (is_store(fd)) record((struct cut_op){.kind = CUT_LENGTH, .offset = (uint64_t)n}, NULL);
    return real.ftruncate(fd, n);
}

int ftruncate(int fd, off_t n)
{
    return set_length(fd, n);
}

int ftruncate64(int fd, off64_t n)
{
    return set_length(fd, n);
}

static int sync_with(int (*sync)(int), int fd)
{
    int code;

    if (is_copy(fd) && fails_with(SYNC)) return -1;
    if (!is_store(fd)) return sync(fd);
    if (fails_with(SYNC)) return -1;
    code = sync(fd);
    if (code == 0) record((struct cut_op){.kind = CUT_SYNC}, NULL);
    return code;
}

int fdatasync(int fd)
{
    return sync_with(real.fdatasync, fd);
}

int fsync(int fd)
{
    return sync_with(real.fsync, fd);
}

static int open_file(const char *path, int flags, mode_t mode)
{
    if (is_ready && is_ours(path) && fails_with(OPEN)) return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* With or without a mode, as fcntl.h has it. */
#define OPEN_LIKE(name)                                                                            \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list rest;                                                                              \
        mode_t mode = 0;                                                                           \
                                                                                                   \
        va_start(rest, flags);                                                                     \
        if (flags & (O_CREAT | O_TMPFILE)) mode = va_arg(rest, mode_t);                            \
        va_end(rest);                                                                              \
        return open_file(path, flags, mode);                                                       \
    }
OPEN_LIKE(open)
OPEN_LIKE(open64)

void *mmap(void *at, size_t n, int access, int flags, int fd, off_t offset)
{
    if (is_ready && fd >= 0 && is_our_file(fd) && fails_with(MAP)) return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, n, access, flags, fd, offset);
}

void *mmap64(void *at, size_t n, int access, int flags, int fd, off64_t offset)
{
    return mmap(at, n, access, flags, fd, offset);
}

/* As Linux has it: the descriptor is gone all the same. */
int close(int fd)
{
    bool bad = is_ready && is_our_file(fd) && fails(CLOSE);
    int code = (int)syscall(SYS_close, fd);

    if (!bad) return code;
    errno = state.fail_with;
    return -1;
}

/* A file gets its name. */
int link(const char *from, const char *to)
{
    if (is_ours(from) && fails_with(PLACE)) return -1;
    return real.link(from, to);
}

int rename(const char *from, const char *to)
{
    if ((is_ours(from) || is_ours(to)) && fails_with(PLACE)) return -1;
    return real.rename(from, to);
}

/* A reply leaves: the body is the last frame of a message. */
int zmq_send(void *socket, const void *data, size_t n, int flags);
int zmq_send(void *socket, const void *data, size_t n, int flags)
{
    enum { SEND_MORE = 2 };

    if (!(flags & SEND_MORE)) record((struct cut_op){.kind = CUT_REPLY, .n = n}, data);
    return real.zmq_send(socket, data, n, flags);
}
