/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/peers/scene.h"
#include "base/rng.h"
#include "proto/reader.h"
#include "store/item_document.h"
#include "store/test_document.h"
#include "tools/json_wire.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { SEED = 29, DEPTH = 8 };

static void must(bool good, const char *what)
{
    if (good) return;
    fprintf(stderr, "bench: %s failed\n", what);
    exit(EX_SOFTWARE);
}

static double uniform(uint64_t stream, uint64_t i, double lo, double hi)
{
    return lo + (hi - lo) * rng_uniform(SEED + stream, i);
}

static json_t *make_item(size_t i)
{
    bool is_3pl = i % 2 == 1;
    char id[24];
    json_t *item;

    snprintf(id, sizeof(id), "i%zu", i);
    item = json_pack("{s:s, s:s, s:f, s:f}", "id", id, "model", is_3pl ? "3PL" : "2PL", "a",
                     uniform(0, i, 0.5, 2.0), "b", uniform(1, i, -3.0, 3.0));
    if (is_3pl) json_object_set_new(item, "c", json_real(uniform(2, i, 0.05, 0.25)));
    return item;
}

static json_t *make_answers(json_t *items, size_t student, size_t n_student)
{
    double theta = n_student > 1 ? -2.5 + 5.0 * (double)student / (double)(n_student - 1) : 0.385;
    size_t n = json_array_size(items);
    char *text = malloc(n + 1);
    json_t *answers;

    must(text != NULL, "memory");
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_array_get(items, i);
        double a = json_number_value(json_object_get(item, "a"));
        double b = json_number_value(json_object_get(item, "b"));
        double c = json_number_value(json_object_get(item, "c"));
        double p = c + (1.0 - c) / (1.0 + exp(-a * (theta - b)));

        text[i] = uniform(3 + student, i, 0.0, 1.0) < p ? '1' : '0';
    }
    text[n] = '\0';
    answers = json_string(text);
    free(text);
    return answers;
}

json_t *scene_new(size_t n_item, size_t n_student)
{
    json_t *items = json_array(), *students = json_array(), *scene;

    for (size_t i = 0; i < n_item; i++) json_array_append_new(items, make_item(i));
    for (size_t s = 0; s < n_student; s++) {
        json_array_append_new(students, make_answers(items, s, n_student));
    }
    scene = json_pack("{s:o, s:o, s:i, s:f, s:f}", "items", items, "students", students, "length",
                      SCENE_LENGTH, "min", -6.0, "max", 6.0);
    must(scene != NULL, "scene");
    return scene;
}

json_t *scene_document(void)
{
    json_t *document = json_pack(
        "{s:s, s:s, s:b, s:{s:s, s:{s:s, s:i, s:i}, s:{s:f, s:f, s:i, s:s}}, s:{s:s}, "
        "s:{s:[{s:s, s:i}]}}",
        "test", "peers", "bank", "peers", "reveal", 1, "estimate", "method", "EAP", "prior", "dist",
        "normal", "mean", 0, "sd", 1, "grid", "min", -6.0, "max", 6.0, "nodes", 121, "rule", "sum",
        "select", "criterion", "MFI", "stop", "any", "rule", "length", "at", SCENE_LENGTH);

    must(document != NULL, "document");
    return document;
}

/* The value as it goes over the wire, decoded; `bytes` and `decoder` hold it. */
static void decode_json(json_t *value, struct decoder *decoder, struct buf *bytes,
                        msgpack_object *out)
{
    struct writer writer = writer_of(bytes);
    struct fault fault = {0};

    must(json_wire_write(&writer, value, DEPTH) && !bytes->failed, "encoding");
    must(decode(decoder, buf_slice(bytes), out, &fault) == OK, fault.text);
}

static void add_item(struct bank *bank, json_t *item, size_t number, struct decoder *decoder)
{
    struct buf bytes = {0}, content = {0};
    struct faults faults = {0};
    struct item_spec spec;
    msgpack_object object;

    decode_json(item, decoder, &bytes, &object);
    must(item_document_read(&object, number, &spec, &content, &faults), "item");
    bank_add(bank, &spec, &faults);
    buf_done(&bytes);
    buf_done(&content);
}

struct bank *scene_bank(json_t *scene)
{
    json_t *items = json_object_get(scene, "items");
    size_t n = json_array_size(items);
    struct bank *bank = bank_new(n, 1.0);
    struct faults faults = {0};
    struct decoder decoder;

    must(bank != NULL && decoder_init(&decoder) == OK, "memory");
    for (size_t i = 0; i < n; i++) add_item(bank, json_array_get(items, i), i + 1, &decoder);
    must(bank_seal(bank, &faults) == OK, "bank_seal");
    decoder_done(&decoder);
    return bank;
}

struct plan *scene_plan(const struct bank *bank)
{
    json_t *document = scene_document();
    struct buf bytes = {0};
    struct faults faults = {0};
    struct decoder decoder;
    msgpack_object object;
    struct test test;
    struct plan *plan;

    must(decoder_init(&decoder) == OK, "memory");
    decode_json(document, &decoder, &bytes, &object);
    must(test_document_read(&object, &test, &faults), "test document");
    must(plan_new(&test, bank, &plan, &faults) == OK, "plan_new");
    decoder_done(&decoder);
    buf_done(&bytes);
    json_decref(document);
    return plan;
}

unsigned scene_score(json_t *scene, size_t student, size_t item)
{
    json_t *answers = json_array_get(json_object_get(scene, "students"), student);

    return json_string_value(answers)[item] == '1';
}
