/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines to the shared store that do nothing by themselves: the test gives their answers. Linked
 * with --wrap for each function of server/line.h that district.h needs. */
#ifndef FAKE_LINE_H
#define FAKE_LINE_H

#include "server/line.h"

/* A line: what it was asked, and what it is to answer. */
struct fake {
    bool busy, deaf, has_answer, no_memory;
    size_t n_ask;
    struct line_head head, answer;
    struct buf ask, body;
};

extern struct fake fakes[N_LINE];

#endif
