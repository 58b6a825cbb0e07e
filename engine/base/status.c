/* SPDX-License-Identifier: Apache-2.0 */
/* Codes of the outcomes, generated from the one list. */
#include "base/status.h"

const char *status_code(enum status status)
{
    switch (status) {
#define STATUS_CODE(name, number, code, retry)                                                     \
    case name:                                                                                     \
        return code;
        STATUS_LIST(STATUS_CODE)
#undef STATUS_CODE
    }
    return "internal";
}

bool status_retry(enum status status)
{
    switch (status) {
#define STATUS_RETRY(name, number, code, retry)                                                    \
    case name:                                                                                     \
        return retry;
        STATUS_LIST(STATUS_RETRY)
#undef STATUS_RETRY
    }
    return false;
}
