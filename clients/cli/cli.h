/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all commands share: the connection, the way replies and errors are shown. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "proto/reader.h"
#include "proto/writer.h"

#include <jansson.h>
#include <stdbool.h>
#include <sysexits.h>

struct thetad;

enum { CLI_WIDTH = 78 };  // columns that tables may take: terminals have 80, argp's pages 79

struct cli {
    const char *endpoint;    // NULL: the default
    const char *server_key;  // the daemon's public key or its file; NULL: no keys
    const char *key;         // the file of our secret key
    bool json;               // replies are shown as JSON
    bool utf8;               // the terminal takes UTF-8
    struct thetad *client;   // NULL until the first call
    struct decoder decoder;
    msgpack_object reply;  // the last
    unsigned timeout_ms;   // of the connection to come; 0: the usual one
    int64_t waited_ms;     // for it, over all tries
    char path[256];        // of the default endpoint
};

/* EX_OK or the exit code. */
MUST_CHECK int cli_init(struct cli *cli);
void cli_done(struct cli *cli);

/* One request; `fields` [a map] may be NULL. EX_OK and *out_reply, a map that is valid until the
 * next call; else the error has been told on stderr and the exit code is returned. */
MUST_CHECK int cli_call(struct cli *cli, const char *op, const struct buf *fields,
                        const msgpack_object **out_reply);
/* The same, but what the daemon says is not told: *out_reply is then its error reply, or NULL where
 * there was none. cli_tell_error tells it. */
MUST_CHECK int cli_try(struct cli *cli, const char *op, const struct buf *fields,
                       const msgpack_object **out_reply);
void cli_tell_error(const struct cli *cli, const msgpack_object *reply);

/* Requests of several commands, made as by cli_try: an op on a session; the items of a bank's
 * `version` (0: the newest) from number `offset` on, as many as one reply has. */
MUST_CHECK int cli_try_session(struct cli *cli, const char *op, const char *session,
                               const msgpack_object **out_reply);
MUST_CHECK int cli_try_items(struct cli *cli, const char *bank, int64_t version, int64_t offset,
                             const msgpack_object **out_reply);

/* The code of the last error, "" if the last call went well. */
const char *cli_error_code(const struct cli *cli);

/* One line on stderr. Returns `code`. */
int cli_fail(int code, const char *fmt, ...) PRINTF(2, 3);

/* Print a line, or a part of one, with texts from outside in it: control characters but line ends
 * as '?'. */
void cli_say(const char *fmt, ...) PRINTF(1, 2);

/* Print `json`, which is freed, and a line end; NULL is taken for missing memory. `flags` are those
 * of json_dumps. EX_OK, or told on stderr and the exit code. */
int cli_print_json(json_t *json, size_t flags);

/* Print a reply as one line of JSON, without v, id and ok. */
int cli_show_json(const msgpack_object *reply);

/* A whole file. EX_OK, or told on stderr and the exit code. `-` is stdin. */
MUST_CHECK int cli_read_file(const char *path, struct buf *out);

/* Parts of a reply. Texts are empty, numbers NaN or 0, arrays NULL where there is nothing. */
struct slice reply_text(const msgpack_object *map, const char *key);
/* The numbers under `key`, one or a list of at most `max`; how many. */
size_t reply_numbers(const msgpack_object *map, const char *key, double *out, size_t max);
double reply_number(const msgpack_object *map, const char *key);
int64_t reply_int(const msgpack_object *map, const char *key);
bool reply_is(const msgpack_object *map, const char *key);  // true, and nothing else
const msgpack_object *reply_array(const msgpack_object *map, const char *key);
const msgpack_object *reply_map(const msgpack_object *map, const char *key);
size_t reply_size(const msgpack_object *array);  // of NULL: 0

/* Where the next page goes on, in `after`, which has where this one did. False where there is none,
 * and where it is not behind this one: pages go by id, and a peer that says something else would
 * have us go round for ever. */
bool cli_next_page(const msgpack_object *reply, const char *key, char after[LIMIT_ID + 1]);

/* The number of a bank's items in *out. EX_PROTOCOL, told on stderr, where no bank has so many. */
MUST_CHECK int cli_n_item(const msgpack_object *reply, int64_t *out);

/* Milliseconds of a steady clock, from no particular moment. */
int64_t cli_clock_ms(void);

/* "2026-07-21 17:05" of a number of milliseconds since 1970, in the local time. */
void cli_time_text(int64_t ms, char out[32]);

/* A faults array of a reply as a table on stderr. */
void cli_show_faults(const msgpack_object *faults, int64_t n_fault);

#endif
