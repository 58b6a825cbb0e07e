/* SPDX-License-Identifier: Apache-2.0 */
/* Every bound on what comes from outside, in one place. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

enum {
    LIMIT_ID = 64,                  // bytes of an id, without the final NUL
    LIMIT_CATS = 16,                // response categories of one item
    LIMIT_DIMS = 5,                 // dimensions of theta
    LIMIT_NODES = 512,              // quadrature nodes of one grid
    LIMIT_PRODUCT = 32768,          // nodes of a grid of several dimensions, all together
    LIMIT_SCAN = 1024,              // thetas looked at in a search for modes
    LIMIT_ITEMS = 200000,           // items of one bank
    LIMIT_ANSWERS = 1000,           // answers of one session
    LIMIT_EVENTS = 4000,            // events of one session; then it takes answers and its end only
    LIMIT_RAW = 256,                // bytes of one raw answer
    LIMIT_WRITTEN = 16384,          // bytes of one raw answer that a person scores
    LIMIT_OPTIONS = 26,             // options of one item
    LIMIT_TAGS = 32,                // tags of one item
    LIMIT_ENEMIES = 64,             // enemies named by one item
    LIMIT_CONTENT = 16384,          // encoded bytes of one item's content
    LIMIT_GROUPS = 64,              // content groups of one test
    LIMIT_STOP_NODES = 32,          // rules and joins of one stop tree
    LIMIT_START_ITEMS = 16,         // fixed start items of one test
    LIMIT_CUTS = 16,                // cut scores of one test
    LIMIT_KEPT = 100000,            // items that one session is kept from at its start
    LIMIT_RANDOMESQUE = 64,         // candidates to draw from
    LIMIT_BATCH_ITEMS = 500,        // items in one bank.add
    LIMIT_UPLOADS = 1024,           // uploads that are open at a time,
    LIMIT_TENANT_UPLOADS = 64,      // and of one tenant
    LIMIT_IRT_THETAS = 1000,        // thetas in one irt.curve
    LIMIT_IRT_VALUES = 130000,      // numbers in the reply to one irt.curve
    LIMIT_IRT_TOP = 1000,           // items in the reply to one irt.rank
    LIMIT_FAULTS = 1000,            // faults told in one reply; the rest are counted
    LIMIT_REQUEST_ID = 64,          // bytes of a request's id where it is a str
    LIMIT_DEPTH = 16,               // nesting of one message
    LIMIT_PAIRS = 64,               // entries of one map
    LIMIT_KEY = 64,                 // bytes of a map's key
    LIMIT_MESSAGE = 1 << 20,        // bytes of one message
    LIMIT_REQUEST = 1 << 16,        // bytes of a request that uploads nothing
    LIMIT_ENVELOPE = 8,             // routing frames before the body
    LIMIT_NODES_MESSAGE = 1 << 17,  // values in one message
};

/* Bytes of items in one bank.get reply: no value is shorter than a byte, so a client can decode
 * it. */
enum { LIMIT_PAGE = LIMIT_NODES_MESSAGE - 4096 };

/* The flattest slope: below it an item tells nothing. */
#define LIMIT_SLOPE_MIN 1e-9
/* The least upper asymptote. */
#define LIMIT_ASYMPTOTE_MIN 1e-3

/* Beyond these a parameter is a mistake in the file, and exp(a (theta - b)) leaves the doubles. */
#define LIMIT_SLOPE    100.0
#define LIMIT_LOCATION 100.0
#define LIMIT_THETA    20.0

/* The expected time of an answer: a millisecond to a day. */
#define LIMIT_SECONDS_MIN 1e-3
#define LIMIT_SECONDS_MAX 86400.0

/* What a bank's D and the SD of a normal prior may be. */
#define LIMIT_D_MIN  0.1
#define LIMIT_D_MAX  10.0
#define LIMIT_SD_MIN 1e-3
#define LIMIT_SD_MAX 1e3

/* The largest integer that every peer's number type holds: 2^53 - 1. */
#define LIMIT_INT 9007199254740991LL

#endif
