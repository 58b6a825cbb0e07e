/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of our own: the one in czmq takes what it does not understand, which is no way to read
 * who may do what, and asserts where memory is short. This takes the two sections of a certificate
 * and nothing else. */
#include "proto/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* rfc.zeromq.org/spec/32. */
static const char z85[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          ".-:+=^!/*?&<>()[]{}@%$#";

enum section { NO_SECTION, METADATA, CURVE };

struct parse {
    struct certificate *out;
    struct fault *fault;
    enum section section;
    int line;
};

bool certificate_is_key(const char *text)
{
    return strlen(text) == CERTIFICATE_KEY && strspn(text, z85) == CERTIFICATE_KEY;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct slice trim(struct slice s)
{
    while (s.n > 0 && is_space(s.data[0])) s = slice_of(s.data + 1, s.n - 1);
    while (s.n > 0 && is_space(s.data[s.n - 1])) s.n--;
    return s;
}

static enum status fail(struct parse *parse, struct slice field, const char *why)
{
    char name[LIMIT_ID + 1];

    if (!slice_to_text(field, name, sizeof(name)) || !slice_is_id(field)) name[0] = '\0';
    fault_set(parse->fault, NULL, name, "line %d: %s", parse->line, why);
    return BAD_REQUEST;
}

const char *certificate_value(const struct certificate *certificate, const char *name)
{
    for (size_t i = 0; i < certificate->n_pair; i++) {
        if (strcmp(certificate->pair[i].name, name) == 0) return certificate->pair[i].value;
    }
    return NULL;
}

static bool is_plain(const char *value)
{
    for (; *value; value++) {
        if ((unsigned char)*value < ' ' || *value == 0x7f || *value == '"') return false;
    }
    return true;
}

bool certificate_add(struct certificate *certificate, const char *name, const char *value)
{
    struct certificate_pair *pair = &certificate->pair[certificate->n_pair];

    if (certificate->n_pair == CERTIFICATE_PAIRS || !is_plain(value)) return false;
    if (!slice_to_text(slice_str(name), pair->name, sizeof(pair->name)) ||
        !slice_to_text(slice_str(value), pair->value, sizeof(pair->value))) {
        return false;
    }
    certificate->n_pair++;
    return true;
}

/* A value in quotes is what stands between them, another ends at white space and #. */
static bool unquote(struct slice text, struct slice *out)
{
    const uint8_t *end;

    if (text.n > 0 && (text.data[0] == '"' || text.data[0] == '\'')) {
        struct slice rest;

        end = memchr(text.data + 1, text.data[0], text.n - 1);
        if (!end) return false;
        rest = trim(slice_of(end + 1, (size_t)(text.data + text.n - end - 1)));
        *out = slice_of(text.data + 1, (size_t)(end - text.data - 1));
        return rest.n == 0 || rest.data[0] == '#';
    }
    for (size_t i = 1; i < text.n; i++) {
        if (text.data[i] == '#' && is_space(text.data[i - 1])) text.n = i;
    }
    *out = trim(text);
    return true;
}

static enum status set_key(struct parse *parse, struct slice name, struct slice value, char *out)
{
    if (out[0]) return fail(parse, name, "stands twice");
    if (!slice_to_text(value, out, CERTIFICATE_KEY + 1) || !certificate_is_key(out)) {
        return fail(parse, name, "is no key: 40 characters of Z85");
    }
    return OK;
}

static enum status set_pair(struct parse *parse, struct slice name, struct slice value)
{
    char key[LIMIT_ID + 1], text[CERTIFICATE_VALUE + 1];

    if (!slice_is_id(name) || !slice_to_text(name, key, sizeof(key))) {
        return fail(parse, name, "is not name = value");
    }
    if (certificate_value(parse->out, key)) return fail(parse, name, "stands twice");
    if (!slice_is_utf8(value) || !slice_to_text(value, text, sizeof(text)) ||
        !certificate_add(parse->out, key, text)) {
        return fail(parse, name, "is too long, one too many, or no plain text");
    }
    return OK;
}

static enum status read_pair(struct parse *parse, struct slice line)
{
    const uint8_t *equals = memchr(line.data, '=', line.n);
    struct slice name, value;

    if (!equals) return fail(parse, line, "is not name = value");
    name = trim(slice_of(line.data, (size_t)(equals - line.data)));
    value = trim(slice_of(equals + 1, (size_t)(line.data + line.n - equals - 1)));
    if (!unquote(value, &value)) return fail(parse, name, "has no closing quote");
    if (parse->section == METADATA) return set_pair(parse, name, value);
    if (parse->section == CURVE && slice_equal_str(name, "public-key")) {
        return set_key(parse, name, value, parse->out->public_key);
    }
    if (parse->section == CURVE && slice_equal_str(name, "secret-key")) {
        return set_key(parse, name, value, parse->out->secret_key);
    }
    return fail(parse, name, "is not known here");
}

static enum status read_line(struct parse *parse, struct slice line)
{
    struct slice text = trim(line);

    if (text.n == 0 || text.data[0] == '#') return OK;
    if (is_space(line.data[0])) return read_pair(parse, text);
    if (slice_equal_str(text, "metadata"))
        parse->section = METADATA;
    else if (slice_equal_str(text, "curve"))
        parse->section = CURVE;
    else
        return fail(parse, text, "is no section of a certificate");
    return OK;
}

enum status certificate_read(struct slice text, struct certificate *out, struct fault *fault)
{
    struct certificate read = {0};
    struct parse parse = {.out = &read, .fault = fault};

    while (text.n > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.n);
        size_t n = end ? (size_t)(end - text.data) : text.n;
        enum status st;

        parse.line++;
        st = read_line(&parse, slice_of(text.data, n));
        if (st) return st;
        text = end ? slice_of(end + 1, text.n - n - 1) : slice_of(NULL, 0);
    }
    if (!read.public_key[0]) {
        fault_set(fault, NULL, "public-key", "there is no public-key in a section curve");
        return BAD_REQUEST;
    }
    *out = read;
    return OK;
}

static enum status refuse_file(struct fault *fault, int error)
{
    fault_set(fault, NULL, NULL, "cannot be read: %s", strerror(error));
    return NOT_FOUND;
}

/* A regular file that is not too large; a pipe would make the reader wait. */
static enum status read_open(int fd, bool guarded, struct certificate *out, struct fault *fault)
{
    char text[CERTIFICATE_BYTES];
    struct stat about;
    ssize_t n;
    enum status st;

    if (fstat(fd, &about)) return refuse_file(fault, errno);
    if (!S_ISREG(about.st_mode)) return refuse_file(fault, EINVAL);
    if (about.st_size > (off_t)sizeof(text)) return refuse_file(fault, EFBIG);
    if (!guarded && (about.st_mode & S_IWOTH)) {
        fault_set(fault, NULL, NULL, "everybody may write to it: say chmod o-w");
        return FORBIDDEN;
    }
    n = read(fd, text, sizeof(text));
    if (n < 0) return refuse_file(fault, errno);
    st = certificate_read(slice_of(text, (size_t)n), out, fault);
    explicit_bzero(text, sizeof(text));
    if (st == OK && !guarded && out->secret_key[0] && (about.st_mode & (S_IRWXG | S_IRWXO))) {
        explicit_bzero(out, sizeof(*out));
        fault_set(fault, NULL, NULL,
                  "holds a secret key and its mode is %04o: others may use it; say chmod 0600",
                  (unsigned)about.st_mode & 07777u);
        return FORBIDDEN;
    }
    return st;
}

static enum status load(const char *path, bool guarded, struct certificate *out,
                        struct fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum status st;

    if (fd < 0) return refuse_file(fault, errno);
    st = read_open(fd, guarded, out, fault);
    close(fd);
    return st;
}

enum status certificate_load(const char *path, struct certificate *out, struct fault *fault)
{
    return load(path, false, out, fault);
}

enum status certificate_load_guarded(const char *path, struct certificate *out, struct fault *fault)
{
    return load(path, true, out, fault);
}

static void add(struct buf *out, const char *text)
{
    buf_append(out, text, strlen(text));
}

static void add_pair(struct buf *out, const char *name, const char *value)
{
    char line[LIMIT_ID + CERTIFICATE_VALUE + 16];

    snprintf(line, sizeof(line), "    %s = \"%s\"\n", name, value);
    add(out, line);
}

void certificate_write(const struct certificate *certificate, bool secret, struct buf *out)
{
    add(out, secret ? "# ZeroMQ CURVE secret certificate: keep it from everybody else.\n\n"
                    : "# ZeroMQ CURVE public certificate.\n\n");
    add(out, "metadata\n");
    for (size_t i = 0; i < certificate->n_pair; i++) {
        add_pair(out, certificate->pair[i].name, certificate->pair[i].value);
    }
    add(out, "curve\n");
    add_pair(out, "public-key", certificate->public_key);
    if (secret) add_pair(out, "secret-key", certificate->secret_key);
}
