/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LMDB makes a new file in place, and one whose first pages a full disk or a power cut has torn
 * never opens again. So it is made in a folder of its own, synced, and moved to where it belongs:
 * it is there whole or not at all. */
#include "store/create.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MODE = 0750, FILE_MODE = 0640 };

/* Where the file is made, and where it goes. */
struct paths {
    char making[PATH_MAX], made[PATH_MAX], lock[PATH_MAX], final[PATH_MAX];
};

static bool name_paths(const char *folder, struct paths *out)
{
    int n = snprintf(out->making, sizeof(out->making), "%s/new", folder);

    if (n < 0 || (size_t)n + sizeof("/data.mdb") > sizeof(out->making)) return false;
    snprintf(out->made, sizeof(out->made), "%.*s/data.mdb", n, out->making);
    snprintf(out->lock, sizeof(out->lock), "%.*s/lock.mdb", n, out->making);
    snprintf(out->final, sizeof(out->final), "%.*s/data.mdb", n - (int)strlen("/new"), out->making);
    return true;
}

static void sweep(const struct paths *paths)
{
    unlink(paths->made);
    unlink(paths->lock);
    rmdir(paths->making);
}

/* Opening it writes its first pages. */
static int make(const struct paths *paths)
{
    MDB_env *env;
    int code = mdb_env_create(&env);

    if (code) return code;
    code = mdb_env_open(env, paths->making, 0, FILE_MODE);
    if (code == 0) code = mdb_env_sync(env, 1);
    mdb_env_close(env);
    return code;
}

static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = 0;

    if (fd < 0) return errno;
    if (fsync(fd)) code = errno;
    close(fd);
    return code;
}

enum status store_create(const char *folder, struct fault *fault)
{
    struct paths paths;
    struct stat about;
    int code = ENAMETOOLONG;

    if (name_paths(folder, &paths)) {
        // A link that leads nowhere is a disk that is not mounted, not a store to be made.
        if (lstat(paths.final, &about) == 0) return OK;
        sweep(&paths);  // what an earlier try has left
        code = mkdir(paths.making, FOLDER_MODE) ? errno : make(&paths);
        if (code == 0 && rename(paths.made, paths.final)) code = errno;
        if (code == 0) code = sync_folder(folder);
        sweep(&paths);
    }
    if (code == 0) return OK;
    fault_set(fault, NULL, "data_dir", "cannot make a store in %s: %s", folder, mdb_strerror(code));
    return code == ENOMEM ? NO_MEMORY : IO_ERROR;
}
