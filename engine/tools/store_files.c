/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/store_files.h"
#include "store/backup.h"
#include "store/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MODE = 0700, FILE_MODE = 0600, PART_BYTES = 1 << 16 };

static enum status fail(struct fault *fault, const char *what, const char *path)
{
    enum status st = errno == EEXIST ? EXISTS : errno == ENOENT ? NOT_FOUND : IO_ERROR;

    fault_set(fault, NULL, NULL, "%s %s: %s", what, path, strerror(errno));
    return st;
}

static enum status join(const char *folder, const char *name, char out[PATH_MAX],
                        struct fault *fault)
{
    if ((size_t)snprintf(out, PATH_MAX, "%s/%s", folder, name) < PATH_MAX) return OK;
    errno = ENAMETOOLONG;
    return fail(fault, "cannot use", folder);
}

enum status store_backup(const char *folder, const char *file, uint64_t *out_bytes,
                         struct fault *fault)
{
    return backup_write((struct backup_source){.folder = folder}, file, out_bytes, fault);
}

static enum status copy_bytes(int from, int to, const char *path, struct fault *fault)
{
    static char part[PART_BYTES];
    ssize_t n;

    while ((n = read(from, part, sizeof(part))) > 0) {
        if (write(to, part, (size_t)n) != n) return fail(fault, "cannot write", path);
    }
    if (n < 0 || fsync(to) != 0) return fail(fault, "cannot copy to", path);
    return OK;
}

static enum status copy_file(const char *from, const char *to, struct fault *fault)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out;
    enum status st;

    if (in < 0) return fail(fault, "cannot read", from);
    out = open(to, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, FILE_MODE);
    st = out < 0 ? fail(fault, "cannot make", to) : copy_bytes(in, out, to, fault);
    if (out >= 0) close(out);
    close(in);
    return st;
}

static enum status make_folder(const char *path, struct fault *fault)
{
    if (mkdir(path, FOLDER_MODE) == 0 || errno == EEXIST) return OK;
    return fail(fault, "cannot make", path);
}

enum status store_restore_begin(const char *file, const char *folder, char out_part[PATH_MAX],
                                struct fault *fault)
{
    char data[PATH_MAX];
    enum status st = join(folder, "data.mdb", data, fault);

    out_part[0] = '\0';
    if (st) return st;
    if (access(data, F_OK) == 0) {
        errno = EEXIST;
        return fail(fault, "there is a store", data);
    }
    if (access(file, R_OK) != 0) return fail(fault, "cannot read", file);
    st = make_folder(folder, fault);
    if (st == OK) st = join(folder, "restore.part", out_part, fault);
    if (st == OK) st = make_folder(out_part, fault);
    if (st == OK) st = join(out_part, "data.mdb", data, fault);
    return st ? st : copy_file(file, data, fault);
}

enum status store_restore_end(const char *folder, const char *part, struct fault *fault)
{
    char from[PATH_MAX], to[PATH_MAX];
    enum status st = join(part, "data.mdb", from, fault);

    if (st == OK) st = join(folder, "data.mdb", to, fault);
    return st ? st : backup_place(from, to, fault);
}

enum status store_restore_look(const char *folder, const char *part, struct fault *fault)
{
    char path[PATH_MAX];
    struct journal_head mark;
    struct journal journal = {0};
    struct fault unread;
    struct env *env = NULL;
    enum status st = join(folder, "mark", path, fault);

    if (st) return st;
    if (mark_read(path, &mark, &unread)) return OK;  // it tells nothing
    st = env_open_read(part, &env, fault);
    if (st == OK) st = journal_init(&journal, env);
    if (st == OK) st = mark_check(&journal, &mark, fault);
    journal_done(&journal);
    env_close(env);
    return st;
}

enum status store_forget_mark(const char *folder, struct fault *fault)
{
    char path[PATH_MAX];
    enum status st = join(folder, "mark", path, fault);

    if (st) return st;
    return unlink(path) == 0 || errno == ENOENT ? OK : fail(fault, "cannot remove", path);
}

void store_restore_clear(const char *part)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "thetad.lock"};
    struct fault fault;
    char path[PATH_MAX];

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (join(part, names[i], path, &fault) == OK) unlink(path);
    }
    rmdir(part);
}

static uint64_t size_of(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 ? (uint64_t)about.st_size : 0;
}

enum status store_compact(const char *folder, uint64_t *out_before, uint64_t *out_after,
                          struct fault *fault)
{
    char data[PATH_MAX], small[PATH_MAX];
    struct env *env = NULL;
    enum status st = join(folder, "data.mdb", data, fault);

    if (st == OK) st = join(folder, "compact.mdb", small, fault);
    if (st == OK) st = env_open_read(folder, &env, fault);  // and its lock, until the end
    if (st) return st;
    unlink(small);  // of an attempt that was cut off
    *out_before = size_of(data);
    st = backup_write((struct backup_source){.env = env}, small, out_after, fault);
    if (st == OK && rename(small, data) != 0) st = fail(fault, "cannot replace", data);
    if (st == OK) st = backup_sync_folder(data, fault);
    env_close(env);
    return st;
}
