/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole requests through call_handle. The first byte is the peer's roles, then comes a sequence of
 * messages. Whatever they are: each has a reply that our own decoder takes, with v, id and ok; an
 * error has a code and a text; a peer that is only a frontend never sees the key of an item (but
 * for its own words, which an error may repeat). */
#include "tests/fuzz/counter.h"

#include <string.h>

enum { MESSAGES = 24 };

static const char secret[] = "SECRET";

static bool has_secret(struct slice bytes)
{
    return bytes.n > 0 && memmem(bytes.data, bytes.n, secret, sizeof(secret) - 1);
}

static bool check_reply(struct counter *counter, struct slice reply)
{
    const msgpack_object *ok, *error;
    struct slice text;
    struct fault fault;
    msgpack_object root;

    MUST(decode(&counter->decoder, reply, &root, &fault) == OK);
    ok = map_find(&root, "ok");
    MUST(map_find(&root, "v") && map_find(&root, "id"));
    MUST(ok && ok->type == MSGPACK_OBJECT_BOOLEAN);
    if (ok->via.boolean) return true;
    error = map_find(&root, "error");
    MUST(error && object_str(map_find(error, "code"), &text) && text.n > 0);
    MUST(object_str(map_find(error, "message"), &text) && text.n > 0);
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct counter *counter = counter_open();
    struct slice rest = slice_of(data, n), message;
    uint8_t roles = fuzz_byte(&rest);
    bool changed = false, guessed = has_secret(rest);

    counter->roles = roles ? roles & ROLE_ALL : ROLE_ALL;
    for (int i = 0; i < MESSAGES && fuzz_message(&rest, &message); i++) {
        uint64_t lsn = counter->server.journal.next_lsn;
        bool good = check_reply(counter, counter_handle(counter, message));

        MUST(guessed || counter->roles != ROLE_FRONTEND || !has_secret(buf_slice(&counter->reply)));
        MUST(good || counter->server.journal.next_lsn == lsn);
        changed = changed || good;
    }
    if (!changed) return 0;
    fuzz_taken();
    counter_reset(counter);
    return 0;
}
