/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

enum { OPEN_DIRS = 8 };

void scratch_make(struct scratch *scratch)
{
    const char *root = getenv("TMPDIR");

    snprintf(scratch->path, sizeof(scratch->path), "%s/theta-test-XXXXXX", root ? root : "/tmp");
    cr_assert(mkdtemp(scratch->path), "cannot make %s", scratch->path);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void scratch_remove(struct scratch *scratch)
{
    nftw(scratch->path, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
}
