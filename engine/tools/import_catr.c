/* SPDX-License-Identifier: GPL-3.0-or-later */
/* catR's matrix of dichotomous items: a, b, c, d and perhaps the group for content balancing. catR
 * keeps all four columns for every model, so the model is concluded. */
#include "tools/import_format.h"

enum { A, B, C, D, GROUP };

static struct import_logistic columns_of(const struct import *in)
{
    return (struct import_logistic){in->column[A], in->column[B], in->column[C], in->column[D]};
}

static void plan(struct import *in)
{
    struct import_logistic columns = columns_of(in);

    import_plan_logistic(in, &columns, in->model);
}

static void convert(struct import *in, size_t row, struct draft *draft)
{
    struct import_logistic columns = columns_of(in);
    const char *group = import_value(in, row, in->column[GROUP]);
    double abcd[4];

    if (import_read_logistic(in, row, &columns, abcd)) import_put_logistic(in, abcd, draft);
    if (*group && !draft_tag(draft, "Group", group)) {
        import_fault(in, row, in->column[GROUP], "the tag stands twice");
    }
}

const struct import_format import_catr = {
    .name = "catr",
    .about = "catR, dichotomous: a, b, c, d [, Group]",
    .needs = {"a", "b", "c", "d"},
    .lacks = {"model"},
    .columns = {"a", "b", "c", "d", "Group"},
    .takes_model = true,
    .plan = plan,
    .convert = convert,
};
