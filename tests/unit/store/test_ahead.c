/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/ahead.h"
#include "store_test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MEBIBYTE = 1 << 20 };

static int open_file(const struct scratch *scratch, int flags)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof(path), "%s/file", scratch->path);
    fd = open(path, flags, 0600);
    cr_assert_geq(fd, 0);
    return fd;
}

static uint64_t size_of(int fd)
{
    struct stat about;

    cr_assert_eq(fstat(fd, &about), 0);
    return (uint64_t)about.st_size;
}

static uint64_t blocks_of(int fd)
{
    struct stat about;

    cr_assert_eq(fstat(fd, &about), 0);
    return (uint64_t)about.st_blocks * 512;
}

/* A file that is all in use. */
static int used_file(const struct scratch *scratch, off_t n)
{
    int fd = open_file(scratch, O_CREAT | O_RDWR);

    cr_assert_eq(ftruncate(fd, n), 0);
    cr_assert_eq(pwrite(fd, "x", 1, n - 1), 1);
    return fd;
}

Test(ahead, writes_as_much_again_and_a_mebibyte_at_most)
{
    static const off_t used[] = {8192, 385 * 4096, 3 * MEBIBYTE + 4096};
    static const off_t room[] = {8192, MEBIBYTE, MEBIBYTE};
    struct scratch scratch;

    scratch_make(&scratch);
    for (size_t i = 0; i < COUNT_OF(used); i++) {
        struct ahead ahead = {0};
        int fd = used_file(&scratch, used[i]);
        char last = 0;

        ahead_keep(&ahead, fd, (uint64_t)used[i]);
        cr_expect_eq(size_of(fd), (uint64_t)(used[i] + room[i]), "%zu bytes", (size_t)used[i]);
        cr_expect_eq(ahead.end, size_of(fd));
        cr_expect_geq(blocks_of(fd), (uint64_t)room[i], "the room is a hole");
        cr_expect_eq(pread(fd, &last, 1, used[i] - 1), 1);
        cr_expect_eq(last, 'x', "what was there was written over");
        cr_assert_eq(ftruncate(fd, 0), 0);
        close(fd);
    }
    scratch_remove(&scratch);
}

Test(ahead, writes_more_when_there_is_little_left)
{
    struct ahead ahead = {0};
    struct scratch scratch;
    uint64_t used = 2 * MEBIBYTE, end;
    int fd;

    scratch_make(&scratch);
    fd = used_file(&scratch, (off_t)used);
    ahead_keep(&ahead, fd, used);
    end = size_of(fd);
    ahead_keep(&ahead, fd, end - MEBIBYTE / 4);
    cr_expect_eq(size_of(fd), end, "there was room yet");
    ahead_keep(&ahead, fd, end - MEBIBYTE / 4 + 4096);
    cr_expect_eq(size_of(fd), end + MEBIBYTE);

    /* Somebody needed more than there was. */
    end = used = 5 * MEBIBYTE;
    cr_assert_eq(ftruncate(fd, (off_t)end), 0);
    ahead_keep(&ahead, fd, used);
    cr_expect_eq(size_of(fd), end + MEBIBYTE);
    close(fd);
    scratch_remove(&scratch);
}

Test(ahead, leaves_a_file_alone_that_it_cannot_write)
{
    struct ahead ahead = {0};
    struct scratch scratch;
    int fd;

    scratch_make(&scratch);
    close(used_file(&scratch, 8192));
    fd = open_file(&scratch, O_RDONLY);
    ahead_keep(&ahead, fd, 8192);
    cr_expect_eq(size_of(fd), 8192);
    ahead_keep(&ahead, fd, 16384);
    cr_expect_eq(size_of(fd), 8192, "a file shorter than what is used is not for us to mend");
    close(fd);
    scratch_remove(&scratch);
}

static uint64_t file_of(const struct shelf *shelf)
{
    char path[PATH_MAX];
    struct stat about;

    snprintf(path, sizeof(path), "%s/data.mdb", shelf->scratch.path);
    cr_assert_eq(stat(path, &about), 0);
    return (uint64_t)about.st_size;
}

/* Most commits must find the file long enough. */
Test(ahead, few_commits_make_the_file_longer)
{
    static const uint8_t bytes[3000];
    struct shelf shelf;
    uint64_t before;
    size_t used, map;
    int n_longer = 0;

    shelf_open(&shelf, 16);
    before = file_of(&shelf);
    for (uint32_t i = 0; i < 1000; i++) {
        uint8_t key[4] = {0, 0, (uint8_t)(i >> 8), (uint8_t)i};

        batch_put(shelf.env, &shelf.batch, TABLE_BANK, slice_of(key, sizeof(key)),
                  slice_of(bytes, sizeof(bytes)), NULL);
        shelf_commit(&shelf);
        n_longer += file_of(&shelf) > before;
        before = file_of(&shelf);
    }
    env_usage(shelf.env, &used, &map);
    cr_expect_gt(used, 4 * MEBIBYTE - MEBIBYTE / 2);
    cr_expect_gt(before, used);
    cr_expect_leq(n_longer, 20, "%d of 1,000", n_longer);
    shelf_close(&shelf);
}
