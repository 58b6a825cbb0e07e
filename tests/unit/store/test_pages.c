/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/rng.h"
#include "store/pages.h"
#include "store_test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { N_COMMIT = 60, WRITES = 40, MOST_VALUE = 9000, PAGE = 4096 };

static void path_of(const struct shelf *shelf, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/data.mdb", shelf->scratch.path);
}

static enum status check(const struct shelf *shelf, struct fault *fault)
{
    char path[PATH_MAX];

    path_of(shelf, path);
    return pages_check(path, fault);
}

/* Records of all sizes come, change and go, so that there are branches, large values and free
 * pages. */
static void fill(struct shelf *shelf, uint64_t seed)
{
    static char value[MOST_VALUE + 1];
    uint64_t draw = 0;

    memset(value, 'v', MOST_VALUE);
    for (int c = 0; c < N_COMMIT; c++) {
        for (int w = 0; w < WRITES; w++) {
            char key[32];
            size_t n = (size_t)(rng_uniform(seed, draw++) * (w % 8 ? 300 : MOST_VALUE));
            bool removes = rng_bits(seed, draw++) % 4 == 0;

            snprintf(key, sizeof(key), "key %u", (unsigned)(rng_bits(seed, draw++) % 700));
            if (removes)
                batch_remove(&shelf->batch, TABLE_ITEM, slice_str(key));
            else
                batch_put(shelf->env, &shelf->batch, TABLE_ITEM, slice_str(key), slice_of(value, n),
                          NULL);
        }
        shelf_commit(shelf);
    }
}

static void overwrite(const struct shelf *shelf, off_t at, const void *bytes, size_t n)
{
    char path[PATH_MAX];
    int fd;

    path_of(shelf, path);
    fd = open(path, O_WRONLY);
    cr_assert(fd >= 0 && pwrite(fd, bytes, n, at) == (ssize_t)n);
    close(fd);
}

static void read_back(const struct shelf *shelf, off_t at, void *out, size_t n)
{
    char path[PATH_MAX];
    int fd;

    path_of(shelf, path);
    fd = open(path, O_RDONLY);
    cr_assert(fd >= 0 && pread(fd, out, n, at) == (ssize_t)n);
    close(fd);
}

Test(pages, finds_nothing_in_a_sound_store)
{
    struct shelf shelf;
    struct fault fault = {0};

    shelf_open(&shelf, 32);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        fill(&shelf, seed);
        cr_expect_eq(check(&shelf, &fault), OK, "%s", fault.text);
        shelf_reopen(&shelf);
    }
    shelf_close(&shelf);
}

/* A meta with another number could bring back an older commit. The newest with a number less by two
 * cannot be told from what LMDB leaves of a commit that failed. */
Test(pages, finds_a_meta_that_tells_of_an_older_commit)
{
    struct shelf shelf;
    struct fault fault = {0};

    shelf_open(&shelf, 32);
    fill(&shelf, 4);
    shelf_shut(&shelf);
    for (off_t meta = 0; meta < 2; meta++) {
        uint64_t sound, changed, other;
        off_t at = meta * PAGE + 16 + 128;

        read_back(&shelf, at, &sound, sizeof(sound));
        read_back(&shelf, (1 - meta) * PAGE + 16 + 128, &other, sizeof(other));
        for (unsigned bit = 0; bit < 64; bit++) {
            changed = sound ^ (uint64_t)1 << bit;
            if (sound > other && changed == sound - 2) continue;
            overwrite(&shelf, at, &changed, sizeof(changed));
            cr_expect_eq(check(&shelf, &fault), CORRUPT, "meta %d, bit %u", (int)meta, bit);
        }
        overwrite(&shelf, at, &sound, sizeof(sound));
    }
    cr_expect_eq(check(&shelf, &fault), OK, "%s", fault.text);
    shelf_close(&shelf);
}

/* Its number, its flags, its magic number and its version, every bit of them. */
Test(pages, finds_every_changed_bit_of_a_metas_head)
{
    static const struct {
        off_t at, n;
    } parts[] = {{0, 8}, {10, 2}, {16, 4}, {20, 4}};
    struct shelf shelf;
    struct fault fault = {0};

    shelf_open(&shelf, 32);
    fill(&shelf, 7);
    shelf_shut(&shelf);
    for (size_t i = 0; i < 2 * COUNT_OF(parts); i++) {
        off_t from = (off_t)(i % 2) * PAGE + parts[i / 2].at;

        for (off_t bit = 0; bit < 8 * parts[i / 2].n; bit++) {
            uint8_t sound, changed;

            read_back(&shelf, from + bit / 8, &sound, 1);
            changed = (uint8_t)(sound ^ 1u << bit % 8);
            overwrite(&shelf, from + bit / 8, &changed, 1);
            cr_expect_eq(check(&shelf, &fault), CORRUPT, "part %zu, bit %d", i, (int)bit);
            overwrite(&shelf, from + bit / 8, &sound, 1);
        }
    }
    cr_expect_eq(check(&shelf, &fault), OK, "%s", fault.text);
    shelf_close(&shelf);
}

/* The two bytes at `at` of a page are these: what the check says of it. */
static const char *said_of(const struct shelf *shelf, off_t at, uint16_t changed)
{
    static struct fault fault;
    uint16_t sound;

    read_back(shelf, at, &sound, sizeof(sound));
    overwrite(shelf, at, &changed, sizeof(changed));
    if (check(shelf, &fault) != CORRUPT) fault.text[0] = '\0';
    overwrite(shelf, at, &sound, sizeof(sound));
    return fault.text;
}

/* Pages of a tree that are in use, known by their flags: none is followed out of the page. */
Test(pages, finds_entries_that_are_not_in_their_page)
{
    struct shelf shelf;
    struct fault fault = {0};
    size_t n_tree = 0;

    shelf_open(&shelf, 32);
    fill(&shelf, 8);
    shelf_shut(&shelf);
    for (off_t page = 2; page < 40; page++) {
        off_t at = page * PAGE;

        if (!strstr(said_of(&shelf, at + 10, 0), "its flags")) continue;
        n_tree++;
        cr_expect(strstr(said_of(&shelf, at + 12, 1), "its bounds"), "page %d", (int)page);
        cr_expect(strstr(said_of(&shelf, at + 14, PAGE + 2), "its bounds"), "page %d", (int)page);
        cr_expect(strstr(said_of(&shelf, at + 16, PAGE - 2), "a place"), "page %d", (int)page);
    }
    cr_expect_gt(n_tree, 3);
    cr_expect_eq(check(&shelf, &fault), OK, "%s", fault.text);
    shelf_close(&shelf);
}

Test(pages, names_a_page_that_another_stands_on)
{
    static uint8_t first[PAGE], second[PAGE];
    struct shelf shelf;
    struct fault fault = {0};
    size_t n_found = 0;

    shelf_open(&shelf, 32);
    fill(&shelf, 5);
    shelf_shut(&shelf);
    for (off_t page = 2; page < 40; page++) {
        read_back(&shelf, page * PAGE, first, PAGE);
        read_back(&shelf, (page + 1) * PAGE, second, PAGE);
        overwrite(&shelf, page * PAGE, second, PAGE);
        if (check(&shelf, &fault) == CORRUPT) {
            cr_expect(strstr(fault.text, "page "), "%s", fault.text);
            n_found++;
        }
        overwrite(&shelf, page * PAGE, first, PAGE);
    }
    cr_expect_gt(n_found, 5);
    cr_expect_eq(check(&shelf, &fault), OK, "%s", fault.text);
    shelf_close(&shelf);
}

Test(pages, finds_a_file_that_is_cut_off)
{
    struct shelf shelf;
    struct fault fault = {0};
    char path[PATH_MAX];

    shelf_open(&shelf, 32);
    fill(&shelf, 6);
    shelf_shut(&shelf);
    path_of(&shelf, path);
    cr_assert_eq(truncate(path, 20 * PAGE + 5), 0);
    cr_expect_eq(check(&shelf, &fault), CORRUPT);
    cr_assert_eq(truncate(path, 100), 0);
    cr_expect_eq(check(&shelf, &fault), CORRUPT);
    cr_assert_eq(unlink(path), 0);
    cr_expect_eq(check(&shelf, &fault), IO_ERROR);
    shelf_close(&shelf);
}
