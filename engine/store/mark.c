/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MARK_MODE = 0640, SEAL_TEXT = 2 * SEAL_BYTES + 1, MARK_TEXT = 96 };

static int mark_print(const struct journal_head *mark, char out[MARK_TEXT])
{
    char seal[SEAL_TEXT];

    sodium_bin2hex(seal, sizeof(seal), mark->seal, SEAL_BYTES);
    return snprintf(out, MARK_TEXT, "thetad-mark-1 %" PRIu64 " %s\n", mark->lsn, seal);
}

/* What does not come out again as it stands there is no mark. */
static bool mark_parse(const char *text, struct journal_head *out)
{
    char again[MARK_TEXT], number[21], seal[SEAL_TEXT];
    size_t n;

    if (sscanf(text, "thetad-mark-1 %20[0-9] %32[0-9a-f]", number, seal) != 2) return false;
    out->lsn = strtoull(number, NULL, 10);
    if (sodium_hex2bin(out->seal, SEAL_BYTES, seal, strlen(seal), NULL, &n, NULL) != 0 ||
        n != SEAL_BYTES) {
        return false;
    }
    mark_print(out, again);
    return strcmp(text, again) == 0;
}

static enum status fail(struct fault *fault, const char *what, const char *path)
{
    fault_set(fault, NULL, "mark", "cannot %s %s: %s", what, path, strerror(errno));
    return IO_ERROR;
}

/* Renamed, so that nobody finds half of one. It need not be on disk at once. */
enum status mark_write(const char *path, const struct journal_head *mark, struct fault *fault)
{
    char part[PATH_MAX], text[MARK_TEXT];
    int fd, n = mark_print(mark, text);
    enum status st;
    bool good;

    if ((size_t)snprintf(part, sizeof(part), "%s.part", path) >= sizeof(part)) {
        errno = ENAMETOOLONG;
        return fail(fault, "write", path);
    }
    fd = open(part, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, MARK_MODE);
    if (fd < 0) return fail(fault, "make", part);
    good = write(fd, text, (size_t)n) == n;
    if (close(fd) != 0) good = false;
    if (good && rename(part, path) == 0) return OK;
    st = fail(fault, "write", path);
    unlink(part);
    return st;
}

enum status mark_read(const char *path, struct journal_head *out, struct fault *fault)
{
    char text[MARK_TEXT + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n;

    *out = (struct journal_head){0};
    if (fd < 0) {
        enum status st = errno == ENOENT ? NOT_FOUND : CORRUPT;

        (void)fail(fault, "read", path);
        return st;
    }
    n = read(fd, text, MARK_TEXT);
    close(fd);
    if (n < 0) {
        (void)fail(fault, "read", path);
        return CORRUPT;
    }
    text[n] = '\0';
    if (mark_parse(text, out)) return OK;
    *out = (struct journal_head){0};
    fault_set(fault, NULL, "mark", "%s is no mark", path);
    return CORRUPT;
}

enum status mark_check(struct journal *journal, const struct journal_head *mark,
                       struct fault *fault)
{
    struct journal_head newest = journal_newest(journal);
    enum status st;

    if (mark->lsn > newest.lsn) {
        fault_set(fault, NULL, "mark",
                  "an older store: %" PRIu64 " of %" PRIu64 " events are missing; put the newer "
                  "one back, or accept the loss with --accept-older-store",
                  mark->lsn - newest.lsn, mark->lsn);
        return CORRUPT;
    }
    st = journal_agrees(journal, mark);
    if (st == CORRUPT) {
        fault_set(fault, NULL, "mark",
                  "another store: its event %" PRIu64 " is not the one that was acknowledged; put "
                  "the right one back, or accept this one with --accept-older-store",
                  mark->lsn);
    } else if (st) {
        fault_set(fault, NULL, "mark", "event %" PRIu64 ", which it names, cannot be read",
                  mark->lsn);
    }
    return st;
}
