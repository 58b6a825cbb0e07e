/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A map's size stands before its pairs, so they are counted first. */
#include "tools/draft.h"
#include "tools/json_wire.h"

#include <assert.h>
#include <string.h>

/* An item stands three levels deep in its message: map, array of items, map. */
enum { CONTENT_DEPTH = LIMIT_DEPTH - 3 };

static struct draft_param *param_next(struct draft *draft, const char *name)
{
    struct draft_param *param = &draft->params[draft->n_param];

    assert(draft->n_param < DRAFT_PARAMS);
    draft->n_param++;
    param->name = name;
    return param;
}

void draft_number(struct draft *draft, const char *name, double value)
{
    struct draft_param *param = param_next(draft, name);

    param->value[0] = value;
    param->n = 1;
}

void draft_numbers(struct draft *draft, const char *name, const double *values, size_t n)
{
    struct draft_param *param = param_next(draft, name);

    assert(n <= LIMIT_CATS);
    memcpy(param->value, values, n * sizeof(*values));
    param->n = n;
    param->array = true;
}

bool draft_tag(struct draft *draft, const char *name, const char *value)
{
    if (draft->n_tag == LIMIT_TAGS) return false;
    for (size_t i = 0; i < draft->n_tag; i++) {
        if (strcmp(draft->tags[i][0], name) == 0) return false;
    }
    draft->tags[draft->n_tag][0] = name;
    draft->tags[draft->n_tag][1] = value;
    draft->n_tag++;
    return true;
}

static bool has(const char *text)
{
    return text && *text;
}

static void put_param(struct writer *out, const struct draft_param *param)
{
    write_text(out, param->name);
    if (param->array) write_array(out, param->n);
    for (size_t i = 0; i < param->n; i++) write_f64(out, param->value[i]);
}

static void put_slices(struct writer *out, const char *name, const struct slice *slices, size_t n)
{
    if (n == 0) return;
    write_text(out, name);
    write_array(out, n);
    for (size_t i = 0; i < n; i++) write_str(out, slices[i]);
}

static void put_tags(struct writer *out, const struct draft *draft)
{
    if (draft->n_tag == 0) return;
    write_text(out, "tags");
    write_map(out, draft->n_tag);
    for (size_t i = 0; i < draft->n_tag; i++) put_text(out, draft->tags[i][0], draft->tags[i][1]);
}

bool draft_write(const struct draft *draft, struct writer *out)
{
    size_t n_pair = 2 + draft->n_param + has(draft->key) + has(draft->set) + (draft->n_option > 0) +
                    (draft->n_enemy > 0) + (draft->n_tag > 0) + (draft->content != NULL);

    write_map(out, n_pair);
    put_text(out, "id", draft->id);
    put_text(out, "model", draft->model);
    for (size_t i = 0; i < draft->n_param; i++) put_param(out, &draft->params[i]);
    if (has(draft->key)) put_text(out, "key", draft->key);
    if (has(draft->set)) put_text(out, "set", draft->set);
    put_slices(out, "options", draft->options, draft->n_option);
    put_slices(out, "enemies", draft->enemies, draft->n_enemy);
    put_tags(out, draft);
    if (!draft->content) return true;
    write_text(out, "content");
    return json_wire_write(out, draft->content, CONTENT_DEPTH);
}

void draft_done(struct draft *draft)
{
    json_decref(draft->content);
    draft->content = NULL;
}
