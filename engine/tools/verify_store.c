/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/verify_store.h"
#include "server/verify.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS_A_STEP = 10000 };

bool verify_head_read(const char *text, struct journal_head *out)
{
    const char *end;
    char *colon;
    size_t n = 0;

    out->lsn = strtoull(text, &colon, 10);
    if (colon == text || *colon != ':' || out->lsn == 0) return false;
    return sodium_hex2bin(out->seal, SEAL_BYTES, colon + 1, strlen(colon + 1), NULL, &n, &end) ==
               0 &&
           n == SEAL_BYTES && *end == '\0';
}

static enum status run(struct verify *verify, struct verify_progress progress)
{
    enum status st = OK;

    while (st == OK && !verify_done(verify)) {
        st = verify_step(verify, EVENTS_A_STEP);
        if (progress.show) {
            progress.show(verify_n_event(verify), verify_n_total(verify), progress.context);
        }
    }
    return st;
}

enum status verify_store(const char *folder, const struct journal_head *expected,
                         struct verify_progress progress, struct buf *out, struct fault *fault)
{
    struct writer writer = writer_of(out);
    struct verify *verify = NULL;
    struct env *env = NULL;
    enum status st = env_open_read(folder, &env, fault);

    if (st) return st;
    fault_set(fault, NULL, "data_dir", "the banks, the tests or the journal cannot be read");
    st = verify_new(env, expected, &verify);
    if (st == OK) st = run(verify, progress);
    if (st == OK) {
        write_map(&writer, VERIFY_FIELDS);
        verify_write(verify, NULL, &writer);
        if (out->failed) st = NO_MEMORY;
    }
    verify_free(verify);
    env_close(env);
    return st;
}
