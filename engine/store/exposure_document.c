/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/exposure_document.h"
#include "store/document.h"

#include <math.h>

#define DAY_MS            86400000.0
#define DAYS_MOST         36500.0
#define USES_MOST         1000000000
#define RATE_LEAST        1e-3
#define FADING_LEAST      0.9
#define ACCELERATION_MOST 20.0

static void read_rule(struct document *document, struct exposure_spec *out)
{
    struct slice name;

    if (!document_text(document, "rule", LIMIT_ID, &name)) return;
    if (exposure_rule_find(name)) {
        out->rule = exposure_rule_find(name);
    } else {
        document_refuse(document, "rule", "there is no exposure rule \"%.*s\"", (int)name.n,
                        (const char *)name.data);
    }
}

static void read_strata(struct document *document, struct exposure_spec *out)
{
    int64_t n_stratum = (int64_t)out->n_stratum;

    document_int(document, "strata", 1, LIMIT_GROUPS, &n_stratum);
    out->n_stratum = (size_t)n_stratum;
    document_bool(document, "b_blocks", &out->b_blocks);
}

static void read_cuts(struct document *document, struct eligibility_rule *out)
{
    const msgpack_object *cuts = NULL;

    if (!document_array(document, "cuts", LIMIT_CUTS, &cuts)) return;
    out->n_cut = cuts->via.array.size;
    for (uint32_t i = 0; i < out->n_cut; i++) {
        if (!object_f64(&cuts->via.array.ptr[i], -LIMIT_THETA, LIMIT_THETA, &out->cut[i])) {
            document_refuse(document, "cuts", "element %u must be a number within %g of 0", i,
                            LIMIT_THETA);
        } else if (i > 0 && out->cut[i] <= out->cut[i - 1]) {
            document_refuse(document, "cuts", "element %u must be above the one before it", i);
        }
    }
}

/* What says something of eligibility where that is not the rule would hold nothing. */
static void read_eligibility(struct document *document, const msgpack_object *object,
                             struct exposure_spec *out)
{
    static const char *const keys[] = {"max_rate", "fading", "acceleration", "cuts"};
    struct eligibility_rule *rule = &out->eligibility;

    for (size_t i = 0; i < COUNT_OF(keys) && !out->rule->by_counts; i++) {
        const msgpack_object *value = map_find(object, keys[i]);

        if (!value || value->type == MSGPACK_OBJECT_NIL) continue;
        document_refuse(document, keys[i], "needs the rule eligibility");
    }
    document_f64(document, "max_rate", RATE_LEAST, 1.0, &rule->max_rate);
    document_f64(document, "fading", FADING_LEAST, 1.0, &rule->fading);
    document_f64(document, "acceleration", 1.0, ACCELERATION_MOST, &rule->acceleration);
    read_cuts(document, rule);
}

void exposure_document_read(const msgpack_object *object, struct exposure_spec *out,
                            struct faults *faults)
{
    static const char *const keys[] = {"rule",        "strata", "b_blocks", "max_rate",
                                       "fading",      "cuts",   "max_uses", "repeat_after_days",
                                       "acceleration"};
    struct document document;
    int64_t max_uses = 0;
    double days = 0.0;

    document_begin(&document, object, "exposure", NULL, faults);
    document_allow(&document, keys, COUNT_OF(keys));
    read_rule(&document, out);
    read_strata(&document, out);
    read_eligibility(&document, object, out);
    document_int(&document, "max_uses", 1, USES_MOST, &max_uses);
    document_f64(&document, "repeat_after_days", 0.0, DAYS_MOST, &days);
    out->max_uses = (uint32_t)max_uses;
    out->repeat_ms = (int64_t)ceil(days * DAY_MS);
}
