/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients/cli/cli.h"
#include "base/macros.h"
#include "clients/c/thetad.h"
#include "clients/cli/text_table.h"
#include "proto/certificate.h"
#include "tools/json_text.h"
#include "tools/json_wire.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { FILE_BYTES = 512 << 20 };  // the largest bank has a tenth of it

/* A publish of a large bank takes seconds; a daemon that is down should be told of soon. */
static const struct thetad_options connection = {.timeout_ms = 5000, .tries = 3};

/* Codes that do not mean "the request was wrong" (EX_DATAERR). */
static const struct exit_row {
    const char *code;
    int exit;
} exits[] = {
    {"forbidden", EX_NOPERM},    {"busy", EX_TEMPFAIL},     {"retry", EX_TEMPFAIL},
    {"draining", EX_TEMPFAIL},   {"internal", EX_SOFTWARE}, {"timeout", EX_UNAVAILABLE},
    {"socket", EX_UNAVAILABLE},  {"protocol", EX_PROTOCOL}, {"memory", EX_OSERR},
    {"unknown_op", EX_PROTOCOL},
};

int cli_fail(int code, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    fputs("theta: ", stderr);
    text_print_safe(slice_str(text), stderr);
    fputc('\n', stderr);
    return code;
}

void cli_say(const char *fmt, ...)
{
    char text[1024];
    va_list args;
    size_t n;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    for (const char *at = text; *at; at += n) {
        n = strcspn(at, "\n");
        text_print_safe(slice_of(at, n), stdout);
        if (at[n]) putchar(at[n++]);
    }
}

/* Only the characters' encoding is taken from the environment: numbers keep their decimal point. */
int cli_init(struct cli *cli)
{
    setlocale(LC_CTYPE, "");
    *cli = (struct cli){.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0};
    if (decoder_init(&cli->decoder)) return cli_fail(EX_OSERR, "no memory");
    return EX_OK;
}

void cli_done(struct cli *cli)
{
    thetad_close(cli->client);
    decoder_done(&cli->decoder);
}

static bool socket_at(struct cli *cli, const char *folder)
{
    struct stat about;

    snprintf(cli->path, sizeof(cli->path), "ipc://%s/thetad/thetad.sock", folder);
    if (stat(cli->path + strlen("ipc://"), &about) != 0) return false;
    cli->endpoint = cli->path;
    return true;
}

static bool find_endpoint(struct cli *cli)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");

    if (!cli->endpoint) cli->endpoint = getenv("THETAD_ENDPOINT");
    return cli->endpoint || (runtime && socket_at(cli, runtime)) || socket_at(cli, "/run");
}

/* A daemon may be slow, but where there is no socket nobody listens: that is said at once. A name
 * that begins with @ is not in the file system; of several endpoints another may be there. */
static bool lacks_socket(const char *endpoint)
{
    const char *path = endpoint + strlen("ipc://");
    struct stat about;

    if (strncmp(endpoint, "ipc://", strlen("ipc://")) != 0 || *path == '@' ||
        strchr(endpoint, ',')) {
        return false;
    }
    return stat(path, &about) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* What thetad_open would refuse with no more than an errno. */
static int check_key_file(const char *path, bool secret)
{
    struct certificate certificate;
    struct fault fault = {0};
    enum status st = certificate_load(path, &certificate, &fault);
    bool lacks = st == OK && secret && !certificate.secret_key[0];

    explicit_bzero(&certificate, sizeof(certificate));
    if (st) {
        return cli_fail(st == NOT_FOUND ? EX_NOINPUT : EX_DATAERR, "key file %s: %s%s%s", path,
                        fault.field, fault.field[0] ? " " : "", fault.text);
    }
    return lacks ? cli_fail(EX_DATAERR, "key file %s holds no secret key", path) : EX_OK;
}

/* --server-key and --key, or the environment; with ipc, which needs none, only the options. */
static int find_keys(struct cli *cli)
{
    bool is_ipc = strncmp(cli->endpoint, "ipc://", strlen("ipc://")) == 0;
    int code;

    if (!cli->server_key && !is_ipc) cli->server_key = getenv("THETAD_SERVER_KEY");
    if (!cli->key && !is_ipc) cli->key = getenv("THETAD_KEY");
    if (!cli->server_key != !cli->key) {
        return cli_fail(EX_USAGE, "--server-key (THETAD_SERVER_KEY) and --key (THETAD_KEY) go "
                                  "together: one of them is missing");
    }
    if (!cli->key) return EX_OK;
    code = certificate_is_key(cli->server_key) ? EX_OK : check_key_file(cli->server_key, false);
    return code ? code : check_key_file(cli->key, true);
}

static int connect_daemon(struct cli *cli)
{
    struct thetad_options options = connection;
    int code;

    if (cli->client) return EX_OK;
    if (!find_endpoint(cli)) {
        return cli_fail(EX_UNAVAILABLE,
                        "no daemon is found: start thetad, or say --endpoint or THETAD_ENDPOINT");
    }
    if (lacks_socket(cli->endpoint)) {
        return cli_fail(EX_UNAVAILABLE, "there is no socket %s: no daemon listens there",
                        cli->endpoint);
    }
    code = find_keys(cli);
    if (code) return code;
    if (cli->timeout_ms > 0) {
        options.timeout_ms = cli->timeout_ms;
        options.tries = 1;
    }
    options.server_key = cli->server_key;
    options.key = cli->key;
    cli->client = thetad_open(cli->endpoint, &options);
    if (cli->client) return EX_OK;
    return cli_fail(EX_USAGE, "endpoint %s: %s", cli->endpoint, strerror(errno));
}

const char *cli_error_code(const struct cli *cli)
{
    return cli->client ? thetad_error_code(cli->client) : "";
}

static int exit_of(const char *code)
{
    for (size_t i = 0; i < COUNT_OF(exits); i++) {
        if (strcmp(exits[i].code, code) == 0) return exits[i].exit;
    }
    return EX_DATAERR;
}

int cli_try(struct cli *cli, const char *op, const struct buf *fields,
            const msgpack_object **out_reply)
{
    const uint8_t *reply = NULL;
    int64_t since_ms;
    size_t n = 0;
    enum thetad_status st;
    struct fault fault;
    int code = connect_daemon(cli);

    *out_reply = NULL;
    if (code) return code;
    if (fields && fields->failed) return cli_fail(EX_OSERR, "no memory");
    since_ms = cli_clock_ms();
    st = thetad_call(cli->client, op, fields ? fields->data : NULL, fields ? fields->n : 0, &reply,
                     &n);
    cli->waited_ms = cli_clock_ms() - since_ms;
    if (st != THETAD_OK && st != THETAD_ERROR_REPLY) return exit_of(cli_error_code(cli));
    if (decode(&cli->decoder, slice_of(reply, n), &cli->reply, &fault)) {
        return cli_fail(EX_PROTOCOL, "the reply to %s is %s", op, fault.text);
    }
    *out_reply = &cli->reply;
    return st == THETAD_OK ? EX_OK : exit_of(cli_error_code(cli));
}

void cli_tell_error(const struct cli *cli, const msgpack_object *reply)
{
    const msgpack_object *error = reply ? reply_map(reply, "error") : NULL;
    struct slice item = error ? reply_text(error, "item") : (struct slice){0};
    const char *field = cli->client ? thetad_error_field(cli->client) : "";

    if (!*cli_error_code(cli)) return;  // told already
    if (strcmp(cli_error_code(cli), "timeout") == 0) {
        cli_fail(EX_OK, "timeout: %s; tried %u times, %.1f s in all",
                 thetad_error_message(cli->client), connection.tries,
                 (double)cli->waited_ms / 1000.0);
        return;
    }
    if (cli->json && reply) (void)cli_show_json(reply);
    cli_fail(EX_OK, "%s: %s%s%s%s%.*s", cli_error_code(cli), thetad_error_message(cli->client),
             *field ? "; field " : "", field, item.n ? "; item " : "", (int)item.n,
             (const char *)item.data);
    if (!cli->json && error && reply_array(error, "faults")) {
        cli_show_faults(reply_array(error, "faults"), reply_int(error, "n_faults"));
    }
}

int cli_try_session(struct cli *cli, const char *op, const char *session,
                    const msgpack_object **out_reply)
{
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    int code;

    write_map(&out, 1);
    put_text(&out, "session", session);
    code = cli_try(cli, op, &fields, out_reply);
    buf_done(&fields);
    return code;
}

int cli_try_items(struct cli *cli, const char *bank, int64_t version, int64_t offset,
                  const msgpack_object **out_reply)
{
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    int code;

    write_map(&out, version ? 4 : 3);
    put_text(&out, "bank", bank);
    put_int(&out, "offset", offset);
    put_int(&out, "limit", LIMIT_BATCH_ITEMS);
    if (version) put_int(&out, "version", version);
    code = cli_try(cli, "bank.get", &fields, out_reply);
    buf_done(&fields);
    return code;
}

int cli_call(struct cli *cli, const char *op, const struct buf *fields,
             const msgpack_object **out_reply)
{
    int code = cli_try(cli, op, fields, out_reply);

    if (code) cli_tell_error(cli, *out_reply);
    return code;
}

int cli_print_json(json_t *json, size_t flags)
{
    char *text = json ? json_text(json, flags) : NULL;
    bool failed;

    json_decref(json);
    if (!text) return cli_fail(EX_OSERR, "no memory");
    failed = puts(text) == EOF;
    failed = fflush(stdout) != 0 || failed;
    free(text);
    return failed ? cli_fail(EX_IOERR, "cannot write: %s", strerror(errno)) : EX_OK;
}

int cli_show_json(const msgpack_object *reply)
{
    json_t *json = json_wire_read(reply);

    json_object_del(json, "v");
    json_object_del(json, "id");
    if (json_is_true(json_object_get(json, "ok"))) json_object_del(json, "ok");
    return cli_print_json(json, 0);
}

int cli_read_file(const char *path, struct buf *out)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "r");
    char part[1 << 14];
    bool failed;
    size_t n;

    if (!file) return cli_fail(EX_NOINPUT, "%s: %s", path, strerror(errno));
    while (!out->failed && out->n <= FILE_BYTES && (n = fread(part, 1, sizeof(part), file)) > 0) {
        buf_append(out, part, n);
    }
    failed = ferror(file) != 0;
    if (!standard) fclose(file);
    if (failed) return cli_fail(EX_IOERR, "%s: %s", path, strerror(errno));
    if (out->n > FILE_BYTES) {
        return cli_fail(EX_DATAERR, "%s: is larger than %d MiB", path, FILE_BYTES >> 20);
    }
    return out->failed ? cli_fail(EX_OSERR, "%s: no memory", path) : EX_OK;
}

struct slice reply_text(const msgpack_object *map, const char *key)
{
    const msgpack_object *value = map_find(map, key);
    struct slice text = {0};

    if (value) (void)object_str(value, &text);
    return text;
}

double reply_number(const msgpack_object *map, const char *key)
{
    const msgpack_object *value = map_find(map, key);
    double number = NAN;

    if (value) (void)object_f64(value, -HUGE_VAL, HUGE_VAL, &number);
    return number;
}

size_t reply_numbers(const msgpack_object *map, const char *key, double *out, size_t max)
{
    const msgpack_object *value = map_find(map, key);
    size_t n = value && value->type == MSGPACK_OBJECT_ARRAY ? value->via.array.size : 1;

    if (!value || n > max) return 0;
    for (size_t i = 0; i < n; i++) {
        const msgpack_object *one =
            value->type == MSGPACK_OBJECT_ARRAY ? &value->via.array.ptr[i] : value;

        if (!object_f64(one, -HUGE_VAL, HUGE_VAL, &out[i])) return 0;
    }
    return n;
}

int64_t reply_int(const msgpack_object *map, const char *key)
{
    const msgpack_object *value = map_find(map, key);
    int64_t number = 0;

    if (value) (void)object_int(value, -LIMIT_INT, LIMIT_INT, &number);
    return number;
}

bool reply_is(const msgpack_object *map, const char *key)
{
    const msgpack_object *value = map_find(map, key);

    return value && value->type == MSGPACK_OBJECT_BOOLEAN && value->via.boolean;
}

const msgpack_object *reply_array(const msgpack_object *map, const char *key)
{
    const msgpack_object *value = map_find(map, key);

    return value && value->type == MSGPACK_OBJECT_ARRAY ? value : NULL;
}

const msgpack_object *reply_map(const msgpack_object *map, const char *key)
{
    const msgpack_object *value = map_find(map, key);

    return value && value->type == MSGPACK_OBJECT_MAP ? value : NULL;
}

size_t reply_size(const msgpack_object *array)
{
    return array ? array->via.array.size : 0;
}

bool cli_next_page(const msgpack_object *reply, const char *key, char after[LIMIT_ID + 1])
{
    char before[LIMIT_ID + 1];

    memcpy(before, after, sizeof(before));
    return slice_to_text(reply_text(reply, key), after, LIMIT_ID + 1) && strcmp(before, after) < 0;
}

int cli_n_item(const msgpack_object *reply, int64_t *out)
{
    *out = reply_int(reply, "n_items");
    if (*out >= 0 && *out <= LIMIT_ITEMS) return EX_OK;
    return cli_fail(EX_PROTOCOL, "the reply tells of %lld items", (long long)*out);
}

int64_t cli_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void cli_time_text(int64_t ms, char out[32])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm local;

    if (!localtime_r(&seconds, &local) || strftime(out, 32, "%Y-%m-%d %H:%M", &local) == 0) {
        snprintf(out, 32, "-");
    }
}

/* The item's column only where some fault names one. */
void cli_show_faults(const msgpack_object *faults, int64_t n_fault)
{
    struct text_table table;
    bool items = false;

    for (size_t i = 0; i < reply_size(faults); i++)
        items = items || reply_text(&faults->via.array.ptr[i], "item").n > 0;
    text_table_init(&table, items ? "lll" : "ll");
    if (items) text_table_cell(&table, "item");
    text_table_cell(&table, "field");
    text_table_cell(&table, "fault");
    for (size_t i = 0; i < reply_size(faults); i++) {
        const msgpack_object *fault = &faults->via.array.ptr[i];

        if (items) text_table_slice(&table, reply_text(fault, "item"));
        text_table_slice(&table, reply_text(fault, "field"));
        text_table_slice(&table, reply_text(fault, "message"));
    }
    text_table_print(&table, CLI_WIDTH, stderr);
    text_table_done(&table);
    if (n_fault > (int64_t)reply_size(faults)) {
        fprintf(stderr, "and %lld more\n", (long long)(n_fault - (int64_t)reply_size(faults)));
    }
}
