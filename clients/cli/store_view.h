/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands on a store's folder share. */
#ifndef CLI_STORE_VIEW_H
#define CLI_STORE_VIEW_H

#include "clients/cli/cli.h"
#include "tools/verify_store.h"

/* Verify the store in a folder and show what was found. Damaged pages can end the process that
 * reads them, so a child does. EX_OK where nothing is wrong. */
int verify_folder(struct cli *cli, const char *folder, const struct journal_head *head);

/* Tell an error of a store's folder or file. The exit code. */
int store_fail(enum status st, const char *folder, const struct fault *fault);

#endif
