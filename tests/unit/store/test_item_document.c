/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/item_document.h"
#include "store_test.h"

#include "proto/writer.h"

#include <stdio.h>
#include <string.h>

#define ID_64 "abcdefghijklmnopqrstuvwxyz.0123456789_ABCDEFGHIJKLMNOPQRSTUVWXY:"
/* An item with nothing wrong, open for more. */
#define GOOD "{'id': 'q1', 'model': '2PL', 'a': 1.2, 'b': -0.385"

static bool read_item(struct trial *trial, struct item_spec *spec, struct buf *content)
{
    bool good = item_document_read(&trial->root, 17, spec, content, &trial->faults);

    cr_expect_eq(good, trial->faults.total == 0);
    return good;
}

static void expect_item(const char *text, const char *faults)
{
    struct trial trial;
    struct item_spec spec;
    struct buf content = {0};

    trial_of_json(&trial, text);
    read_item(&trial, &spec, &content);
    expect_faults(&trial.faults, faults, text);
    trial_done(&trial);
    buf_done(&content);
}

struct row {
    const char *text, *faults;
};

static void expect_items(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) expect_item(rows[i].text, rows[i].faults);
}

Test(item_document, takes_good_items)
{
    static const struct row rows[] = {
        {"{'id': 'q1', 'model': '1PL', 'b': 0}", ""},
        {"{'id': 'q1', 'model': '1PL', 'a': 2, 'b': 0}", ""},
        {"{'id': 'q1', 'model': '1PL', 'a': null, 'b': 0}", ""},
        {"{'id': 'q1', 'model': '2PL', 'a': 1, 'b': 0}", ""},
        {"{'id': 'q1', 'model': '3PL', 'a': 1, 'b': 0, 'c': 0.25}", ""},
        {"{'id': 'q1', 'model': '4PL', 'a': 1, 'b': 0, 'c': 0.25, 'd': 0.98}", ""},
        {"{'id': 'q1', 'model': 'GRM', 'a': 1, 'b': [-1, 0, 1.5]}", ""},
        {"{'id': 'q1', 'model': 'GPCM', 'a': 1, 'b': [1.5, -1]}", ""},
        {"{'id': '" ID_64 "', 'model': '1PL', 'b': 0}", ""},
        {GOOD ", 'options': null, 'key': null, 'tags': null, 'set': null, 'enemies': null}", ""},
        {GOOD ", 'options': ['a', 'b'], 'key': 'b', 'tags': {}, 'enemies': []}", ""},
        {GOOD ", 'scored': null}", ""},
        {GOOD ", 'scored': 'now', 'key': 'b'}", ""},
        {GOOD ", 'scored': 'later'}", ""},
    };

    expect_items(rows, COUNT_OF(rows));
}

Test(item_document, reads_the_expected_time)
{
    static const struct row rows[] = {
        {GOOD ", 'seconds': 86400}", ""},
        {GOOD ", 'seconds': null}", ""},
        {GOOD ", 'seconds': 0.001}", ""},
        {GOOD ", 'seconds': 0}", "q1:seconds"},
        {GOOD ", 'seconds': -2.385}", "q1:seconds"},
        {GOOD ", 'seconds': 86401}", "q1:seconds"},
        {GOOD ", 'seconds': 'x'}", "q1:seconds"},
    };
    struct trial trial;
    struct item_spec spec;
    struct buf content = {0};

    expect_items(rows, COUNT_OF(rows));
    trial_of_json(&trial, GOOD ", 'seconds': 42.5}");
    cr_assert(read_item(&trial, &spec, &content));
    expect_bits(spec.seconds, 42.5, "seconds");
    trial_done(&trial);
    buf_done(&content);
}

Test(item_document, names_the_item)
{
    static const struct row rows[] = {
        {"{}", "#17:id #17:model"},
        {"{'model': '1PL', 'b': 0}", "#17:id"},
        {"{'id': null, 'model': '1PL', 'b': 0}", "#17:id"},
        {"{'id': 5, 'model': '1PL', 'b': 0}", "#17:id"},
        {"{'id': '', 'model': '1PL', 'b': 0}", "#17:id"},
        {"{'id': 'two words', 'model': '1PL', 'b': 0}", "#17:id"},
        {"{'id': '" ID_64 "x', 'model': '1PL', 'b': 0}", "#17:id"},
        {"{'id': '" ID_64 "', 'model': '1PL'}", ID_64 ":b"},
        {"{'model': '2PL'}", "#17:id #17:a #17:b"},
        {"[]", "#17:"},
        {"'q1'", "#17:"},
        {"null", "#17:"},
        {"17", "#17:"},
    };

    expect_items(rows, COUNT_OF(rows));
}

Test(item_document, finds_wrong_models_and_parameters)
{
    static const struct row rows[] = {
        {"{'id': 'q1', 'b': 0}", "q1:model"},
        {"{'id': 'q1', 'model': null, 'b': 0}", "q1:model"},
        {"{'id': 'q1', 'model': 2, 'b': 0}", "q1:model"},
        {"{'id': 'q1', 'model': '2pl', 'b': 0}", "q1:model"},
        {"{'id': 'q1', 'model': '" ID_64 "x', 'b': 0}", "q1:model"},
        {"{'id': 'q1', 'model': '2PL', 'b': 0}", "q1:a"},
        {"{'id': 'q1', 'model': '2PL', 'a': null, 'b': 0}", "q1:a"},
        {"{'id': 'q1', 'model': '2PL', 'a': '1', 'b': true}", "q1:a q1:b"},
        {"{'id': 'q1', 'model': '2PL', 'a': 1, 'b': [0]}", "q1:b"},
        {"{'id': 'q1', 'model': '2PL', 'a': 1, 'b': 0, 'c': 0.2}", "q1:c"},
        {"{'id': 'q1', 'model': '3PL', 'a': 1, 'b': 0}", "q1:c"},
        {"{'id': 'q1', 'model': '4PL', 'a': 1, 'b': 0}", "q1:c q1:d"},
        {"{'id': 'q1', 'model': 'GRM', 'a': 1, 'b': 0}", "q1:b"},
        {"{'id': 'q1', 'model': 'GRM', 'a': 1, 'b': []}", "q1:b"},
        {"{'id': 'q1', 'model': 'GRM', 'a': 1, 'b': null}", "q1:b"},
        {"{'id': 'q1', 'model': 'GRM', 'a': 1, 'b': [0, '1', 2, null]}", "q1:b q1:b"},
        {"{'id': 'q1', 'model': 'GPCM', 'a': 1, 'b': [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14]}", ""},
        {"{'id': 'q1', 'model': 'GPCM', 'a': 1, 'b': [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]}",
         "q1:b"},
        {"{'id': 'q1', 'model': 'M2PL', 'a': 1.1, 'd': 0}", "q1:a"},
        {"{'id': 'q1', 'model': 'M2PL', 'a': [], 'd': 0}", "q1:a"},
        {"{'id': 'q1', 'model': 'M2PL', 'd': 0}", "q1:a"},
        {"{'id': 'q1', 'model': 'M2PL', 'a': [1,2,3,4,5,6], 'd': 0}", "q1:a"},
        {"{'id': 'q1', 'model': 'M2PL', 'a': [1,2,3,4,5], 'd': [0]}", "q1:d"},
        {"{'id': 'q1', 'model': 'M2PL', 'a': [1, 2], 'b': 0, 'd': 0}", "q1:b"},
        {"{'id': 'q1', 'model': 'MDGPCM', 'a': [1, null], 'd': 0}", "q1:a q1:d"},
    };

    expect_items(rows, COUNT_OF(rows));
}

Test(item_document, finds_wrong_options)
{
    static const struct row rows[] = {
        {GOOD ", 'key': 5}", "q1:key"},
        {GOOD ", 'options': 'ab'}", "q1:options"},
        {GOOD ", 'options': []}", "q1:options"},
        {GOOD ", 'options': ['a']}", "q1:options"},
        {GOOD ", 'options': ['a', '']}", "q1:options"},
        {GOOD ", 'options': ['a', 5, 'c', null]}", "q1:options q1:options"},
        {GOOD ", 'options': ['a','b','c','d','e','f','g','h','i','j','k','l','m','n','o','p',"
              "'q','r','s','t','u','v','w','x','y','z']}",
         ""},
        {GOOD ", 'options': ['a','b','c','d','e','f','g','h','i','j','k','l','m','n','o','p',"
              "'q','r','s','t','u','v','w','x','y','z','0']}",
         "q1:options"},
    };

    expect_items(rows, COUNT_OF(rows));
}

Test(item_document, knows_when_an_answer_is_scored)
{
    static const struct row rows[] = {
        {GOOD ", 'scored': 'soon'}", "q1:scored"},
        {GOOD ", 'scored': ''}", "q1:scored"},
        {GOOD ", 'scored': true}", "q1:scored"},
    };
    static const struct {
        const char *text;
        bool is_later;
    } words[] = {
        {GOOD "}", false}, {GOOD ", 'scored': 'now'}", false}, {GOOD ", 'scored': 'later'}", true}};

    expect_items(rows, COUNT_OF(rows));
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        struct trial trial;
        struct item_spec spec;
        struct buf content = {0};

        trial_of_json(&trial, words[i].text);
        read_item(&trial, &spec, &content);
        cr_expect_eq(spec.is_later, words[i].is_later, "%s", words[i].text);
        trial_done(&trial);
        buf_done(&content);
    }
}

Test(item_document, finds_wrong_tags_sets_and_enemies)
{
    static const struct row rows[] = {
        {GOOD ", 'tags': []}", "q1:tags"},
        {GOOD ", 'tags': {'strand': 6}}", "q1:tags"},
        {GOOD ", 'tags': {'strand': null, 'grade': '6', 'x': []}}", "q1:tags q1:tags"},
        {GOOD ", 'tags': {'strand': '" ID_64 "'}}", ""},
        {GOOD ", 'tags': {'strand': '" ID_64 "x'}}", "q1:tags"},
        {GOOD ", 'set': 'two words'}", "q1:set"},
        {GOOD ", 'set': 3}", "q1:set"},
        {GOOD ", 'enemies': 'q2'}", "q1:enemies"},
        {GOOD ", 'enemies': ['q2', 3, 'a b', 'q4']}", "q1:enemies q1:enemies"},
    };

    expect_items(rows, COUNT_OF(rows));
}

/* Items with `n` of something, made by a format that takes the number of each. */
static void expect_many(const char *key, const char *ends, const char *each, size_t n,
                        const char *faults)
{
    struct buf text = {0};
    char part[80];

    buf_append(&text, GOOD, strlen(GOOD));
    snprintf(part, sizeof(part), ", '%s': %c", key, ends[0]);
    buf_append(&text, part, strlen(part));
    for (size_t i = 0; i < n; i++) {
        if (i > 0) buf_append(&text, ",", 1);
        snprintf(part, sizeof(part), each, i);
        buf_append(&text, part, strlen(part));
    }
    snprintf(part, sizeof(part), "%c}", ends[1]);
    buf_append(&text, part, strlen(part) + 1);
    expect_item((const char *)text.data, faults);
    buf_done(&text);
}

Test(item_document, counts_tags_and_enemies)
{
    expect_many("tags", "{}", "'t%zu': 'v'", LIMIT_TAGS, "");
    expect_many("tags", "{}", "'t%zu': 'v'", LIMIT_TAGS + 1, "q1:tags");
    expect_many("enemies", "[]", "'e%zu'", LIMIT_ENEMIES, "");
    expect_many("enemies", "[]", "'e%zu'", LIMIT_ENEMIES + 1, "q1:enemies");
}

Test(item_document, measures_keys_and_options)
{
    char text[1024], raw[LIMIT_RAW + 2];

    for (int over = 0; over < 2; over++) {
        memset(raw, 'x', sizeof(raw));
        raw[LIMIT_RAW + over] = '\0';
        snprintf(text, sizeof(text), GOOD ", 'key': '%s'}", raw);
        expect_item(text, over ? "q1:key" : "");
        snprintf(text, sizeof(text), GOOD ", 'options': ['a', '%s']}", raw);
        expect_item(text, over ? "q1:options" : "");
    }
}

Test(item_document, refuses_every_misspelt_key)
{
    json_t *good = json_of("{'id': 'q1', 'model': '4PL', 'a': 1, 'b': 0, 'c': 0.1, 'd': 0.9,"
                           " 'options': ['a', 'b'], 'key': 'a', 'tags': {'s': 't'}, 'set': 'p1',"
                           " 'enemies': ['q2'], 'content': 'text'}");
    const char *key;
    json_t *value;
    size_t n = 0;

    json_object_foreach(good, key, value)
    {
        json_t *bad = json_copy(good);
        struct trial trial;
        struct item_spec spec;
        struct buf content = {0};
        char misspelt[16];

        snprintf(misspelt, sizeof(misspelt), "%ss", key);
        json_object_set(bad, misspelt, value);
        trial_of_value(&trial, bad);
        cr_expect_not(read_item(&trial, &spec, &content));
        snprintf(misspelt, sizeof(misspelt), "q1:%ss", key);
        expect_faults(&trial.faults, misspelt, key);
        trial_done(&trial);
        buf_done(&content);
        json_decref(bad);
        n++;
    }
    cr_expect_eq(n, 12);
    json_decref(good);
}

static void expect_slice(struct slice got, const char *want)
{
    cr_expect(slice_equal_str(got, want), "%.*s, not %s", (int)got.n, (const char *)got.data, want);
}

Test(item_document, fills_the_item)
{
    struct trial trial;
    struct item_spec spec;
    struct buf content = {0};

    trial_of_json(&trial, "{'id': 'q-3.1:a', 'model': '3PL', 'a': 2, 'b': -2.385, 'c': 0.2,"
                          " 'options': ['7', '\u00bd', 'x'], 'key': '\u00bd',"
                          " 'tags': {'strand': 'fractions', 'grade': '6'}, 'set': 'p1',"
                          " 'enemies': ['q1', 'q2'], 'content': {'text': '3 / 6 = ?', 'n': [1]}}");
    cr_assert(read_item(&trial, &spec, &content));
    expect_slice(spec.id, "q-3.1:a");
    cr_expect_eq(spec.model, &model_3pl);
    expect_bits(spec.value[SLOT_A], 2.0, "a");
    expect_bits(spec.value[SLOT_B], -2.385, "b");
    expect_bits(spec.value[SLOT_C], 0.2, "c");
    cr_expect_eq(spec.n_option, 3);
    expect_slice(spec.options[0], "7");
    expect_slice(spec.options[1], "\u00bd");
    expect_slice(spec.key, "\u00bd");
    cr_expect_eq(spec.n_tag, 2);
    expect_slice(spec.tags[0].name, "strand");
    expect_slice(spec.tags[0].value, "fractions");
    expect_slice(spec.tags[1].value, "6");
    expect_slice(spec.set, "p1");
    cr_expect_eq(spec.n_enemy, 2);
    expect_slice(spec.enemies[1], "q2");
    expect_wire(spec.content, "{'text': '3 / 6 = ?', 'n': [1]}");
    trial_done(&trial);
    buf_done(&content);
}

Test(item_document, fills_steps_and_defaults)
{
    struct trial trial;
    struct item_spec spec;
    struct buf content = {0};

    trial_of_json(&trial, "{'id': 'q1', 'model': 'GPCM', 'a': 0.75, 'b': [0.5, -1, 2]}");
    cr_assert(read_item(&trial, &spec, &content));
    cr_expect_eq(spec.model, &model_gpcm);
    cr_expect_eq(spec.n_step, 3);
    expect_bits(spec.value[SLOT_A], 0.75, "a");
    expect_bits(spec.steps[1], -1.0, "step 1");
    cr_expect_eq(spec.key.n + spec.set.n + spec.content.n, 0);
    cr_expect_eq(spec.n_option + spec.n_tag + spec.n_enemy, 0);
    trial_done(&trial);

    trial_of_json(&trial, "{'id': 'q1', 'model': '1PL', 'b': 1}");
    cr_assert(read_item(&trial, &spec, &content));
    expect_bits(spec.value[SLOT_A], 1.0, "a of the 1PL");
    trial_done(&trial);
    buf_done(&content);
}

Test(item_document, fills_the_slopes_of_several_dimensions)
{
    struct trial trial;
    struct item_spec spec;
    struct buf content = {0};

    trial_of_json(&trial, "{'id': 'q1', 'model': 'M3PL', 'a': [0.75, 0, -1.5], 'd': 0.385,"
                          " 'c': 0.2}");
    cr_assert(read_item(&trial, &spec, &content));
    cr_expect_eq(spec.model, &model_m3pl);
    cr_expect_eq(spec.n_dim, 3);
    expect_bits(spec.direction[0], 0.75, "a1");
    expect_bits(spec.direction[2], -1.5, "a3");
    expect_bits(spec.value[SLOT_B], 0.385, "d");
    trial_done(&trial);

    trial_of_json(&trial, "{'id': 'q1', 'model': 'MDGRM', 'a': [1, 2], 'd': [1.5, 0, -1]}");
    cr_assert(read_item(&trial, &spec, &content));
    cr_expect(spec.n_dim == 2 && spec.n_step == 3);
    expect_bits(spec.steps[2], -1.0, "d3");
    trial_done(&trial);
    buf_done(&content);
}

/* An item with `content` in it as it is encoded. */
static void expect_content(struct slice encoded, const char *faults, const char *where)
{
    struct buf bytes = {0}, content = {0};
    struct writer out = writer_of(&bytes);
    struct trial trial;
    struct item_spec spec;

    write_map(&out, 4);
    put_text(&out, "id", "q1");
    put_text(&out, "model", "1PL");
    put_int(&out, "b", 0);
    write_text(&out, "content");
    write_raw(&out, encoded);
    trial_of_bytes(&trial, buf_slice(&bytes));
    read_item(&trial, &spec, &content);
    expect_faults(&trial.faults, faults, where);
    trial_done(&trial);
    buf_done(&bytes);
    buf_done(&content);
}

Test(item_document, refuses_content_that_cannot_go_out)
{
    static const struct {
        const char *where, *faults;
        struct slice bytes;
    } rows[] = {
#define CONTENT(where, faults, text)                                                               \
    {                                                                                              \
        where, faults,                                                                             \
        {                                                                                          \
            (const uint8_t *)(text), sizeof(text) - 1                                              \
        }                                                                                          \
    }
        CONTENT("NaN", "q1:content", "\xcb\x7f\xf8\0\0\0\0\0\0"),
        CONTENT("infinity", "q1:content", "\xcb\xff\xf0\0\0\0\0\0\0"),
        CONTENT("float 32 NaN", "q1:content", "\xca\x7f\xc0\0\0"),
        CONTENT("a number", "", "\xcb\x40\x03\x14\x7a\xe1\x47\xae\x14"),
        CONTENT("NaN in an array", "q1:content", "\x93\x01\x02\xca\x7f\xc0\0\0"),
        CONTENT("NaN in a map in an array", "q1:content", "\x91\x82\xa1y\xc0\xa1x\xca\x7f\xc0\0\0"),
        CONTENT("2^53 - 1", "", "\xcf\x00\x1f\xff\xff\xff\xff\xff\xff"),
        CONTENT("2^53", "q1:content", "\xcf\x00\x20\0\0\0\0\0\0"),
        CONTENT("2^64 - 1", "q1:content", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
        CONTENT("1 - 2^53", "", "\xd3\xff\xe0\0\0\0\0\0\x01"),
        CONTENT("-2^53", "q1:content", "\xd3\xff\xe0\0\0\0\0\0\0"),
        CONTENT("an empty map", "", "\x80"),
        CONTENT("true", "", "\xc3"),
#undef CONTENT
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect_content(rows[i].bytes, rows[i].faults, rows[i].where);
}

Test(item_document, measures_content_as_it_is_stored)
{
    struct buf encoded = {0};
    char text[LIMIT_CONTENT];

    memset(text, 'x', sizeof(text));
    for (size_t n = LIMIT_CONTENT - 3; n <= LIMIT_CONTENT - 2; n++) {
        struct writer out = writer_of(&encoded);

        buf_clear(&encoded);
        write_str(&out, slice_of(text, n));
        expect_content(buf_slice(&encoded), encoded.n > LIMIT_CONTENT ? "q1:content" : "", "text");
    }
    cr_expect_eq(encoded.n, LIMIT_CONTENT + 1);
    buf_done(&encoded);
}
