/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools_test.h"

#include "proto/reader.h"
#include "tools/json_wire.h"

#include <stdio.h>
#include <string.h>

struct trial try_import(const char *csv, const struct import_options *options)
{
    struct trial trial = {0};

    trial.st = import_csv(slice_str(csv), options, &trial.imported, &trial.faults);
    return trial;
}

struct trial try_plain(const char *csv)
{
    return try_import(csv, &(struct import_options){0});
}

void trial_done(struct trial *trial)
{
    imported_done(&trial->imported);
    faults_done(&trial->faults);
}

void expect_imported(const struct trial *trial, const char *format, size_t n)
{
    cr_assert_eq(trial->st, OK, "refused: %s", trial->faults.n ? trial->faults.list[0].text : "");
    cr_expect_eq(trial->faults.total, 0);
    cr_expect_str_eq(trial->imported.format, format);
    cr_assert_eq(trial->imported.n_item, n, "%zu items", trial->imported.n_item);
}

static json_t *item_json(const struct trial *trial, size_t i)
{
    struct decoder decoder;
    msgpack_object root;
    struct fault fault;
    json_t *json;

    cr_assert_eq(decoder_init(&decoder), OK);
    cr_assert_eq(decode(&decoder, imported_item(&trial->imported, i), &root, &fault), OK,
                 "item %zu: %s", i, fault.text);
    json = json_wire_read(&root);
    decoder_done(&decoder);
    return json;
}

void expect_item(const struct trial *trial, size_t i, const char *json)
{
    json_t *got = item_json(trial, i);
    char text[1024];
    json_t *wanted;
    char *shown;

    snprintf(text, sizeof(text), "%s", json);
    for (char *c = text; *c; c++) {
        if (*c == '\'') *c = '"';
    }
    wanted = json_loads(text, 0, NULL);
    cr_assert_not_null(wanted, "the test's own JSON: %s", text);
    shown = json_dumps(got, 0);
    cr_expect(json_equal(got, wanted), "item %zu is %s", i, shown);
    free(shown);
    json_decref(got);
    json_decref(wanted);
}

void expect_faults(const struct trial *trial, const char *const *texts, size_t n)
{
    cr_expect_eq(trial->st, BAD_REQUEST);
    cr_expect_eq(trial->imported.n_item, 0);
    cr_expect_eq(trial->imported.bytes.n, 0);
    for (size_t i = 0; i < n && i < trial->faults.n; i++)
        cr_expect_str_eq(trial->faults.list[i].text, texts[i]);
    cr_expect_eq(trial->faults.total, n, "%zu faults", trial->faults.total);
}

void expect_refused(const char *csv, const struct import_options *options, const char *text)
{
    struct trial trial = try_import(csv, options);

    expect_faults(&trial, &text, 1);
    trial_done(&trial);
}

struct buf shared_file(const char *path)
{
    char name[512];
    char part[4096];
    struct buf out = {0};
    FILE *file;
    size_t n;

    snprintf(name, sizeof(name), "%s/../shared/%s", SOURCE_DIR, path);
    file = fopen(name, "r");
    if (!file) {
        printf("skipped: there is no ../shared/%s\n", path);
        return out;
    }
    while ((n = fread(part, 1, sizeof(part), file)) > 0) buf_append(&out, part, n);
    fclose(file);
    return out;
}
