/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pre-scan alone: what it lets through msgpack-c decodes, to the last byte, and what we write
 * of that is let through again and stays as it is. What it refuses it names. */
#include "proto/writer.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct prescan_error error = {.offset = SIZE_MAX};
    struct slice bytes = slice_of(data, n);
    struct buf once = {0}, twice = {0};
    struct decoder decoder;
    struct writer writer;
    msgpack_object root;
    struct fault fault;

    if (!prescan(bytes, &error)) {
        MUST(error.reason && error.offset <= n);
        return 0;
    }
    MUST(decoder_init(&decoder) == OK);
    MUST(decode(&decoder, bytes, &root, &fault) == OK);
    writer = writer_of(&once);
    write_object(&writer, &root);
    MUST(decode(&decoder, buf_slice(&once), &root, &fault) == OK);
    writer = writer_of(&twice);
    write_object(&writer, &root);
    MUST(slice_equal(buf_slice(&once), buf_slice(&twice)));
    fuzz_taken();
    buf_done(&once);
    buf_done(&twice);
    decoder_done(&decoder);
    return 0;
}
