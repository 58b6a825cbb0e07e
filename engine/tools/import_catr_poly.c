/* SPDX-License-Identifier: GPL-3.0-or-later */
/* catR's matrices of polytomous items, one model to a matrix. An item with fewer categories than
 * the widest has NA, or nothing, in its last columns. */
#include "tools/import_format.h"

enum { SLOPE, PLACE };  // columns
enum { STEPS };         // series of all but the NRM
enum { ALPHA, C };      // series of the NRM

static void put_numbers(struct import *in, size_t row, size_t s, const char *name,
                        struct draft *draft)
{
    double values[LIMIT_CATS + 1];
    size_t n = import_need_numbers(in, row, s, 1, values);

    if (n > LIMIT_CATS - 1)
        import_fault(in, row, CSV_TABLE_NONE, "more than %d categories", LIMIT_CATS);
    else
        draft_numbers(draft, name, values, n);
}

static void put_number(struct import *in, size_t row, size_t i, const char *name,
                       struct draft *draft)
{
    double value;

    if (import_number(in, row, in->column[i], &value)) draft_number(draft, name, value);
}

/* alphaj and steps: GRM, GPCM. */
static void convert_slope_steps(struct import *in, size_t row, struct draft *draft)
{
    put_number(in, row, SLOPE, "a", draft);
    put_numbers(in, row, STEPS, "b", draft);
}

static void convert_grm(struct import *in, size_t row, struct draft *draft)
{
    draft->model = "GRM";
    convert_slope_steps(in, row, draft);
}

static void convert_gpcm(struct import *in, size_t row, struct draft *draft)
{
    draft->model = "GPCM";
    convert_slope_steps(in, row, draft);
}

static void convert_mgrm(struct import *in, size_t row, struct draft *draft)
{
    draft->model = "MGRM";
    put_number(in, row, SLOPE, "a", draft);
    put_number(in, row, PLACE, "b", draft);
    put_numbers(in, row, STEPS, "steps", draft);
}

static void convert_pcm(struct import *in, size_t row, struct draft *draft)
{
    draft->model = "PCM";
    put_numbers(in, row, STEPS, "b", draft);
}

static void convert_rsm(struct import *in, size_t row, struct draft *draft)
{
    draft->model = "RSM";
    put_number(in, row, PLACE, "b", draft);
    put_numbers(in, row, STEPS, "steps", draft);
}

static void convert_nrm(struct import *in, size_t row, struct draft *draft)
{
    draft->model = "NRM";
    put_numbers(in, row, ALPHA, "a", draft);
    put_numbers(in, row, C, "c", draft);
    if (draft->params[0].n != draft->params[1].n) {
        import_fault(in, row, CSV_TABLE_NONE, "%zu columns alpha but %zu columns c are filled",
                     draft->params[0].n, draft->params[1].n);
    }
}

const struct import_format import_catr_grm = {
    .name = "catr-grm",
    .about = "catR, graded response: alphaj, betaj1, betaj2, ..",
    .needs = {"alphaj", "betaj1"},
    .columns = {"alphaj"},
    .series = {"betaj"},
    .convert = convert_grm,
};

const struct import_format import_catr_gpcm = {
    .name = "catr-gpcm",
    .about = "catR, generalized partial credit: alphaj, deltaj1, deltaj2, ..",
    .needs = {"alphaj", "deltaj1"},
    .columns = {"alphaj"},
    .series = {"deltaj"},
    .convert = convert_gpcm,
};

const struct import_format import_catr_mgrm = {
    .name = "catr-mgrm",
    .about = "catR, modified graded response: alphaj, bj, c1, c2, ..",
    .needs = {"alphaj", "bj", "c1"},
    .columns = {"alphaj", "bj"},
    .series = {"c"},
    .convert = convert_mgrm,
};

const struct import_format import_catr_pcm = {
    .name = "catr-pcm",
    .about = "catR, partial credit: deltaj1, deltaj2, ..",
    .needs = {"deltaj1"},
    .lacks = {"alphaj"},
    .series = {"deltaj"},
    .convert = convert_pcm,
};

const struct import_format import_catr_rsm = {
    .name = "catr-rsm",
    .about = "catR, rating scale: lambdaj, delta1, delta2, ..",
    .needs = {"lambdaj", "delta1"},
    .columns = {NULL, "lambdaj"},
    .series = {"delta"},
    .convert = convert_rsm,
};

const struct import_format import_catr_nrm = {
    .name = "catr-nrm",
    .about = "catR, nominal response: alpha1, c1, alpha2, c2, ..",
    .needs = {"alpha1", "c1"},
    .series = {"alpha", "c"},
    .convert = convert_nrm,
};
