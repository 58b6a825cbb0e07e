/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that every header may use. */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#define MUST_CHECK      __attribute__((warn_unused_result))
#define PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
