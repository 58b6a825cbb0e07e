/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The format of our own: one column for each key of PROTOCOL.md, section 4. Empty cells are absent
 * keys. Options are parted by `|`, enemies by blanks, content is JSON where it parses as JSON and a
 * string where it does not. */
#include "tools/import_format.h"

#include <string.h>

enum { MODEL, A, B, C, D, SECONDS, EXPOSURE, KEY, OPTIONS, SET, ENEMIES, CONTENT };  // columns
enum { STEPS, SLOPES, INTERCEPTS };                                                  // series

static const char *const number_names[] = {
    [A] = "a", [B] = "b", [C] = "c", [D] = "d", [SECONDS] = "seconds", [EXPOSURE] = "exposure"};

static bool wants_steps(const char *model)
{
    return model && (strcmp(model, "GRM") == 0 || strcmp(model, "GPCM") == 0);
}

/* What multidimensional items have: slopes a1, a2, .. and, of several categories, d1, d2, .. */
static void put_dims(struct import *in, size_t row, struct draft *draft)
{
    double slopes[LIMIT_CATS + 1], intercepts[LIMIT_CATS + 1];
    size_t n_slope = import_numbers(in, row, SLOPES, 1, slopes);
    size_t n = import_numbers(in, row, INTERCEPTS, 1, intercepts);

    if (n_slope > LIMIT_DIMS)
        import_fault(in, row, in->series[SLOPES][LIMIT_DIMS + 1], "more than %d dimensions",
                     LIMIT_DIMS);
    else if (n_slope > 0 && *import_value(in, row, in->column[A]))
        import_fault(in, row, in->column[A], "an item has either a or a1, a2, ..");
    else if (n_slope > 0)
        draft_numbers(draft, "a", slopes, n_slope);
    if (n > LIMIT_CATS - 1)
        import_fault(in, row, in->series[INTERCEPTS][LIMIT_CATS], "more than %d categories",
                     LIMIT_CATS);
    else if (n > 0 && *import_value(in, row, in->column[D]))
        import_fault(in, row, in->column[D], "an item has either d or d1, d2, ..");
    else if (n > 0)
        draft_numbers(draft, "d", intercepts, n);
}

static void put_numbers(struct import *in, size_t row, struct draft *draft)
{
    double steps[LIMIT_CATS + 1];
    size_t n = import_numbers(in, row, STEPS, 1, steps);
    bool has_steps = *import_value(in, row, in->series[STEPS][1]) != '\0';
    double value;

    for (size_t i = A; i <= EXPOSURE; i++) {
        if (!*import_value(in, row, in->column[i])) continue;
        if (i == B && has_steps) {
            import_fault(in, row, in->column[B], "an item has either b or b1, b2, ..");
        } else if (i == B && wants_steps(draft->model)) {
            import_fault(in, row, in->column[B], "a %s has its thresholds in columns b1, b2, ..",
                         draft->model);
        } else if (import_number(in, row, in->column[i], &value)) {
            draft_number(draft, number_names[i], value);
        }
    }
    if (n > LIMIT_CATS - 1)
        import_fault(in, row, in->series[STEPS][LIMIT_CATS], "more than %d categories", LIMIT_CATS);
    else if (n > 0)
        draft_numbers(draft, "b", steps, n);
    put_dims(in, row, draft);
}

static struct slice trimmed(const char *text, size_t n)
{
    while (n > 0 && *text == ' ') {
        text++;
        n--;
    }
    while (n > 0 && text[n - 1] == ' ') n--;
    return slice_of(text, n);
}

/* Split a cell at `mark` into at most `max` parts, blanks around them cut. */
static size_t split(struct import *in, size_t row, size_t column, char mark, struct slice *out,
                    size_t max)
{
    const char *text = import_text(in, row, column);
    size_t n = 0;

    while (*text) {
        const char *end = strchrnul(text, mark);
        struct slice part = trimmed(text, (size_t)(end - text));

        if (part.n == 0 && mark != ' ') import_fault(in, row, column, "an empty option");
        if (part.n > 0 && n == max) {
            import_fault(in, row, column, "more than %zu", max);
            break;
        }
        if (part.n > 0) out[n++] = part;
        if (*end && !end[1] && mark != ' ') import_fault(in, row, column, "an empty option");
        text = *end ? end + 1 : end;
    }
    return n;
}

static void put_content(struct import *in, size_t row, struct draft *draft)
{
    const char *text = import_text(in, row, in->column[CONTENT]);

    if (!*text) return;
    draft->content = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (!draft->content) draft->content = json_string(text);
}

static void plan(struct import *in)
{
    if (in->model || in->column[MODEL] != CSV_TABLE_NONE) return;
    faults_add(in->faults, NULL, "model", "row 1: there is no column model: add it or say --model");
}

static void convert(struct import *in, size_t row, struct draft *draft)
{
    draft->model = import_text(in, row, in->column[MODEL]);
    if (!*draft->model) draft->model = in->model;
    if (!draft->model && in->column[MODEL] != CSV_TABLE_NONE) {
        import_fault(in, row, in->column[MODEL], "the cell is empty");
    }

    put_numbers(in, row, draft);
    draft->key = import_text(in, row, in->column[KEY]);
    draft->set = import_text(in, row, in->column[SET]);
    draft->n_option = split(in, row, in->column[OPTIONS], '|', draft->options, LIMIT_OPTIONS);
    draft->n_enemy = split(in, row, in->column[ENEMIES], ' ', draft->enemies, LIMIT_ENEMIES);
    put_content(in, row, draft);
}

const struct import_format import_native = {
    .name = "native",
    .about = "id, model, a, b, c, d, b1, b2, .., a1, a2, .., d1, d2, .., seconds, exposure, key, "
             "options, set, enemies, content, tag:<name>",
    .needs = {"id"},
    .columns = {"model", "a", "b", "c", "d", "seconds", "exposure", "key", "options", "set",
                "enemies", "content"},
    .series = {"b", "a", "d"},
    .takes_model = true,
    .refuses_unknown = true,
    .plan = plan,
    .convert = convert,
};
