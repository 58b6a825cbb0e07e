/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum { FILE_MODE = 0640 };

enum status lock_folder(const char *folder, bool read_only, int *out_fd, struct fault *fault)
{
    char file[PATH_MAX];

    snprintf(file, sizeof(file), "%s/thetad.lock", folder);
    *out_fd = open(file, O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (*out_fd < 0 && read_only && (errno == EROFS || errno == EACCES)) return OK;
    if (*out_fd < 0) {
        fault_set(fault, NULL, "data_dir", "cannot open %s: %s", file, strerror(errno));
        return IO_ERROR;
    }
    if (flock(*out_fd, LOCK_EX | LOCK_NB) == 0) return OK;
    fault_set(fault, NULL, "data_dir", "another process holds %s", file);
    return BUSY;
}

enum status lock_file(const char *folder, int fd, struct fault *fault)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return OK;
    if (errno != EWOULDBLOCK) return OK;  // a file system without such locks
    fault_set(fault, NULL, "data_dir", "another process has the store in %s open", folder);
    return BUSY;
}
