/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What no durable answer can do without: one commit on the same disk. */
#ifndef BENCH_LOAD_LIMITS_H
#define BENCH_LOAD_LIMITS_H

#include <lmdb.h>
#include <stdint.h>

enum { LIMITS_RECORDS = 4096 };

struct limits {
    MDB_env *mdb;
    MDB_dbi dbi;
    uint64_t n_commit;
    int fd;  // of a file that was written before, to be overwritten from `end` on
    size_t end;
};

/* In a new folder of `folder`. Ends the program with a message where it cannot, as all here. */
void limits_open(struct limits *limits, const char *folder);
void limits_close(struct limits *limits);

/* One LMDB commit of `n` records of 200 bytes. */
void limits_commit(struct limits *limits, size_t n);

/* Overwrite `n` records of the file, at most LIMITS_RECORDS, and fdatasync. */
void limits_overwrite(struct limits *limits, size_t n);

#endif
