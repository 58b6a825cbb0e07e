/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fate/machine.h"
#include "base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* For the libraries too, in place of the C library's. */
#define STANDS_IN __attribute__((visibility("default")))

enum { CHUNK = 512, VECTORS = 64 };

static struct {
    int64_t forward_us, wall_us;
    ino_t file;
    struct buf synced;   // the file as a power cut cannot undo it
    struct buf pending;  // writes since: | offset 8 | n 8 | bytes | ...
    uint64_t n_disk, disk_fails_at;
    uint64_t n_memory, memory_fails_at;
} machine;

_Noreturn static void broken(const char *what)
{
    perror(what);
    abort();
}

void machine_set_clock(int64_t forward_us, int64_t wall_us)
{
    machine.forward_us = forward_us;
    machine.wall_us = wall_us;
}

STANDS_IN int clock_gettime(clockid_t clock, struct timespec *out)
{
    int64_t us = clock == CLOCK_REALTIME ? machine.wall_us : machine.forward_us;

    *out = (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    return 0;
}

/* Writes past the end leave zeros between. */
static void put(struct buf *file, uint64_t offset, struct slice bytes)
{
    static const uint8_t zeros[CHUNK];

    while (file->n < offset + bytes.n) {
        uint64_t gap = offset + bytes.n - file->n;

        buf_append(file, zeros, gap < CHUNK ? gap : CHUNK);
    }
    if (file->failed) broken("memory");
    memcpy(file->data + offset, bytes.data, bytes.n);
}

void machine_set_disk(const char *path, struct slice image)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat stat;

    if (fd < 0 || write(fd, image.data, image.n) != (ssize_t)image.n || fstat(fd, &stat)) {
        broken(path);
    }
    close(fd);
    machine.file = stat.st_ino;
    machine.n_disk = machine.disk_fails_at = 0;
    buf_clear(&machine.pending);
    buf_clear(&machine.synced);
    buf_append(&machine.synced, image.data, image.n);
}

void machine_fail_disk(uint64_t n)
{
    machine.n_disk = 0;
    machine.disk_fails_at = n;
}

void machine_read(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t chunk[4096];
    ssize_t n;

    if (fd < 0) broken(path);
    buf_clear(out);
    while ((n = read(fd, chunk, sizeof(chunk))) > 0) buf_append(out, chunk, (size_t)n);
    close(fd);
}

/* The next pending write. False behind the last. */
static bool next_pending(struct slice *rest, uint64_t *out_offset, struct slice *out_bytes)
{
    uint64_t head[2];

    if (rest->n < sizeof(head)) return false;
    memcpy(head, rest->data, sizeof(head));
    *out_offset = head[0];
    *out_bytes = slice_of(rest->data + sizeof(head), head[1]);
    *rest = slice_of(out_bytes->data + head[1], rest->n - sizeof(head) - head[1]);
    return true;
}

/* How likely a chunk that was not synced is there all the same. */
static double survival(uint64_t seed)
{
    static const double shares[] = {0.0, 0.5, 0.9, 1.0};

    return shares[rng_bits(seed, 0) % (sizeof(shares) / sizeof(*shares))];
}

void machine_power_cut(uint64_t seed, struct buf *out)
{
    struct slice rest = buf_slice(&machine.pending), bytes;
    double share = survival(seed);
    uint64_t offset, draw = 1;

    buf_clear(out);
    buf_append(out, machine.synced.data, machine.synced.n);
    while (next_pending(&rest, &offset, &bytes)) {
        for (size_t at = 0; at < bytes.n; at += CHUNK) {
            size_t n = bytes.n - at < CHUNK ? bytes.n - at : CHUNK;

            if (rng_uniform(seed, draw++) < share)
                put(out, offset + at, slice_of(bytes.data + at, n));
        }
    }
}

static bool is_watched(int fd)
{
    struct stat stat;

    return machine.file && fstat(fd, &stat) == 0 && stat.st_ino == machine.file;
}

/* Whether this use of the disk fails, as all later ones do. */
static bool disk_fails(void)
{
    machine.n_disk++;
    return machine.disk_fails_at && machine.n_disk >= machine.disk_fails_at;
}

static void sync_all(void)
{
    struct slice rest = buf_slice(&machine.pending), bytes;
    uint64_t offset;

    while (next_pending(&rest, &offset, &bytes)) put(&machine.synced, offset, bytes);
    buf_clear(&machine.pending);
}

/* A write that fails may have come to the disk, or part of it, like any that was not synced. */
static ssize_t watched_write(int fd, struct slice bytes, off_t offset)
{
    uint64_t head[2] = {(uint64_t)offset, bytes.n};
    bool fails = disk_fails(), durable = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;

    if (durable && !fails) {
        put(&machine.synced, head[0], bytes);
    } else {
        buf_append(&machine.pending, head, sizeof(head));
        buf_append(&machine.pending, bytes.data, bytes.n);
    }
    if (!fails) return syscall(SYS_pwrite64, fd, bytes.data, bytes.n, offset);
    errno = EIO;
    return -1;
}

STANDS_IN ssize_t pwrite(int fd, const void *data, size_t n, off_t offset)
{
    if (is_watched(fd)) return watched_write(fd, slice_of(data, n), offset);
    return syscall(SYS_pwrite64, fd, data, n, offset);
}

STANDS_IN ssize_t writev(int fd, const struct iovec *parts, int n)
{
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t total = 0;

    if (!is_watched(fd)) return syscall(SYS_writev, fd, parts, n);
    for (int i = 0; i < n; i++) {
        if (watched_write(fd, slice_of(parts[i].iov_base, parts[i].iov_len), at + total) < 0) {
            return -1;
        }
        total += (ssize_t)parts[i].iov_len;
    }
    lseek(fd, at + total, SEEK_SET);
    return total;
}

STANDS_IN int fdatasync(int fd)
{
    if (!is_watched(fd)) return (int)syscall(SYS_fdatasync, fd);
    if (disk_fails()) {
        errno = EIO;
        return -1;
    }
    sync_all();
    return 0;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t n);

static bool memory_fails(void)
{
    if (!machine.memory_fails_at || ++machine.n_memory != machine.memory_fails_at) return false;
    machine.memory_fails_at = 0;
    return true;
}

void machine_fail_memory(uint64_t n)
{
    machine.n_memory = 0;
    machine.memory_fails_at = n;
}

void *__wrap_malloc(size_t n)
{
    return memory_fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return memory_fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t n)
{
    return memory_fails() ? NULL : __real_realloc(old, n);
}
