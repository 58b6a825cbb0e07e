/* SPDX-License-Identifier: Apache-2.0 */
/* The closed list of outcomes. It makes the enum, the codes on the wire and their numbers. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/macros.h"

#include <stdbool.h>

/* X(name, number, code on the wire, retry). A number is never reused. Numbers from 100 up never
 * leave the process under their own name: a client sees `internal`. `retry` says that the same
 * request, sent again a little later, may succeed. */
#define STATUS_LIST(X)                                                                             \
    X(OK, 0, "ok", false)                                                                          \
    X(BAD_REQUEST, 1, "bad_request", false)                                                        \
    X(UNKNOWN_OP, 2, "unknown_op", false)                                                          \
    X(FORBIDDEN, 3, "forbidden", false)                                                            \
    X(TOO_LARGE, 4, "too_large", false)                                                            \
    X(UNKNOWN_BANK, 5, "unknown_bank", false)                                                      \
    X(UNKNOWN_TEST, 6, "unknown_test", false)                                                      \
    X(UNKNOWN_SESSION, 7, "unknown_session", false)                                                \
    X(UNKNOWN_ITEM, 8, "unknown_item", false)                                                      \
    X(WRONG_ITEM, 9, "wrong_item", false)                                                          \
    X(BAD_RESPONSE, 10, "bad_response", false)                                                     \
    X(STALE_SEQ, 11, "stale_seq", false)                                                           \
    X(CONFLICT, 12, "conflict", false)                                                             \
    X(FINISHED, 13, "finished", false)                                                             \
    X(EXISTS, 14, "exists", false)                                                                 \
    X(INVALID_BANK, 15, "invalid_bank", false)                                                     \
    X(INVALID_TEST, 16, "invalid_test", false)                                                     \
    X(EXHAUSTED, 17, "exhausted", false)                                                           \
    X(BUSY, 18, "busy", true)                                                                      \
    X(RETRY, 19, "retry", true)                                                                    \
    X(DRAINING, 20, "draining", true)                                                              \
    X(INTERNAL, 21, "internal", false)                                                             \
    X(NO_MEMORY, 100, "internal", true)                                                            \
    X(IO_ERROR, 101, "internal", true)                                                             \
    X(CORRUPT, 102, "internal", false)                                                             \
    X(NOT_FOUND, 103, "internal", false)                                                           \
    X(MAP_FULL, 104, "internal", true)

enum status {
#define STATUS_ENUM(name, number, code, retry) name = number,
    STATUS_LIST(STATUS_ENUM)
#undef STATUS_ENUM
};

/* The code of `status` on the wire, never NULL. */
const char *status_code(enum status status);

/* Whether the same request may succeed if it is sent again later. */
bool status_retry(enum status status);

#endif
