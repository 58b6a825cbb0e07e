/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Key files: taken or refused with a reason; what is taken is written and read again the same. */
#include "proto/certificate.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static bool is_same(const struct certificate *a, const struct certificate *b)
{
    if (a->n_pair != b->n_pair || strcmp(a->public_key, b->public_key) != 0 ||
        strcmp(a->secret_key, b->secret_key) != 0) {
        return false;
    }
    for (size_t i = 0; i < a->n_pair; i++) {
        if (strcmp(a->pair[i].name, b->pair[i].name) != 0) return false;
        if (strcmp(a->pair[i].value, b->pair[i].value) != 0) return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct certificate first, again;
    struct fault fault = {0};
    struct buf text = {0};

    memset(&first, 0xa5, sizeof(first));
    if (certificate_read(slice_of(data, n), &first, &fault)) {
        MUST(fault.text[0]);
        MUST((uint8_t)first.public_key[0] == 0xa5);
        return 0;
    }
    MUST(certificate_is_key(first.public_key));
    MUST(!first.secret_key[0] || certificate_is_key(first.secret_key));
    certificate_write(&first, first.secret_key[0] != '\0', &text);
    MUST(!text.failed);
    MUST(certificate_read(buf_slice(&text), &again, &fault) == OK);
    MUST(is_same(&first, &again));
    fuzz_taken();
    buf_done(&text);
    return 0;
}
