/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preloaded into the daemon: what it does to the store's data file can be recorded, and made to
 * fail.
 *
 *   THETA_RECORD=FILE          every write, truncation and sync of a file named data.mdb, and every
 *                              reply that is sent, in order, as cut_trace.h has them
 *   THETA_FAIL=KIND:N:HOW[:+]  the Nth call of KIND (write, sync) fails with HOW (EIO, ENOSPC,
 *                              EINTR, or short: half is written); with + all later ones too
 *   THETA_COUNT=FILE           the numbers of writes and syncs, at the end
 *
 * LMDB writes by pwrite and by lseek and writev, and its meta page through a second descriptor with
 * O_DSYNC. All of that is done by one thread; the lock is for the replies of others. */
#include "tests/fault/cut_trace.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { WRITE, SYNC, N_KIND };

static struct {
    int fd;  // of the record, -1: none
    pthread_mutex_t lock;
    long count[N_KIND];
    enum kind fail_kind;
    long fail_at;  // 0: never
    int fail_with;
    bool fail_short, fail_on;
} state = {.fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

/* The functions that stand behind ours. */
static struct {
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    ssize_t (*pwritev)(int, const struct iovec *, int, off_t);
    int (*ftruncate)(int, off_t);
    int (*fdatasync)(int);
    int (*fsync)(int);
    int (*zmq_send)(void *, const void *, size_t, int);
} real;

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
    state.fail_kind = strcmp(kind, "sync") == 0 ? SYNC : WRITE;
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
    find(&real.zmq_send, "zmq_send");
    if (record) {
        state.fd = open(record, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
        if (state.fd < 0) abort();
    }
    if (fail) read_failure(fail);
}

__attribute__((destructor)) static void stop(void)
{
    const char *path = getenv("THETA_COUNT");
    FILE *file = path ? fopen(path, "w") : NULL;

    if (!file) return;
    fprintf(file, "%ld %ld\n", state.count[WRITE], state.count[SYNC]);
    fclose(file);
}

static bool is_store(int fd)
{
    static const char name[] = "/data.mdb";
    char link[64], path[4096];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof(path));
    return n >= (ssize_t)sizeof(name) - 1 &&
           memcmp(path + n - (sizeof(name) - 1), name, sizeof(name) - 1) == 0;
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

static int set_length(int fd, off_t n)
{
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

    if (!is_store(fd)) return sync(fd);
    if (fails(SYNC)) {
        errno = state.fail_with ? state.fail_with : EIO;
        return -1;
    }
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

/* A reply leaves: the body is the last frame of a message. */
int zmq_send(void *socket, const void *data, size_t n, int flags);
int zmq_send(void *socket, const void *data, size_t n, int flags)
{
    enum { SEND_MORE = 2 };

    if (!(flags & SEND_MORE)) record((struct cut_op){.kind = CUT_REPLY, .n = n}, data);
    return real.zmq_send(socket, data, n, flags);
}
