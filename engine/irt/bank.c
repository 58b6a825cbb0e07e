/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parameters stand twice: as struct item, for one item at a time, and the 1PL to 4PL ones as
 * columns, which a scan of the whole bank reads in a row. Texts live in one arena. */
#include "irt/bank.h"
#include "base/arena.h"
#include "irt/kernels.h"
#include "irt/shortlist.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the psychometrics never look at. */
struct item_texts {
    const char *id;
    struct slice key, set, content;
    int64_t rapid_ms;
    double exposure;
    bool is_later;
    size_t n_option, n_tag, n_enemy;
    struct slice *options;
    struct tag *tags;
    struct slice *enemies;
};

struct id_entry {
    const char *id;
    uint32_t item;
};

struct bank {
    size_t n_item, cap;
    double D;
    struct item *items;
    struct item_texts *texts;
    struct id_entry *by_id;  // sorted
    double *a, *b, *c, *d;   // [n_item]; a = 0 where the item is not 1PL to 4PL
    double *seconds;         // [n_item]
    uint32_t *polytomous;    // items that are not in the columns
    size_t n_polytomous;
    struct shortlists *shortlists;  // NULL: none
    struct arena arena;
};

struct bank *bank_new(size_t n_item, double D)
{
    struct bank *bank = calloc(1, sizeof(*bank));
    size_t cap = n_item ? n_item : 1;

    if (!bank) return NULL;
    bank->cap = n_item;
    bank->D = D;
    bank->items = calloc(cap, sizeof(*bank->items));
    bank->texts = calloc(cap, sizeof(*bank->texts));
    bank->by_id = calloc(cap, sizeof(*bank->by_id));
    bank->a = calloc(cap, 5 * sizeof(*bank->a));
    bank->polytomous = calloc(cap, sizeof(*bank->polytomous));
    if (!bank->items || !bank->texts || !bank->by_id || !bank->a || !bank->polytomous) {
        bank_free(bank);
        return NULL;
    }
    bank->b = bank->a + cap;
    bank->c = bank->b + cap;
    bank->d = bank->c + cap;
    bank->seconds = bank->d + cap;
    return bank;
}

void bank_free(struct bank *bank)
{
    if (!bank) return;
    free(bank->items);
    free(bank->texts);
    free(bank->by_id);
    free(bank->a);
    free(bank->polytomous);
    shortlists_free(bank->shortlists);
    arena_done(&bank->arena);
    free(bank);
}

/* The value of a scalar parameter: the file's, or the default where the model has none. */
static double spec_value(const struct item_spec *spec, enum param_slot slot)
{
    return model_param_name(spec->model, slot) ? spec->value[slot] : param_default(slot);
}

static bool has_direction(const struct model *model)
{
    return model_param_name(model, SLOT_DIRECTION) != NULL;
}

/* Slopes and intercepts as the file has them, before they are folded: then a fault shows the file's
 * number. In one dimension the slope is checked as any other, later. */
static void check_direction(const struct item_spec *spec, double D, const char *id,
                            struct faults *faults)
{
    double longest = 0.0;

    for (unsigned m = 0; m < spec->n_dim; m++) {
        double a = D * spec->direction[m];

        if (fabs(a) > longest) longest = fabs(a);
        if (isfinite(a) && fabs(a) <= LIMIT_SLOPE) continue;
        faults_add(faults, id, "a", "number %u must be finite and within %g of 0, is %.17g", m + 1,
                   LIMIT_SLOPE, a);
    }
    if (spec->n_dim > 1 && longest < LIMIT_SLOPE_MIN) {
        faults_add(faults, id, "a", "must not all be 0: the item would tell nothing");
    }
}

static void check_intercepts(const struct item_spec *spec, const char *id, struct faults *faults)
{
    bool is_list = model_param_name(spec->model, SLOT_STEPS);
    const double *d = is_list ? spec->steps : &spec->value[SLOT_B];

    for (unsigned k = 0; k < (is_list ? spec->n_step : 1); k++) {
        if (isfinite(d[k]) && fabs(d[k]) <= LIMIT_LOCATION) continue;
        faults_add(faults, id, "d", "number %u must be finite and within %g of 0, is %.17g", k + 1,
                   LIMIT_LOCATION, d[k]);
    }
}

/* What a threshold is called that was made of the file's intercept. */
static const char *made(const struct item *item)
{
    return has_direction(item->model) ? "as a difficulty " : "";
}

/* The bounds that hold for every model: finite, and small enough for exp. */
static void check_list(const struct item *item, enum param_slot slot, const double *list,
                       const char *id, struct faults *faults)
{
    for (unsigned k = 0; list && k + 1 < item->n_cat; k++) {
        if (isfinite(list[k]) && fabs(list[k]) <= LIMIT_LOCATION) continue;
        faults_add(faults, id, model_param_name(item->model, slot),
                   "number %u %smust be finite and within %g of 0, is %.17g", k + 1, made(item),
                   LIMIT_LOCATION, list[k]);
    }
}

static void check_bounds(const struct item *item, const char *id, struct faults *faults)
{
    if (!isfinite(item->a) || item->a > LIMIT_SLOPE) {
        faults_add(faults, id, "a", "must be finite and at most %g, is %.17g", LIMIT_SLOPE,
                   item->a);
    }
    if (item->a > 0.0 && item->a < LIMIT_SLOPE_MIN) {
        faults_add(faults, id, "a", "must be at least %g, is %.17g", LIMIT_SLOPE_MIN, item->a);
    }
    if (!isfinite(item->b) || fabs(item->b) > LIMIT_LOCATION) {
        faults_add(faults, id, model_param_name(item->model, SLOT_B),
                   "%smust be finite and within %g of 0, is %.17g", made(item), LIMIT_LOCATION,
                   item->b);
    }
    if (!isfinite(item->c)) faults_add(faults, id, "c", "must be finite, is %.17g", item->c);
    if (!isfinite(item->d)) faults_add(faults, id, "d", "must be finite, is %.17g", item->d);
    check_list(item, SLOT_STEPS, item->steps, id, faults);
    check_list(item, SLOT_SLOPES, item->slopes, id, faults);
}

static void check_params(const struct item *item, const struct item_spec *spec, double D,
                         const char *id, struct faults *faults)
{
    size_t n_before = faults->total;

    if (has_direction(spec->model)) {
        check_direction(spec, D, id, faults);
        check_intercepts(spec, id, faults);
    }
    if (faults->total > n_before) return;
    check_bounds(item, id, faults);
    spec->model->check(item, id, faults);
}

static void check_scoring(const struct item *item, const struct item_spec *spec, const char *id,
                          struct faults *faults)
{
    bool key_is_option = spec->n_option == 0;

    for (size_t i = 0; i < spec->n_option; i++) {
        if (slice_equal(spec->options[i], spec->key)) key_is_option = true;
        for (size_t j = 0; j < i; j++) {
            if (!slice_equal(spec->options[i], spec->options[j])) continue;
            faults_add(faults, id, "options", "option %zu is the same as option %zu", i, j);
        }
    }
    if (spec->key.n > 0 && !key_is_option) {
        faults_add(faults, id, "key", "is none of the options");
    }
    if (spec->is_later && (spec->key.n > 0 || spec->n_option > 0)) {
        faults_add(faults, id, "scored", "an item scored later has neither key nor options");
    }
    if (spec->key.n > 0 && item->n_cat != 2) {
        faults_add(faults, id, "key", "only an item with two categories can have a key");
    }
    if (spec->key.n == 0 && spec->n_option > 0 && spec->n_option != item->n_cat) {
        faults_add(faults, id, "options", "without a key there must be one for each category (%u)",
                   item->n_cat);
    }
}

static void copy_texts(struct bank *bank, const struct item_spec *spec, struct item_texts *texts)
{
    struct arena *arena = &bank->arena;

    texts->key = arena_copy(arena, spec->key);
    texts->set = arena_copy(arena, spec->set);
    texts->content = arena_copy(arena, spec->content);
    texts->options = arena_alloc(arena, spec->n_option * sizeof(*texts->options));
    texts->tags = arena_alloc(arena, spec->n_tag * sizeof(*texts->tags));
    texts->enemies = arena_alloc(arena, spec->n_enemy * sizeof(*texts->enemies));
    if (arena->failed) return;
    texts->rapid_ms = spec->rapid_ms;
    texts->is_later = spec->is_later;
    texts->exposure = spec->exposure > 0.0 ? spec->exposure : 1.0;
    texts->n_option = spec->n_option;
    texts->n_tag = spec->n_tag;
    texts->n_enemy = spec->n_enemy;
    for (size_t i = 0; i < spec->n_option; i++) {
        texts->options[i] = arena_copy(arena, spec->options[i]);
    }
    for (size_t i = 0; i < spec->n_tag; i++) {
        texts->tags[i].name = arena_copy(arena, spec->tags[i].name);
        texts->tags[i].value = arena_copy(arena, spec->tags[i].value);
    }
    for (size_t i = 0; i < spec->n_enemy; i++) {
        texts->enemies[i] = arena_copy(arena, spec->enemies[i]);
    }
}

/* The lists of parameters, prepared for the formulas. */
static void copy_lists(struct bank *bank, const struct item_spec *spec, struct item *item)
{
    struct arena *arena = &bank->arena;
    double *steps = NULL, *slopes = NULL, *direction = NULL;

    if (model_param_name(spec->model, SLOT_STEPS)) {
        steps = arena_alloc(arena, spec->n_step * sizeof(*steps));
        item->n_cat = spec->n_step + 1;
    }
    if (model_param_name(spec->model, SLOT_SLOPES)) {
        assert(spec->n_slope == spec->n_step);
        slopes = arena_alloc(arena, spec->n_slope * sizeof(*slopes));
    }
    if (has_direction(spec->model)) {
        assert(spec->n_dim >= 1 && spec->n_dim <= LIMIT_DIMS);
        direction = arena_alloc(arena, spec->n_dim * sizeof(*direction));
        item->n_dim = spec->n_dim;
    }
    if (arena->failed) return;
    if (direction) memcpy(direction, spec->direction, spec->n_dim * sizeof(*direction));
    if (steps) memcpy(steps, spec->steps, spec->n_step * sizeof(*steps));
    if (slopes) memcpy(slopes, spec->slopes, spec->n_slope * sizeof(*slopes));
    item->steps = steps;
    item->slopes = slopes;
    item->direction = direction;
    if (spec->model->prepare) spec->model->prepare(item, steps, direction);
}

void bank_add(struct bank *bank, const struct item_spec *spec, struct faults *faults)
{
    size_t i = bank->n_item;
    struct item *item = &bank->items[i];
    struct item_texts *texts = &bank->texts[i];
    struct slice id;

    assert(i < bank->cap);
    assert(spec->model);
    id = arena_copy(&bank->arena, spec->id);
    if (!id.data) return;  // bank_seal reports it
    texts->id = (const char *)id.data;

    *item = (struct item){.model = spec->model,
                          .n_cat = 2,
                          .n_dim = 1,
                          .a = spec_value(spec, SLOT_A) * bank->D,
                          .b = spec_value(spec, SLOT_B),
                          .c = spec_value(spec, SLOT_C),
                          .d = spec_value(spec, SLOT_D)};
    copy_lists(bank, spec, item);
    if (bank->arena.failed) return;
    check_params(item, spec, bank->D, texts->id, faults);
    bank->seconds[i] = spec->seconds;
    check_scoring(item, spec, texts->id, faults);
    copy_texts(bank, spec, texts);
    bank->by_id[i] = (struct id_entry){.id = texts->id, .item = (uint32_t)i};
    bank->n_item++;
}

static int id_compare(const void *x, const void *y)
{
    const struct id_entry *a = x, *b = y;
    int order = strcmp(a->id, b->id);

    if (order != 0) return order;
    return a->item < b->item ? -1 : 1;
}

static void check_unique(const struct bank *bank, struct faults *faults)
{
    for (size_t i = 1; i < bank->n_item; i++) {
        const struct id_entry *one = &bank->by_id[i - 1], *two = &bank->by_id[i];

        if (strcmp(one->id, two->id) != 0) continue;
        faults_add(faults, two->id, "id", "stands twice, as item %u and item %u of the bank",
                   one->item + 1, two->item + 1);
    }
}

/* The scores of all items are of one theta. */
static void check_dims(const struct bank *bank, struct faults *faults)
{
    for (size_t i = 1; i < bank->n_item; i++) {
        if (bank->items[i].n_dim == bank->items[0].n_dim) continue;
        faults_add(faults, bank->texts[i].id, "a",
                   "the item has %u dimension(s), but item \"%s\" has %u", bank->items[i].n_dim,
                   bank->texts[0].id, bank->items[0].n_dim);
    }
}

static void check_enemies(const struct bank *bank, struct faults *faults)
{
    for (size_t i = 0; i < bank->n_item; i++) {
        const struct item_texts *texts = &bank->texts[i];

        for (size_t j = 0; j < texts->n_enemy; j++) {
            struct slice enemy = texts->enemies[j];

            if (slice_equal_str(enemy, texts->id)) {
                faults_add(faults, texts->id, "enemies", "names the item itself");
            } else if (bank_find(bank, enemy) < 0) {
                faults_add(faults, texts->id, "enemies", "there is no item \"%.*s\"", (int)enemy.n,
                           (const char *)enemy.data);
            }
        }
    }
}

/* Items of which no time is known take the mean of the others'. */
static void fill_seconds(struct bank *bank)
{
    double sum = 0.0, mean;
    size_t n = 0;

    for (size_t i = 0; i < bank->n_item; i++) {
        sum += bank->seconds[i];
        n += bank->seconds[i] > 0.0;
    }
    mean = n > 0 ? sum / (double)n : 1.0;
    for (size_t i = 0; i < bank->n_item; i++) {
        if (!(bank->seconds[i] > 0.0)) bank->seconds[i] = mean;
    }
}

enum status bank_seal(struct bank *bank, struct faults *faults)
{
    if (bank->arena.failed) return NO_MEMORY;
    if (bank->n_item == 0 && faults->total == 0) {
        faults_add(faults, NULL, "items", "the bank has no items");
    }
    qsort(bank->by_id, bank->n_item, sizeof(*bank->by_id), id_compare);
    check_unique(bank, faults);
    check_dims(bank, faults);
    check_enemies(bank, faults);
    if (faults->total > 0) return INVALID_BANK;

    fill_seconds(bank);
    for (size_t i = 0; i < bank->n_item; i++) {
        const struct item *item = &bank->items[i];

        if (item->steps) {
            bank->polytomous[bank->n_polytomous++] = (uint32_t)i;
            continue;
        }
        bank->a[i] = item->a;
        bank->b[i] = item->b;
        bank->c[i] = item->c;
        bank->d[i] = item->d;
    }
    if (bank_n_dim(bank) > 1) return OK;  // shortlists are by theta
    return shortlists_new(bank, NULL, &bank->shortlists) ? OK : NO_MEMORY;
}

const struct shortlists *bank_shortlists(const struct bank *bank)
{
    return bank->shortlists;
}

size_t bank_n_item(const struct bank *bank)
{
    return bank->n_item;
}

size_t bank_n_dim(const struct bank *bank)
{
    return bank->items[0].n_dim;
}

const struct item *bank_item(const struct bank *bank, size_t i)
{
    assert(i < bank->n_item);
    return &bank->items[i];
}

const char *bank_id(const struct bank *bank, size_t i)
{
    assert(i < bank->n_item);
    return bank->texts[i].id;
}

long bank_find(const struct bank *bank, struct slice id)
{
    size_t low = 0, high = bank->n_item;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct slice other = slice_str(bank->by_id[middle].id);
        int order = memcmp(id.data, other.data, id.n < other.n ? id.n : other.n);

        if (order == 0) order = id.n < other.n ? -1 : id.n > other.n;
        if (order == 0) return (long)bank->by_id[middle].item;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

struct slice bank_tag(const struct bank *bank, size_t i, struct slice name)
{
    const struct item_texts *texts = &bank->texts[i];

    for (size_t t = 0; t < texts->n_tag; t++) {
        if (slice_equal(texts->tags[t].name, name)) return texts->tags[t].value;
    }
    return slice_of(NULL, 0);
}

struct slice bank_set(const struct bank *bank, size_t i)
{
    return bank->texts[i].set;
}

size_t bank_n_enemy(const struct bank *bank, size_t i)
{
    return bank->texts[i].n_enemy;
}

struct slice bank_enemy(const struct bank *bank, size_t i, size_t enemy)
{
    assert(enemy < bank->texts[i].n_enemy);
    return bank->texts[i].enemies[enemy];
}

struct slice bank_content(const struct bank *bank, size_t i)
{
    return bank->texts[i].content;
}

double bank_exposure(const struct bank *bank, size_t i)
{
    return bank->texts[i].exposure;
}

int64_t bank_rapid_ms(const struct bank *bank, size_t i)
{
    return bank->texts[i].rapid_ms;
}

double bank_seconds(const struct bank *bank, size_t i)
{
    assert(i < bank->n_item);
    return bank->seconds[i];
}

bool bank_is_later(const struct bank *bank, size_t i)
{
    return bank->texts[i].is_later;
}

size_t bank_n_option(const struct bank *bank, size_t i)
{
    return bank->texts[i].n_option;
}

struct slice bank_option(const struct bank *bank, size_t i, size_t option)
{
    assert(option < bank->texts[i].n_option);
    return bank->texts[i].options[option];
}

enum status bank_score(const struct bank *bank, size_t i, struct slice raw, unsigned *out_score)
{
    const struct item_texts *texts = &bank->texts[i];
    size_t option = 0;

    while (option < texts->n_option && !slice_equal(texts->options[option], raw)) option++;
    if (texts->n_option > 0 && option == texts->n_option) return BAD_RESPONSE;
    if (texts->n_option == 0 && texts->key.n == 0) return BAD_RESPONSE;
    *out_score = texts->key.n > 0 ? slice_equal(texts->key, raw) : (unsigned)option;
    return OK;
}

void bank_info_all(const struct bank *bank, double theta, double *out)
{
    const struct logistic_columns columns = {bank->a, bank->b, bank->c, bank->d};

    kernels_best()->info(&columns, theta, bank->n_item, out);
    for (size_t j = 0; j < bank->n_polytomous; j++) {
        const struct item *item = &bank->items[bank->polytomous[j]];

        out[bank->polytomous[j]] = item->model->info(item, theta);
    }
}
