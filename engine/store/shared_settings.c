/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes look on each connection, for a server may have been changed, and `theta district init` does
 * before it makes the tables: both say the same. */
#include "store/shared_settings.h"
#include "store/pg.h"

static const struct {
    const char *name, *good[2], *why;
} needed[SHARED_SETTINGS] = {
    {"fsync", {"on", "on"}, "a power cut would lose what was acknowledged"},
    {"full_page_writes", {"on", "on"}, "a power cut would damage pages"},
    {"synchronous_commit",
     {"on", "remote_apply"},
     "what was acknowledged would not be on the standby's disk"},
    {"server_encoding", {"UTF8", "UTF8"}, "names are UTF-8"},
    {"data_checksums", {"on", "on"}, "a page that has rotted would be taken for a good one"},
};

enum status shared_check_settings(const PGresult *row, struct fault *fault)
{
    for (int i = 0; i < SHARED_SETTINGS; i++) {
        struct slice value = pg_bytes(row, 0, i);

        if (PQgetisnull(row, 0, i) || slice_equal_str(value, needed[i].good[0]) ||
            slice_equal_str(value, needed[i].good[1])) {
            continue;
        }
        fault_set(fault, NULL, needed[i].name, "the server has %s = %.*s: %s", needed[i].name,
                  (int)value.n, (const char *)value.data, needed[i].why);
        return BAD_REQUEST;
    }
    return OK;
}
