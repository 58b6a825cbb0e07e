/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = 0600 };

static enum status fail(struct fault *fault, const char *what, const char *path)
{
    enum status st = errno == EEXIST ? EXISTS : IO_ERROR;

    fault_set(fault, NULL, NULL, "%s %s: %s", what, path, strerror(errno));
    return st;
}

enum status backup_sync_folder(const char *path, struct fault *fault)
{
    char copy[PATH_MAX];
    enum status st = OK;
    int fd;

    snprintf(copy, sizeof(copy), "%s", path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) st = fail(fault, "cannot write the folder of", path);
    if (fd >= 0) close(fd);
    return st;
}

/* A link cannot take the place of a file, as a renaming would. */
enum status backup_place(const char *from, const char *to, struct fault *fault)
{
    if (link(from, to) != 0) return fail(fault, "cannot make", to);
    if (unlink(from) != 0) return fail(fault, "cannot remove", from);
    return backup_sync_folder(to, fault);
}

static enum status copy_and_sync(struct backup_source source, const char *part, uint64_t *out_bytes,
                                 struct fault *fault)
{
    int fd =
        open(part, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, FILE_MODE);
    struct stat about;
    enum status st;

    if (fd < 0) return fail(fault, "cannot make", part);
    st = source.env ? env_copy(source.env, fd, fault) : env_copy_folder(source.folder, fd, fault);
    if (st == OK && (fsync(fd) != 0 || fstat(fd, &about) != 0)) {
        st = fail(fault, "cannot write", part);
    }
    if (close(fd) != 0 && st == OK) st = fail(fault, "cannot write", part);
    if (st == OK) *out_bytes = (uint64_t)about.st_size;
    return st;
}

enum status backup_write(struct backup_source source, const char *path, uint64_t *out_bytes,
                         struct fault *fault)
{
    char part[PATH_MAX];
    enum status st;

    if (access(path, F_OK) == 0) {
        errno = EEXIST;
        return fail(fault, "nothing is written over", path);
    }
    if ((size_t)snprintf(part, sizeof(part), "%s.part", path) >= sizeof(part)) {
        errno = ENAMETOOLONG;
        return fail(fault, "cannot make", path);
    }
    st = copy_and_sync(source, part, out_bytes, fault);
    if (st == OK) st = backup_place(part, path, fault);
    if (st) unlink(part);
    return st;
}
