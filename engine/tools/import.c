/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way of a table: read it, find its format by the header, find that format's columns, let it
 * look over the whole table, then turn row after row into a draft and the draft into bytes. Nothing
 * is handed out unless there was no fault at all. */
#include "tools/import_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* In the order in which they are tried. `native` needs the least and comes last. */
static const struct import_format *const formats[] = {
    &import_testdesign, &import_catr,     &import_catr_mgrm, &import_catr_grm,
    &import_catr_gpcm,  &import_catr_pcm, &import_catr_rsm,  &import_catr_nrm,
    &import_mirt_slope, &import_mirt,     &import_native,
};

static const char *const id_names[] = {"id", "item", "item_id"};

/* What becomes of a column. */
enum column_use { UNKNOWN, KNOWN, TAG };

/* An id and where it stands. */
struct id_row {
    const char *id;
    size_t row;
};

/* The second table, sorted by id. */
struct attributes {
    struct csv_table table;
    size_t id, set;
    struct id_row *index;  // [table.n_row]
};

struct job {
    struct import in;
    struct csv_table table;
    enum column_use use[CSV_TABLE_COLUMNS];
    const char *tags[CSV_TABLE_COLUMNS];  // names of the columns that are tags
    struct attributes attributes;
    struct imported out;
};

const char *import_format_name(size_t i)
{
    return i < COUNT_OF(formats) ? formats[i]->name : NULL;
}

const char *import_format_about(size_t i)
{
    return i < COUNT_OF(formats) ? formats[i]->about : NULL;
}

static bool has_column(const struct csv_table *table, const char *name)
{
    return csv_table_column(table, name) != CSV_TABLE_NONE;
}

static bool recognised(const struct import_format *format, const struct csv_table *table)
{
    bool one = !format->one_of[0];

    for (size_t i = 0; i < COUNT_OF(format->needs) && format->needs[i]; i++) {
        if (!has_column(table, format->needs[i])) return false;
    }
    for (size_t i = 0; i < COUNT_OF(format->lacks) && format->lacks[i]; i++) {
        if (has_column(table, format->lacks[i])) return false;
    }
    for (size_t i = 0; i < COUNT_OF(format->one_of) && format->one_of[i]; i++) {
        if (has_column(table, format->one_of[i])) one = true;
    }
    return one;
}

static void fault_format(const char *name, struct faults *faults)
{
    char names[FAULT_TEXT] = "";

    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        size_t n = strlen(names);

        snprintf(names + n, sizeof(names) - n, "%s%s", i > 0 ? ", " : "", formats[i]->name);
    }
    faults_add(faults, NULL, "format", "there is no format %s; there are %s", name, names);
}

static const struct import_format *find_format(const struct csv_table *table, const char *name,
                                               struct faults *faults)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        if (name ? strcmp(formats[i]->name, name) == 0 : recognised(formats[i], table)) {
            return formats[i];
        }
    }
    if (name)
        fault_format(name, faults);
    else
        faults_add(faults, NULL, NULL, "row 1: the columns are those of no known format");
    return NULL;
}

/* A format that was asked for by name must have its columns too. */
static void check_needs(struct import *in)
{
    for (size_t i = 0; i < COUNT_OF(in->format->needs) && in->format->needs[i]; i++) {
        const char *name = in->format->needs[i];

        if (!has_column(in->table, name)) {
            faults_add(in->faults, NULL, name, "row 1: format %s needs a column %s",
                       in->format->name, name);
        }
    }
    if (in->model && !in->format->takes_model) {
        faults_add(in->faults, NULL, "model", "format %s tells the model itself", in->format->name);
    }
}

static size_t know_column(struct job *job, const char *name)
{
    size_t column = csv_table_column(&job->table, name);

    if (column != CSV_TABLE_NONE) job->use[column] = KNOWN;
    return column;
}

static void find_id(struct job *job)
{
    struct import *in = &job->in;

    in->id = CSV_TABLE_NONE;
    for (size_t i = 0; i < COUNT_OF(id_names) && in->id == CSV_TABLE_NONE; i++)
        in->id = know_column(job, id_names[i]);
    if (in->id == CSV_TABLE_NONE && !*csv_table_name(&job->table, 0)) in->id = 0;
    if (in->id != CSV_TABLE_NONE) job->use[in->id] = KNOWN;
}

static void find_columns(struct job *job)
{
    struct import *in = &job->in;
    const struct import_format *format = in->format;
    char name[LIMIT_ID];

    find_id(job);
    for (size_t i = 0; i < IMPORT_NAMES; i++) {
        in->column[i] = format->columns[i] ? know_column(job, format->columns[i]) : CSV_TABLE_NONE;
    }
    for (size_t s = 0; s < IMPORT_SERIES; s++) {
        for (size_t k = 0; k < IMPORT_NUMBERS; k++) {
            snprintf(name, sizeof(name), "%s%zu", format->series[s] ? format->series[s] : "", k);
            in->series[s][k] = format->series[s] ? know_column(job, name) : CSV_TABLE_NONE;
        }
    }
}

/* Whether a column has numbers and nothing else: more likely a parameter than a tag. */
static bool is_numeric(const struct import *in, size_t column)
{
    bool any = false;
    double value;

    for (size_t row = 0; row < in->table->n_row; row++) {
        if (!*import_value(in, row, column)) continue;
        if (!import_peek(in, row, column, &value)) return false;
        any = true;
    }
    return any;
}

static void find_tags(struct job *job)
{
    struct import *in = &job->in;

    for (size_t i = 0; i < job->table.n_column; i++) {
        const char *name = csv_table_name(&job->table, i);

        if (job->use[i] == KNOWN) continue;
        job->use[i] = TAG;
        job->tags[i] = name;
        if (strncasecmp(name, "tag:", 4) == 0) {
            job->tags[i] = name + 4;
        } else if (in->format->refuses_unknown || is_numeric(in, i)) {
            faults_add(in->faults, NULL, name,
                       "row 1, column %s: not known in format %s; name it tag:%s to keep it as a "
                       "tag",
                       name, in->format->name, name);
        }
    }
}

static int by_id(const void *a, const void *b)
{
    const struct id_row *x = a, *y = b;
    int order = strcmp(x->id, y->id);

    return order ? order : (x->row > y->row) - (x->row < y->row);
}

static int find_by_id(const void *key, const void *element)
{
    return strcmp(key, ((const struct id_row *)element)->id);
}

/* Sort the ids of a table and fault those that stand twice. NULL when memory is short. */
static struct id_row *index_ids(const struct csv_table *table, size_t column, struct faults *faults)
{
    struct id_row *index = calloc(table->n_row + 1, sizeof(*index));

    if (!index) return NULL;
    for (size_t row = 0; row < table->n_row; row++)
        index[row] = (struct id_row){csv_table_cell(table, row, column), row};
    qsort(index, table->n_row, sizeof(*index), by_id);
    for (size_t i = 1; i < table->n_row; i++) {
        if (!*index[i].id || strcmp(index[i].id, index[i - 1].id) != 0) continue;
        faults_add(faults, index[i].id, csv_table_name(table, column),
                   "%srow %zu, column %s: \"%s\" stands in row %zu too", table->label,
                   csv_table_row_number(table, index[i].row), csv_table_name(table, column),
                   index[i].id, csv_table_row_number(table, index[i - 1].row));
    }
    return index;
}

static enum status check_ids(struct import *in)
{
    struct id_row *index;

    if (in->id == CSV_TABLE_NONE) return OK;
    index = index_ids(in->table, in->id, in->faults);
    free(index);
    return index ? OK : NO_MEMORY;
}

static enum status read_attributes(struct job *job, struct slice bytes)
{
    struct attributes *attributes = &job->attributes;
    struct faults *faults = job->in.faults;
    enum status st;

    if (bytes.n == 0) return OK;
    st = csv_table_read(bytes, "attributes ", &attributes->table, faults);
    if (st) return st;
    attributes->id = csv_table_column(&attributes->table, "id");
    attributes->set = csv_table_column(&attributes->table, "stid");
    if (attributes->id == CSV_TABLE_NONE) {
        faults_add(faults, NULL, NULL, "attributes row 1: there is no column ID");
        return BAD_REQUEST;
    }
    attributes->index = index_ids(&attributes->table, attributes->id, faults);
    return attributes->index ? OK : NO_MEMORY;
}

static void put_tag(struct import *in, size_t row, const char *name, const char *value,
                    struct draft *draft)
{
    size_t n = strlen(name);

    if (*value && n > LIMIT_KEY) {
        import_fault(in, row, CSV_TABLE_NONE, "tag %.32s...: the name has %zu bytes, at most %d",
                     name, n, LIMIT_KEY);
        return;
    }
    if (!*value || draft_tag(draft, name, value)) return;
    import_fault(in, row, CSV_TABLE_NONE, "tag %s stands twice, or there are more than %d tags",
                 name, LIMIT_TAGS);
}

static void put_attributes(struct job *job, size_t row, struct draft *draft)
{
    struct attributes *attributes = &job->attributes;
    const struct csv_table *table = &attributes->table;
    const struct id_row *found;

    if (!attributes->index) return;
    found = bsearch(draft->id, attributes->index, table->n_row, sizeof(*found), find_by_id);
    if (!found) {
        import_fault(&job->in, row, job->in.id, "\"%s\" is not among the attributes", draft->id);
        return;
    }
    for (size_t i = 0; i < table->n_column; i++) {
        const char *value = csv_table_cell(table, found->row, i);

        if (i == attributes->id || strcmp(value, "NA") == 0) continue;
        if (i == attributes->set)
            draft->set = value;
        else
            put_tag(&job->in, row, csv_table_name(table, i), value, draft);
    }
}

static void put_tags(struct job *job, size_t row, struct draft *draft)
{
    for (size_t i = 0; i < job->table.n_column; i++) {
        if (job->use[i] != TAG) continue;
        put_tag(&job->in, row, job->tags[i], import_value(&job->in, row, i), draft);
    }
}

/* The id of a row: its own, or its number where the table has no ids. */
static const char *id_of(struct import *in, size_t row, char *numbered, size_t size)
{
    const char *id = import_text(in, row, in->id);

    if (in->id == CSV_TABLE_NONE) {
        snprintf(numbered, size, "%zu", row + 1);
        return numbered;
    }
    if (!slice_is_id(slice_str(id))) {
        import_fault(in, row, in->id, "\"%.64s\" is no id: 1 to %d of A-Z a-z 0-9 . _ : -", id,
                     LIMIT_ID);
    }
    return id;
}

static void convert_row(struct job *job, size_t row)
{
    struct import *in = &job->in;
    struct draft draft = {0};
    struct buf *bytes = &job->out.bytes;
    struct writer writer = writer_of(bytes);
    size_t begin = bytes->n, before = in->faults->total;
    char numbered[24];

    draft.id = id_of(in, row, numbered, sizeof(numbered));
    in->format->convert(in, row, &draft);
    put_tags(job, row, &draft);
    put_attributes(job, row, &draft);
    if (in->faults->total > before || !draft.model) goto done;
    if (!draft_write(&draft, &writer))
        import_fault(in, row, CSV_TABLE_NONE, "the content is nested too deep");
    else if (bytes->n - begin > LIMIT_REQUEST)
        import_fault(in, row, CSV_TABLE_NONE, "the item takes %zu bytes, at most %d",
                     bytes->n - begin, LIMIT_REQUEST);
    buf_append(&job->out.ends, &bytes->n, sizeof(bytes->n));
    job->out.n_item++;
done:
    draft_done(&draft);
}

static enum status run(struct job *job, struct slice bytes, const struct import_options *options)
{
    struct import *in = &job->in;
    enum status st = csv_table_read(bytes, "", &job->table, in->faults);

    if (st) return st;
    in->table = &job->table;
    in->format = find_format(in->table, options->format, in->faults);
    if (!in->format) return BAD_REQUEST;
    check_needs(in);
    if (in->faults->total > 0) return BAD_REQUEST;
    find_columns(job);
    find_tags(job);
    st = read_attributes(job, options->attributes);
    if (!st) st = check_ids(in);
    if (st) return st;
    if (in->format->plan) in->format->plan(in);
    if (in->table->n_row == 0) faults_add(in->faults, NULL, NULL, "there are no items");
    for (size_t row = 0; row < in->table->n_row; row++) convert_row(job, row);
    if (in->faults->total > 0) return BAD_REQUEST;
    return job->out.bytes.failed || job->out.ends.failed ? NO_MEMORY : OK;
}

enum status import_csv(struct slice bytes, const struct import_options *options,
                       struct imported *out, struct faults *faults)
{
    struct job *job = calloc(1, sizeof(*job));
    enum status st;

    if (!job) return NO_MEMORY;
    job->in.faults = faults;
    job->in.model = options->model;
    st = run(job, bytes, options);
    if (!st) {
        job->out.format = job->in.format->name;
        memcpy(job->out.note, job->in.note, sizeof(job->out.note));
        *out = job->out;
        job->out = (struct imported){0};
    }
    imported_done(&job->out);
    free(job->attributes.index);
    csv_table_done(&job->attributes.table);
    csv_table_done(&job->table);
    free(job);
    return st;
}

void imported_done(struct imported *imported)
{
    buf_done(&imported->bytes);
    buf_done(&imported->ends);
    *imported = (struct imported){0};
}

struct slice imported_item(const struct imported *imported, size_t i)
{
    const size_t *ends = (const size_t *)(const void *)imported->ends.data;
    size_t begin = i > 0 ? ends[i - 1] : 0;

    return slice_of(imported->bytes.data + begin, ends[i] - begin);
}
