/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/test_document.h"
#include "store_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_64 "abcdefghijklmnopqrstuvwxyz.0123456789_ABCDEFGHIJKLMNOPQRSTUVWXY:"

/* The document of PROTOCOL.md, section 5, with something in `final` and `start.items`. */
static const char example[] =
    "{ 'test': 'algebra-6', 'bank': 'algebra', 'reveal': false,"
    "  'start':    { 'theta': 0.0, 'items': ['q2', 'q1'] },"
    "  'estimate': { 'method': 'EAP',"
    "                'prior': {'dist': 'normal', 'mean': 0, 'sd': 1},"
    "                'grid':  {'min': -6, 'max': 6, 'nodes': 61, 'rule': 'trapezoid'},"
    "                'bounds': {'min': -4, 'max': 4} },"
    "  'final':    { 'method': 'WLE', 'prior': {'sd': 1.5}, 'grid': {'nodes': 81},"
    "                'bounds': {'max': 3} },"
    "  'select':   { 'criterion': 'MFI', 'randomesque': 1 },"
    "  'blueprint': { 'proportions': { 'tag': 'strand',"
    "                     'targets': [ {'value': 'fractions', 'proportion': 0.4},"
    "                                  {'value': 'equations', 'proportion': 0.6} ] } },"
    "  'omit':     'wrong',"
    "  'stop':     { 'min_items': 0, 'any': [ {'rule': 'length', 'at': 30},"
    "                                         {'all': [ {'rule': 'se', 'at': 0.3} ]} ] },"
    "  'scale':    { 'slope': 10, 'intercept': 200, 'min': 100, 'max': 350 },"
    "  'cuts':     [ {'name': 'basic', 'theta': -0.8}, {'name': 'proficient', 'theta': 0.2} ] }";

static bool read_test(const char *text, struct test *test, const char *faults)
{
    struct trial trial;
    bool good;

    trial_of_json(&trial, text);
    good = test_document_read(&trial.root, test, &trial.faults);
    cr_expect_eq(good, trial.faults.total == 0);
    expect_faults(&trial.faults, faults, text);
    trial_done(&trial);
    return good;
}

static void expect_spec(const struct estimate_spec *got, const struct estimate_spec *want)
{
    cr_expect_eq(got->estimator, want->estimator);
    cr_expect_eq(got->prior.kind, want->prior.kind);
    expect_bits(got->prior.mean, want->prior.mean, "mean");
    expect_bits(got->prior.sd, want->prior.sd, "sd");
    cr_expect(grid_equal(&got->grid, &want->grid));
    expect_bits(got->lower, want->lower, "lower");
    expect_bits(got->upper, want->upper, "upper");
}

static void expect_lists(const struct test *got, const struct test *want)
{
    cr_expect_eq(got->n_start, want->n_start);
    for (size_t i = 0; i < want->n_start; i++)
        cr_expect_str_eq(got->start_items[i], want->start_items[i]);
    cr_expect_str_eq(got->content_tag, want->content_tag);
    cr_expect_eq(got->n_target, want->n_target);
    for (size_t i = 0; i < want->n_target; i++) {
        cr_expect_str_eq(got->targets[i].value, want->targets[i].value);
        expect_bits(got->targets[i].proportion, want->targets[i].proportion, "target %zu", i);
    }
    cr_expect_eq(got->n_cut, want->n_cut);
    for (size_t i = 0; i < want->n_cut; i++) {
        cr_expect_str_eq(got->cuts[i].name, want->cuts[i].name);
        expect_bits(got->cuts[i].theta, want->cuts[i].theta, "cut %zu", i);
    }
    cr_expect_eq(got->stop.n_node, want->stop.n_node);
    for (size_t i = 0; i < want->stop.n_node; i++) {
        const struct stop_node *a = &got->stop.node[i], *b = &want->stop.node[i];

        cr_expect(a->join == b->join && a->rule == b->rule && a->n_node == b->n_node, "node %zu",
                  i);
        expect_bits(a->arg[0], b->arg[0], "node %zu", i);
    }
}

static void expect_test(const struct test *got, const struct test *want)
{
    cr_expect_str_eq(got->name, want->name);
    cr_expect_str_eq(got->bank, want->bank);
    cr_expect_eq(got->reveal, want->reveal);
    expect_bits(got->start_theta, want->start_theta, "start");
    expect_spec(&got->interim, &want->interim);
    expect_spec(&got->final, &want->final);
    cr_expect_eq(got->pick.criterion, want->pick.criterion);
    cr_expect_eq(got->pick.n_best, want->pick.n_best);
    cr_expect_eq(got->omit_ignored, want->omit_ignored);
    cr_expect_eq(got->n_revise, want->n_revise);
    cr_expect_eq(got->min_items, want->min_items);
    cr_expect_eq(got->has_scale, want->has_scale);
    expect_bits(got->scale_slope, want->scale_slope, "slope");
    expect_bits(got->scale_intercept, want->scale_intercept, "intercept");
    expect_bits(got->scale_min, want->scale_min, "scale min");
    expect_bits(got->scale_max, want->scale_max, "scale max");
    expect_lists(got, want);
}

/* What PROTOCOL.md says where a document says nothing. */
static struct test defaults(void)
{
    struct estimate_spec spec = {.estimator = &estimator_eap,
                                 .prior = {.kind = &prior_normal, .sd = 1},
                                 .grid = {.min = -6, .max = 6, .n_node = 61},
                                 .lower = -4,
                                 .upper = 4};
    struct test test = {.name = "t", .bank = "b", .interim = spec, .final = spec};

    test.pick.n_best = 1;
    test.stop.n_node = 2;
    test.stop.node[0] = (struct stop_node){.join = STOP_ANY, .n_node = 2};
    test.stop.node[1] =
        (struct stop_node){.join = STOP_RULE, .rule = &stop_length, .arg = {30}, .n_node = 1};
    return test;
}

/* `final` has the table of `estimate` where it gives none; a copy of the test has its own. */
Test(test_document, keeps_the_tables_of_priors_apart)
{
    static const char both[] =
        "{'test': 't', 'bank': 'b',"
        " 'estimate': {'prior': {'dist': 'table', 'theta': [-1, 1], 'weight': [1, 2]}},"
        " 'final': {'prior': {'theta': [-2, 0, 2], 'weight': [1, 3, 1]}}}";
    static const char one[] =
        "{'test': 't', 'bank': 'b',"
        " 'estimate': {'prior': {'dist': 'table', 'theta': [-1, 1], 'weight': [1, 2]}},"
        " 'final': {'grid': {'nodes': 33}, 'prior': {'mean': 1}}}";
    struct test test, copy;

    cr_assert(read_test(both, &test, ""));
    cr_expect(test.interim.prior.points == &test.interim_points && test.interim_points.n == 2);
    cr_expect(test.final.prior.points == &test.final_points && test.final_points.n == 3);
    expect_bits(test.final.prior.min, -2.0, "final");
    test_copy(&copy, &test);
    cr_expect(copy.interim.prior.points == &copy.interim_points && copy.interim_points.n == 2);
    cr_expect(copy.final.prior.points == &copy.final_points && copy.final_points.n == 3);
    cr_assert(read_test(one, &test, ""));
    cr_expect(test.final.prior.points == &test.interim_points);
    expect_bits(test.final.prior.max, 1.0, "final");
    test_copy(&copy, &test);
    cr_expect(copy.final.prior.points == &copy.interim_points);
    read_test("{'test': 't', 'bank': 'b', 'estimate': {'prior': {'dist': 'table'}},"
              " 'final': {'grid': {'nodes': 33}}}",
              &test, "estimate.prior.theta");
}

Test(test_document, reads_how_items_may_stand_together)
{
    static const struct {
        const char *blueprint;
        bool allowed, together;
        unsigned max;
    } good[] = {
        {"{}", false, false, 0},
        {"{'enemies': true, 'sets': 'any'}", false, false, 0},
        {"{'enemies': false}", true, false, 0},
        {"{'sets': 'together'}", false, true, 0},
        {"{'sets': 'together', 'max_per_set': 1, 'enemies': null}", false, true, 1},
        {"{'sets': 'together', 'max_per_set': 1000}", false, true, 1000},
    };
    static const struct {
        const char *blueprint, *faults;
    } bad[] = {
        {"{'enemies': 1}", "blueprint.enemies"},
        {"{'enemies': 'apart', 'set': 'together'}", "blueprint.set blueprint.enemies"},
        {"{'sets': true}", "blueprint.sets"},
        {"{'sets': 'apart'}", "blueprint.sets"},
        {"{'sets': 'together', 'max_per_set': 0}", "blueprint.max_per_set"},
        {"{'sets': 'together', 'max_per_set': 1001}", "blueprint.max_per_set"},
        {"{'sets': 'any', 'max_per_set': 3}", "blueprint.max_per_set"},
    };
    char text[256];
    struct test test;

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        snprintf(text, sizeof(text), "{'test': 't', 'bank': 'b', 'blueprint': %s}",
                 good[i].blueprint);
        cr_assert(read_test(text, &test, ""));
        cr_expect(test.enemies_allowed == good[i].allowed, "%s", text);
        cr_expect(test.sets_together == good[i].together, "%s", text);
        cr_expect(test.max_per_set == good[i].max, "%s", text);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        snprintf(text, sizeof(text), "{'test': 't', 'bank': 'b', 'blueprint': %s}",
                 bad[i].blueprint);
        read_test(text, &test, bad[i].faults);
    }
}

Test(test_document, has_defaults)
{
    static const char *const texts[] = {
        "{'test': 't', 'bank': 'b'}",
        "{'test': 't', 'bank': 'b', 'reveal': null, 'start': null, 'estimate': null,"
        " 'final': null, 'select': null, 'blueprint': null, 'omit': null, 'stop': null,"
        " 'revise': null,"
        " 'scale': null, 'cuts': null}",
        "{'test': 't', 'bank': 'b', 'start': {}, 'estimate': {}, 'final': {}, 'select': {},"
        " 'blueprint': {}, 'stop': {}, 'cuts': []}",
        "{'test': 't', 'bank': 'b', 'reveal': false, 'start': {'theta': 0.0, 'items': []},"
        " 'estimate': {'method': 'EAP', 'prior': {'dist': 'normal', 'mean': 0, 'sd': 1},"
        "              'grid': {'min': -6, 'max': 6, 'nodes': 61, 'rule': 'trapezoid'},"
        "              'bounds': {'min': -4, 'max': 4}},"
        " 'select': {'randomesque': 1}, 'omit': 'wrong', 'revise': 0,"
        " 'stop': {'min_items': 0, 'any': [{'rule': 'length', 'at': 30}]}}",
    };
    struct test want = defaults(), test;

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        memset(&test, 0xa5, sizeof(test));
        cr_assert(read_test(texts[i], &test, ""));
        expect_test(&test, &want);
    }
}

static struct test example_test(void)
{
    struct test test = defaults();

    strcpy(test.name, "algebra-6");
    strcpy(test.bank, "algebra");
    test.pick.criterion = &criterion_mfi;
    test.n_start = 2;
    strcpy(test.start_items[0], "q2");
    strcpy(test.start_items[1], "q1");
    test.final.estimator = &estimator_wle;
    test.final.prior.sd = 1.5;
    test.final.grid.n_node = 81;
    test.final.upper = 3;
    strcpy(test.content_tag, "strand");
    test.n_target = 2;
    test.targets[0] = (struct target){.value = "fractions", .proportion = 0.4};
    test.targets[1] = (struct target){.value = "equations", .proportion = 0.6};
    test.stop.n_node = 4;
    test.stop.node[0].n_node = 4;
    test.stop.node[2] = (struct stop_node){.join = STOP_ALL, .n_node = 2};
    test.stop.node[3] =
        (struct stop_node){.join = STOP_RULE, .rule = &stop_se, .arg = {0.3}, .n_node = 1};
    test.has_scale = true;
    test.scale_slope = 10;
    test.scale_intercept = 200;
    test.scale_min = 100;
    test.scale_max = 350;
    test.n_cut = 2;
    test.cuts[0] = (struct cut){.name = "basic", .theta = -0.8};
    test.cuts[1] = (struct cut){.name = "proficient", .theta = 0.2};
    return test;
}

Test(test_document, takes_the_example_of_the_protocol)
{
    struct test want = example_test(), test;

    cr_assert(read_test(example, &test, ""));
    expect_test(&test, &want);
}

Test(test_document, takes_what_is_not_the_default)
{
    struct test want = defaults(), test;

    want.reveal = true;
    want.start_theta = -2.385;
    want.omit_ignored = true;
    want.n_revise = 3;
    want.pick.criterion = &criterion_random;
    want.pick.n_best = 64;
    want.interim.estimator = want.final.estimator = &estimator_map;
    want.interim.lower = want.final.lower = -3;
    want.final.lower = -2;
    want.has_scale = true;
    want.scale_slope = 1;
    want.scale_min = -1e9;
    want.scale_max = 1e9;
    cr_assert(read_test("{'test': 't', 'bank': 'b', 'reveal': true, 'omit': 'ignored', 'revise': 3,"
                        " 'start': {'theta': -2.385}, 'scale': {},"
                        " 'select': {'criterion': 'random', 'randomesque': 64},"
                        " 'final': {'bounds': {'min': -2}},"
                        " 'estimate': {'method': 'MAP', 'bounds': {'min': -3}}}",
                        &test, ""));
    expect_test(&test, &want);
}

struct row {
    const char *text, *faults;
};

static void expect_rows(const struct row *rows, size_t n)
{
    struct test test;

    for (size_t i = 0; i < n; i++) {
        char text[2048];

        snprintf(text, sizeof(text), "{'test': 't', 'bank': 'b', %s}", rows[i].text);
        read_test(text, &test, rows[i].faults);
    }
}

Test(test_document, needs_two_names)
{
    struct test test;

    read_test("{}", &test, "test bank");
    read_test("{'test': null, 'bank': null}", &test, "test bank");
    read_test("{'test': 5, 'bank': 'a b'}", &test, "test bank");
    read_test("{'test': '" ID_64 "x', 'bank': ''}", &test, "test bank");
    cr_expect(read_test("{'test': '" ID_64 "', 'bank': '" ID_64 "'}", &test, ""));
    cr_expect_str_eq(test.bank, ID_64);
    read_test("[]", &test, "");
}

Test(test_document, tells_faults_of_words_and_start)
{
    static const struct row rows[] = {
        {"'reveal': 1", "reveal"},
        {"'omit': 'skip'", "omit"},
        {"'omit': 5", "omit"},
        {"'revise': -1", "revise"},
        {"'revise': 1001", "revise"},
        {"'revise': 1.5", "revise"},
        {"'revise': true", "revise"},
        {"'start': 5", "start"},
        {"'start': {'theta': 20.5}", "start.theta"},
        {"'start': {'theta': '0', 'items': 'q1'}", "start.theta start.items"},
        {"'start': {'items': ['q1', 5, 'a b', null]}", "start.items start.items start.items"},
        {"'start': {'items': ['1','2','3','4','5','6','7','8','9','10','11','12','13','14','15',"
         "'16']}",
         ""},
        {"'start': {'items': ['1','2','3','4','5','6','7','8','9','10','11','12','13','14','15',"
         "'16','17']}",
         "start.items"},
        {"'select': []", "select"},
        {"'select': {'criterion': 'mfi', 'randomesque': 0}", "select.criterion select.randomesque"},
        {"'select': {'criterion': 5, 'randomesque': 65}", "select.criterion select.randomesque"},
        {"'select': {'randomesque': 1.5}", "select.randomesque"},
        {"'estimate': {'method': 'X'}, 'final': {'method': 'Y'}", "estimate.method final.method"},
        {"'estimate': {'prior': {'sd': 0}, 'x': 1}", "estimate.x estimate.prior.sd"},
        {"'estimate': 5, 'final': 5", "estimate final"},
    };

    expect_rows(rows, COUNT_OF(rows));
}

#define TARGETS(targets) "'blueprint': {'proportions': {'tag': 's', 'targets': [" targets "]}}"
#define AT               "blueprint.proportions.targets"

Test(test_document, tells_faults_of_blueprints)
{
    static const struct row rows[] = {
        {"'blueprint': 5", "blueprint"},
        {"'blueprint': {'proportions': []}", "blueprint.proportions"},
        {"'blueprint': {'proportions': {}}", "blueprint.proportions.tag " AT},
        {"'blueprint': {'proportions': {'tag': 5, 'targets': {}}}",
         "blueprint.proportions.tag " AT},
        {"'blueprint': {'proportions': {'tag': 'a\\u0000b',"
         " 'targets': [{'value': 'x', 'proportion': 1}]}}",
         "blueprint.proportions.tag"},
        {TARGETS(""), AT},
        {TARGETS("{'value': 'x', 'proportion': 1}"), ""},
        {TARGETS("{'value': 'x', 'proportion': 0.9999995}"), ""},
        {TARGETS("{'value': 'x', 'proportion': 0.9999985}"), AT},
        {TARGETS("{'value': 'x', 'proportion': 0.5}, {'value': 'y', 'proportion': 0.4}"), AT},
        {TARGETS("{'value': 'x', 'proportion': 0}, {'value': 'y', 'proportion': 1}"),
         AT ".0.proportion"},
        {TARGETS("{'value': 'x', 'proportion': 1.5}"), AT ".0.proportion " AT},
        {TARGETS("{'value': 'x', 'proportion': 0.5}, {'value': 'x', 'proportion': 0.5}"),
         AT ".1.value"},
        {TARGETS("{'value': 5, 'proportion': 1}"), AT ".0.value"},
        {TARGETS("{'proportion': 1}"), AT ".0.value"},
        {TARGETS("{'value': 'a\\u0000b', 'proportion': 1}"), AT ".0.value"},
        {TARGETS("{'value': 'x', 'proportion': 1, 'share': 1}"), AT ".0.share"},
    };

    expect_rows(rows, COUNT_OF(rows));
}

Test(test_document, tells_faults_of_stops_scales_and_cuts)
{
    static const struct row rows[] = {
        {"'stop': 5", "stop"},
        {"'stop': {'any': [{'rule': 'length', 'at': 0}]}", "stop.any.0.at"},
        {"'scale': 5", "scale"},
        {"'scale': {'slope': 'x', 'min': 5, 'max': 5}", "scale.slope scale.min"},
        {"'scale': {'slope': 1e7, 'intercept': 1e10, 'min': -1e10, 'max': true}",
         "scale.slope scale.intercept scale.min scale.max"},
        {"'cuts': {}", "cuts"},
        {"'cuts': [{'name': 'x'}]", "cuts.0.theta"},
        {"'cuts': [{'theta': 1}]", "cuts.0.name"},
        {"'cuts': [{'name': '" ID_64 "x', 'theta': 21}]", "cuts.0.name cuts.0.theta"},
        {"'cuts': [{'name': 'a', 'theta': 0.2}, {'name': 'b', 'theta': 0.2}]", "cuts.1.theta"},
        {"'cuts': [{'name': 'a', 'theta': 1}, {'name': 'b', 'theta': 2},"
         " {'name': 'c', 'theta': 1.5}]",
         "cuts.2.theta"},
        {"'cuts': [{'name': 'a\\u0000', 'theta': 1}]", "cuts.0.name"},
        {"'reveal': 5, 'scale': 5, 'cuts': 5, 'colour': 'red'", "colour reveal scale cuts"},
    };

    expect_rows(rows, COUNT_OF(rows));
}

/* A misspelt key is told where it stands; a rule or a join without its key is told as a rule that
 * does not exist. */
static bool is_told(const struct faults *faults, const char *path, const char *key,
                    const char *misspelt)
{
    char field[LIMIT_ID + 1];

    snprintf(field, sizeof(field), "%s%s%s", path, path[0] ? "." : "", misspelt);
    if (has_fault(faults, field)) return true;
    if (strcmp(key, "rule") != 0 && strcmp(key, "all") != 0) return false;
    snprintf(field, sizeof(field), "%s.rule", path);
    return has_fault(faults, field);
}

/* Misspell each key of `map`, which is a part of `whole`, in turn. */
static size_t misspell_keys(json_t *whole, json_t *map, const char *path)
{
    json_t *keys = json_array(), *key;
    const char *name;
    json_t *value;
    size_t i;

    json_object_foreach(map, name, value) json_array_append_new(keys, json_string(name));
    json_array_foreach(keys, i, key)
    {
        struct trial trial;
        struct test test;
        char misspelt[32];

        name = json_string_value(key);
        snprintf(misspelt, sizeof(misspelt), "%ss", name);
        value = json_incref(json_object_get(map, name));
        json_object_del(map, name);
        json_object_set(map, misspelt, value);
        trial_of_value(&trial, whole);
        cr_expect_not(test_document_read(&trial.root, &test, &trial.faults));
        expect_true(is_told(&trial.faults, path, name, misspelt), "%s.%s", path, misspelt);
        trial_done(&trial);
        json_object_del(map, misspelt);
        json_object_set_new(map, name, value);
    }
    json_decref(keys);
    return i;
}

/* The same for all maps in `part`; returns how many keys there were. */
static size_t misspell(json_t *whole, json_t *part, const char *path)
{
    char inner[128];
    const char *name;
    json_t *value;
    void *next;
    size_t n, i;

    if (json_is_array(part)) {
        n = 0;
        json_array_foreach(part, i, value)
        {
            snprintf(inner, sizeof(inner), "%s.%zu", path, i);
            n += misspell(whole, value, inner);
        }
        return n;
    }
    if (!json_is_object(part)) return 0;
    n = misspell_keys(whole, part, path);
    json_object_foreach_safe(part, next, name, value)
    {
        snprintf(inner, sizeof(inner), "%s%s%s", path, path[0] ? "." : "", name);
        n += misspell(whole, value, inner);
    }
    return n;
}

Test(test_document, refuses_every_misspelt_key)
{
    json_t *document = json_of(example);
    struct trial trial;
    struct test test;

    cr_expect_eq(misspell(document, document, ""), 58);
    trial_of_value(&trial, document);
    cr_expect(test_document_read(&trial.root, &test, &trial.faults));
    trial_done(&trial);
    json_decref(document);
}
