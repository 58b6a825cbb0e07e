/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/fuzz.h"
#include "store/item_document.h"
#include "tools/json_wire.h"

#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OPEN_DIRS = 8 };

void fuzz_fail(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    abort();
}

static size_t n_taken;

void fuzz_taken(void)
{
    n_taken++;
}

size_t fuzz_n_taken(void)
{
    return n_taken;
}

uint8_t fuzz_byte(struct slice *rest)
{
    uint8_t byte;

    if (rest->n == 0) return 0;
    byte = rest->data[0];
    *rest = slice_of(rest->data + 1, rest->n - 1);
    return byte;
}

bool fuzz_message(struct slice *rest, struct slice *out)
{
    size_t n;

    if (rest->n < 2) return false;
    n = (size_t)rest->data[0] << 8 | rest->data[1];
    if (n > rest->n - 2) n = rest->n - 2;
    *out = slice_of(rest->data + 2, n);
    *rest = slice_of(rest->data + 2 + n, rest->n - 2 - n);
    return true;
}

void fuzz_wire(const char *json, struct buf *out)
{
    char *copy = strdup(json);
    struct writer writer = writer_of(out);
    json_t *value;

    MUST(copy);
    for (char *c = copy; *c; c++) {
        if (*c == '\'') *c = '"';
    }
    value = json_loads(copy, JSON_DECODE_ANY, NULL);
    MUST(value);
    MUST(json_wire_write(&writer, value, LIMIT_DEPTH));
    MUST(!out->failed);
    json_decref(value);
    free(copy);
}

static const char *const items[] = {
    "{'id': 'q1', 'model': '2PL', 'a': 1.1, 'b': -0.7, 'options': ['x', 'y'], 'key': 'x',"
    " 'tags': {'strand': 'a'}, 'content': {'text': 'one'}}",
    "{'id': 'q2', 'model': '3PL', 'a': 0.9, 'b': 0.385, 'c': 0.2, 'key': 'SECRET',"
    " 'tags': {'strand': 'b'}}",
    "{'id': 'q3', 'model': 'GRM', 'a': 1.4, 'b': [-1, 0.2, 1.5], 'tags': {'strand': 'a'}}",
    "{'id': 'q4', 'model': 'GPCM', 'a': 0.8, 'b': [0.4, -0.3], 'tags': {'strand': 'b'}}",
    "{'id': 'q5', 'model': 'NRM', 'a': [0.5, 1.1], 'c': [0.2, -0.6], 'tags': {'strand': 'a'}}",
    "{'id': 'q6', 'model': '1PL', 'b': 1.2, 'enemies': ['q1'], 'rapid_ms': 900,"
    " 'tags': {'strand': 'b'}}",
    "{'id': 'q7', 'model': '4PL', 'a': 1.7, 'b': 0.1, 'c': 0.1, 'd': 0.97, 'exposure': 0.5,"
    " 'tags': {'strand': 'a'}}",
    "{'id': 'q8', 'model': 'RSM', 'b': 0.3, 'steps': [-0.5, 0.5], 'tags': {'strand': 'b'}}",
    NULL,
};

const char *fuzz_item(size_t i)
{
    return items[i];
}

static void add_item(struct bank *bank, const char *json, struct decoder *decoder)
{
    struct buf bytes = {0}, content = {0};
    struct item_spec spec;
    struct faults faults = {0};
    struct fault fault;
    msgpack_object root;

    fuzz_wire(json, &bytes);
    MUST(decode(decoder, buf_slice(&bytes), &root, &fault) == OK);
    MUST(item_document_read(&root, 1, &spec, &content, &faults));
    bank_add(bank, &spec, &faults);
    MUST(faults.total == 0);
    buf_done(&bytes);
    buf_done(&content);
    faults_done(&faults);
}

const struct bank *fuzz_bank(void)
{
    static struct bank *bank;
    struct decoder decoder;
    struct faults faults = {0};

    if (bank) return bank;
    MUST(decoder_init(&decoder) == OK);
    bank = bank_new(COUNT_OF(items) - 1, 1.0);
    MUST(bank);
    for (size_t i = 0; items[i]; i++) add_item(bank, items[i], &decoder);
    MUST(bank_seal(bank, &faults) == OK);
    faults_done(&faults);
    decoder_done(&decoder);
    return bank;
}

static char folder[64];

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
    if (folder[0]) return folder;
    snprintf(folder, sizeof(folder), "%s/theta-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    MUST(mkdtemp(folder));
    atexit(remove_folder);
    return folder;
}

static const char *dull_name(void)
{
    return "dull";
}

static void dull_bytes(void *out, size_t n)
{
    memset(out, 0x2a, n);
}

static uint32_t dull_number(void)
{
    return 42;
}

static struct randombytes_implementation dull = {
    .implementation_name = dull_name, .random = dull_number, .buf = dull_bytes};

void fuzz_dull_random(void)
{
    randombytes_set_implementation(&dull);
}
