/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The record of what a daemon did to its data file, and of the replies it sent meanwhile:
 *
 *   | struct cut_op | n bytes | struct cut_op | ...
 */
#ifndef FAULT_CUT_TRACE_H
#define FAULT_CUT_TRACE_H

#include <stdbool.h>
#include <stdint.h>

enum cut_kind {
    CUT_WRITE = 1,
    CUT_LENGTH = 2,  // the file is `offset` long now
    CUT_SYNC = 3,    // everything before it is on disk
    CUT_REPLY = 4,   // the n bytes were told to a client
};

struct cut_op {
    uint8_t kind;
    uint8_t is_durable;  // CUT_WRITE with O_DSYNC: on disk when it returned
    uint8_t zero[6];
    uint64_t offset, n;
};

#endif
