/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A directory of a test's own. */
#ifndef SUPPORT_SCRATCH_H
#define SUPPORT_SCRATCH_H

struct scratch {
    char path[256];
};

/* Make it, below $TMPDIR or /tmp. */
void scratch_make(struct scratch *scratch);
/* Remove it with all that is in it. */
void scratch_remove(struct scratch *scratch);

#endif
