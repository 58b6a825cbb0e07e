/* SPDX-License-Identifier: GPL-3.0-or-later */
/* irt.*: measurement without a session, done by a helper: curves, estimates, rankings. */
#include "estimate/constant.h"
#include "estimate/dims.h"
#include "estimate/exact_se.h"
#include "estimate/person_fit.h"
#include "server/audits.h"
#include "server/server.h"
#include "store/estimate_document.h"
#include "store/item_document.h"
#include "store/test_document.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_TOP = 10 };

_Static_assert(LIMIT_IRT_VALUES < LIMIT_NODES_MESSAGE, "a client can read the reply");

/* In the loop: the bank that the request names, if it names one. */
static enum status prepare(struct call *call)
{
    const msgpack_object *bank = map_find(&call->root, "bank");
    struct bank_version *version;
    enum status st;

    if (!bank || bank->type == MSGPACK_OBJECT_NIL) return OK;
    st = call_bank_version(call, &version);
    if (st == OK) st = registry_load_bank(call->server->registry, version);
    if (st == OK) call->job->bank = version->bank;
    return st;
}

/* What a request is about: a bank, its own or a published one, and which of its items. */
struct subject {
    const struct bank *bank;
    struct bank *own;  // made of the request's item maps
    uint32_t *list;    // [n]
    size_t n;
};

static void subject_done(struct subject *subject)
{
    bank_free(subject->own);
    free(subject->list);
}

static enum status compile_items(struct call *call, const msgpack_object *items,
                                 struct subject *out)
{
    size_t n = items->via.array.size;
    struct buf content = {0};
    struct item_spec spec;
    double D = 1.0;
    enum status st;

    read_f64(&call->in, "D", OPTIONAL, LIMIT_D_MIN, LIMIT_D_MAX, &D);
    if (call->in.failed) return BAD_REQUEST;
    out->own = bank_new(n, D);
    if (!out->own) return NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        if (item_document_read(&items->via.array.ptr[i], i + 1, &spec, &content, &call->faults)) {
            bank_add(out->own, &spec, &call->faults);
        }
    }
    buf_done(&content);
    st = bank_seal(out->own, &call->faults);
    out->bank = out->own;
    return st == INVALID_BANK ? refuse(call, st, "items", "the items are refused") : st;
}

static enum status unknown_item(struct call *call, const char *field, const msgpack_object *object)
{
    struct slice id;

    if (!object_str(object, &id)) {
        return refuse(call, BAD_REQUEST, field, "an item id must be a str");
    }
    return refuse(call, UNKNOWN_ITEM, field, "there is no item \"%.*s\"",
                  (int)(id.n < LIMIT_ID ? id.n : LIMIT_ID), (const char *)id.data);
}

/* The index of the item that `object` names, -1 where it names none. */
static long item_of(const struct subject *subject, const msgpack_object *object)
{
    struct slice id;

    return object_str(object, &id) ? bank_find(subject->bank, id) : -1;
}

/* Items by id, or all where `items` is NULL. */
static enum status list_items(struct call *call, const msgpack_object *items, struct subject *out)
{
    out->n = items ? items->via.array.size : bank_n_item(out->bank);
    out->list = calloc(out->n + 1, sizeof(*out->list));
    if (!out->list) return NO_MEMORY;
    for (size_t i = 0; i < out->n; i++) {
        long item = items ? item_of(out, &items->via.array.ptr[i]) : (long)i;

        if (item < 0) return unknown_item(call, "items", &items->via.array.ptr[i]);
        out->list[i] = (uint32_t)item;
    }
    return OK;
}

static enum status read_subject(struct call *call, struct subject *out)
{
    const msgpack_object *items = NULL;
    enum status st;

    *out = (struct subject){.bank = call->job->bank};
    read_array(&call->in, "items", out->bank ? OPTIONAL : REQUIRED, LIMIT_ITEMS, &items);
    if (call->in.failed) return BAD_REQUEST;
    st = out->bank ? OK : compile_items(call, items, out);
    if (st) return st;
    return list_items(call, out->own ? NULL : items, out);
}

/* One theta: a number in one dimension, a list of numbers in several. */
static bool theta_of(const msgpack_object *object, size_t n_dim, double *out)
{
    const msgpack_object *list = object->via.array.ptr;

    if (n_dim == 1) return object_f64(object, -LIMIT_THETA, LIMIT_THETA, out);
    if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size != n_dim) return false;
    for (size_t m = 0; m < n_dim; m++) {
        if (!object_f64(&list[m], -LIMIT_THETA, LIMIT_THETA, &out[m])) return false;
    }
    return true;
}

static enum status refuse_theta(struct call *call, uint32_t i, size_t n_dim)
{
    return refuse(call, BAD_REQUEST, "theta", "element %u must be %s%zu number%s within %g of 0", i,
                  n_dim > 1 ? "a list of " : "", n_dim, n_dim > 1 ? "s" : "", LIMIT_THETA);
}

static void write_matrix(struct writer *out, const double *m, size_t n)
{
    write_array(out, n);
    for (size_t i = 0; i < n; i++) {
        write_array(out, n);
        for (size_t j = 0; j < n; j++) write_f64(out, m[i * n + j]);
    }
}

/* Information of an item at theta: a matrix in several dimensions. */
static void write_info(struct writer *out, const struct item *item, const double *theta)
{
    double info = item->model->info(item, item_predictor(item, theta));
    double m[LIMIT_DIMS * LIMIT_DIMS] = {0};

    item_add_outer(item, info, m);
    if (item->n_dim > 1)
        write_matrix(out, m, item->n_dim);
    else
        write_f64(out, info);
}

static void write_curve(struct writer *out, const struct subject *subject, size_t i,
                        const msgpack_object *theta)
{
    const struct item *item = bank_item(subject->bank, subject->list[i]);
    double p[LIMIT_CATS], at[LIMIT_DIMS];
    uint32_t n = theta->via.array.size;

    write_map(out, 3);
    put_text(out, "id", bank_id(subject->bank, subject->list[i]));
    write_text(out, "p");
    write_array(out, n);
    for (uint32_t t = 0; t < n; t++) {
        (void)theta_of(&theta->via.array.ptr[t], item->n_dim, at);
        item->model->prob(item, item_predictor(item, at), p);
        write_array(out, item->n_cat);
        for (unsigned k = 0; k < item->n_cat; k++) write_f64(out, p[k]);
    }
    write_text(out, "info");
    write_array(out, n);
    for (uint32_t t = 0; t < n; t++) {
        (void)theta_of(&theta->via.array.ptr[t], item->n_dim, at);
        write_info(out, item, at);
    }
}

static enum status check_thetas(struct call *call, const struct subject *subject,
                                const msgpack_object *theta)
{
    size_t n_value = 0, n_theta = theta->via.array.size, n_dim = bank_n_dim(subject->bank);
    size_t n_info = n_dim > 1 ? 1 + n_dim * (n_dim + 1) : 1;
    double at[LIMIT_DIMS];

    for (uint32_t t = 0; t < theta->via.array.size; t++) {
        if (theta_of(&theta->via.array.ptr[t], n_dim, at)) continue;
        return refuse_theta(call, t, n_dim);
    }
    for (size_t i = 0; i < subject->n; i++) {
        n_value += (bank_item(subject->bank, subject->list[i])->n_cat + 1 + n_info) * n_theta + 7;
    }
    if (n_value <= LIMIT_IRT_VALUES) return OK;
    return refuse(call, TOO_LARGE, "theta", "more than %d numbers; ask for fewer items at a time",
                  LIMIT_IRT_VALUES);
}

static enum status curve(struct call *call, struct env *env, struct estimate_workspace *workspace)
{
    const msgpack_object *theta = NULL;
    struct subject subject = {0};
    enum status st;

    (void)env;
    (void)workspace;
    read_array(&call->in, "theta", REQUIRED, LIMIT_IRT_THETAS, &theta);
    if (call->in.failed) return BAD_REQUEST;
    st = read_subject(call, &subject);
    if (st == OK) st = check_thetas(call, &subject, theta);
    if (st == OK) {
        reply_begin(call, 1);
        write_text(&call->out, "curves");
        write_array(&call->out, subject.n);
        for (size_t i = 0; i < subject.n; i++) write_curve(&call->out, &subject, i, theta);
    }
    subject_done(&subject);
    return st;
}

/* One [item id, score or nil]. */
static enum status read_answer(struct call *call, const struct subject *subject,
                               const msgpack_object *pair, struct evidence *evidence)
{
    int64_t score;
    long item;

    if (pair->type != MSGPACK_OBJECT_ARRAY || pair->via.array.size != 2) {
        return refuse(call, BAD_REQUEST, "responses", "must be pairs of an item id and a score");
    }
    item = item_of(subject, &pair->via.array.ptr[0]);
    if (item < 0) return unknown_item(call, "responses", &pair->via.array.ptr[0]);
    if (pair->via.array.ptr[1].type == MSGPACK_OBJECT_NIL) return OK;
    if (!object_int(&pair->via.array.ptr[1], 0, bank_item(subject->bank, (size_t)item)->n_cat - 1,
                    &score)) {
        return refuse(call, BAD_RESPONSE, "responses", "the score of item \"%s\" is no category",
                      bank_id(subject->bank, (size_t)item));
    }
    evidence_add(evidence, (uint32_t)item, (unsigned)score, NULL);
    return OK;
}

static enum status read_answers(struct call *call, const struct subject *subject,
                                const msgpack_object *responses, struct evidence *evidence)
{
    for (uint32_t j = 0; j < responses->via.array.size; j++) {
        enum status st = read_answer(call, subject, &responses->via.array.ptr[j], evidence);

        if (st) return st;
    }
    return OK;
}

/* Answers to be scored, in memory of their own, and how to. */
struct answers {
    struct estimate_spec spec;
    struct prior_points points;
    struct evidence evidence;
    uint32_t item[LIMIT_ANSWERS];
    uint8_t score[LIMIT_ANSWERS];
};

/* Read the responses and how to estimate. */
static enum status read_evidence(struct call *call, const struct subject *subject,
                                 enum presence presence, struct answers *out)
{
    const msgpack_object *responses = NULL;

    out->spec = estimate_spec_default();
    out->evidence =
        (struct evidence){.bank = subject->bank, .item = out->item, .score = out->score};
    read_array(&call->in, "responses", presence, LIMIT_ANSWERS, &responses);
    if (call->in.failed) return BAD_REQUEST;
    estimate_document_read(&call->root, "", &out->spec, &out->points, &call->faults);
    if (call->faults.total == 0) {
        estimate_spec_settle(&out->spec, bank_n_dim(subject->bank), "", &call->faults);
    }
    if (call->faults.total > 0) return refuse_first(call, "the estimate is refused");
    return responses ? read_answers(call, subject, responses, &out->evidence) : OK;
}

/* The standard error that the request asks for: as the estimator has it, or exact. */
static enum status read_se(struct call *call, struct answers *answers,
                           struct estimate_workspace *workspace, struct estimate *out)
{
    struct slice se = slice_str("classic");
    uint8_t score[LIMIT_ANSWERS];

    read_str(&call->in, "se", OPTIONAL, LIMIT_ID, &se);
    if (call->in.failed) return BAD_REQUEST;
    if (slice_equal_str(se, "classic")) return OK;
    if (!slice_equal_str(se, "exact")) {
        return refuse(call, BAD_REQUEST, "se", "must be classic or exact");
    }
    out->se = exact_se(&answers->spec, &answers->evidence, out->theta, score, workspace);
    if (!isnan(out->se)) return OK;
    return refuse(call, TOO_LARGE, "se", "more than %d response patterns", LIMIT_PATTERNS);
}

static void write_fit(struct writer *out, const struct answers *answers, const double *theta)
{
    struct person_fit fit = person_fit(&answers->spec, &answers->evidence, theta);

    write_text(out, "person_fit");
    write_map(out, 2);
    put_f64(out, "lz", fit.lz);
    put_f64(out, "lz_star", fit.lz_star);
}

static enum status estimate_one(struct call *call, struct answers *answers,
                                struct estimate_workspace *workspace)
{
    struct writer *out = &call->out;
    struct estimate got;
    enum status st;

    estimate_next(&answers->spec, &answers->evidence, 0.0, workspace, &got);
    st = read_se(call, answers, workspace, &got);
    if (st) return st;
    reply_begin(call, 5);
    put_f64(out, "theta", got.theta);
    put_f64(out, "se", got.se);
    put_text(out, "boundary", boundary_names[got.boundary]);
    put_int(out, "iterations", got.iterations);
    write_fit(out, answers, &got.theta);
    return OK;
}

static enum status estimate_several(struct call *call, struct answers *answers,
                                    struct estimate_workspace *workspace)
{
    size_t n_dim = bank_n_dim(answers->evidence.bank);
    struct slice classic = slice_str("classic");
    struct writer *out = &call->out;
    struct estimate_dims got;
    double se[LIMIT_DIMS];

    read_str(&call->in, "se", OPTIONAL, LIMIT_ID, &classic);
    if (call->in.failed) return BAD_REQUEST;
    if (!slice_equal_str(classic, "classic")) {
        return refuse(call, BAD_REQUEST, "se", "must be classic for a bank of %zu dimensions",
                      n_dim);
    }
    answers->spec.estimator->solve_dims(&answers->spec, &answers->evidence, workspace, &got);
    dims_se(got.cov, n_dim, se);
    reply_begin(call, 6);
    put_vector(out, "theta", got.theta, n_dim);
    put_vector(out, "se", se, n_dim);
    write_text(out, "cov");
    write_matrix(out, got.cov, n_dim);
    put_text(out, "boundary", boundary_names[BOUNDARY_NONE]);
    put_int(out, "iterations", got.iterations);
    write_fit(out, answers, got.theta);
    return OK;
}

static enum status estimate(struct call *call, struct env *env,
                            struct estimate_workspace *workspace)
{
    struct subject subject = {0};
    struct answers answers;
    enum status st = read_subject(call, &subject);

    (void)env;
    if (st == OK) st = read_evidence(call, &subject, REQUIRED, &answers);
    if (st == OK) {
        bool is_one = bank_n_dim(subject.bank) == 1;

        st = is_one ? estimate_one(call, &answers, workspace)
                    : estimate_several(call, &answers, workspace);
    }
    subject_done(&subject);
    return st;
}

/* What a ranking needs: room for one number and one bit per item of the bank. */
struct ranking {
    struct answers answers;
    struct criterion_input input;
    double thetas[LIMIT_DIMS], weights[LIMIT_DIMS];
    const struct criterion *criterion;
    int64_t top;
    struct blocked blocked;
    double *value;
    struct ranked *best;
};

static void estimate_of(struct ranking *ranking, struct estimate_workspace *workspace)
{
    struct answers *answers = &ranking->answers;
    struct estimate out;

    answers->spec.estimator->solve(&answers->spec, &answers->evidence, workspace, &out);
    ranking->thetas[0] = out.theta;
    ranking->input.se = out.se;
}

static void estimate_dims_of(struct ranking *ranking, struct estimate_workspace *workspace)
{
    struct answers *answers = &ranking->answers;
    struct estimate_dims out;

    answers->spec.estimator->solve_dims(&answers->spec, &answers->evidence, workspace, &out);
    memcpy(ranking->thetas, out.theta, sizeof(out.theta));
}

/* The weights of the dimensions, where the request has them. */
static enum status read_weights(struct call *call, size_t n_dim, struct ranking *ranking)
{
    const msgpack_object *list = NULL;

    if (!read_any(&call->in, "weights", OPTIONAL, &list)) return OK;
    if (list->type != MSGPACK_OBJECT_ARRAY || list->via.array.size != n_dim) {
        return refuse(call, BAD_REQUEST, "weights", "must have %zu element(s)", n_dim);
    }
    for (size_t m = 0; m < n_dim; m++) {
        if (object_f64(&list->via.array.ptr[m], 0.0, LIMIT_THETA, &ranking->weights[m])) continue;
        return refuse(call, BAD_REQUEST, "weights", "element %zu must be a number from 0 to %g", m,
                      LIMIT_THETA);
    }
    ranking->input.weights = ranking->weights;
    return OK;
}

/* The theta to rank at: the request's, or the estimate of its responses. The standard error is the
 * estimate's either way. */
static enum status read_theta(struct call *call, const struct subject *subject,
                              struct estimate_workspace *workspace, struct ranking *ranking)
{
    struct answers *answers = &ranking->answers;
    const msgpack_object *theta = NULL;
    bool given = read_any(&call->in, "theta", OPTIONAL, &theta);
    size_t n_dim = bank_n_dim(subject->bank);
    enum status st = read_evidence(call, subject, given ? OPTIONAL : REQUIRED, answers);

    if (st) return st;
    if (n_dim > 1)
        estimate_dims_of(ranking, workspace);
    else
        estimate_of(ranking, workspace);
    if (given && !theta_of(theta, n_dim, ranking->thetas)) {
        return refuse(call, BAD_REQUEST, "theta", "must be %zu number(s) within %g of 0", n_dim,
                      LIMIT_THETA);
    }
    for (size_t j = 0; j < answers->evidence.n; j++) {
        blocked_set(ranking->blocked, answers->item[j]);
    }
    ranking->input.theta = ranking->thetas[0];
    ranking->input.thetas = ranking->thetas;
    ranking->input.bank = subject->bank;
    ranking->input.evidence = &answers->evidence;
    ranking->input.spec = &answers->spec;
    ranking->input.ahead =
        estimator_takes(&estimator_map, answers->spec.prior.kind) ? &estimator_map : &estimator_eap;
    ranking->input.workspace = workspace;
    return OK;
}

static enum status read_pace(struct call *call, struct pace *out)
{
    const msgpack_object *pace = NULL;
    int64_t max_items = LIMIT_ANSWERS;

    *out = (struct pace){.by = PACE_LENGTH, .acceleration = 1.0};
    read_map(&call->in, "pace", OPTIONAL, &pace);
    read_int(&call->in, "max_items", OPTIONAL, 1, LIMIT_ANSWERS, &max_items);
    if (call->in.failed) return BAD_REQUEST;
    out->max_items = (unsigned)max_items;
    if (pace) pace_document_read(pace, "pace", out, &call->faults);
    if (out->by == PACE_LENGTH && !(out->at > 0.0)) out->at = (double)max_items;
    return call->faults.total > 0 ? refuse_first(call, "the pace is refused") : OK;
}

static enum status read_exclude(struct call *call, const struct subject *subject,
                                struct ranking *ranking)
{
    const msgpack_object *exclude = NULL;

    if (!read_array(&call->in, "exclude", OPTIONAL, LIMIT_ITEMS, &exclude)) return OK;
    for (uint32_t i = 0; i < exclude->via.array.size; i++) {
        long item = item_of(subject, &exclude->via.array.ptr[i]);

        if (item < 0) return unknown_item(call, "exclude", &exclude->via.array.ptr[i]);
        blocked_set(ranking->blocked, (size_t)item);
    }
    return OK;
}

static enum status read_ranking(struct call *call, const struct subject *subject,
                                struct estimate_workspace *workspace, struct ranking *ranking)
{
    size_t n_dim = bank_n_dim(subject->bank);
    struct slice criterion = slice_str(n_dim > 1 ? criterion_DPrule.name : criterion_mfi.name);
    enum status st;

    ranking->top = DEFAULT_TOP;
    read_str(&call->in, "criterion", OPTIONAL, LIMIT_ID, &criterion);
    read_int(&call->in, "top", OPTIONAL, 1, LIMIT_IRT_TOP, &ranking->top);
    if (call->in.failed) return BAD_REQUEST;
    ranking->criterion = criterion_find(criterion);
    if (!ranking->criterion) {
        return refuse(call, BAD_REQUEST, "criterion", "there is no criterion \"%.*s\"",
                      (int)criterion.n, (const char *)criterion.data);
    }
    if (!dims_fit(ranking->criterion->dims, n_dim)) {
        return refuse(call, BAD_REQUEST, "criterion", "%s is not for a bank of %zu dimension(s)",
                      ranking->criterion->name, n_dim);
    }
    st = read_theta(call, subject, workspace, ranking);
    if (st == OK) st = read_weights(call, n_dim, ranking);
    if (st == OK) st = read_pace(call, &ranking->input.pace);
    if (st == OK) st = read_exclude(call, subject, ranking);
    return call->in.failed ? BAD_REQUEST : st;
}

static void write_ranking(struct call *call, const struct subject *subject,
                          const struct ranking *ranking)
{
    struct candidates candidates = {
        .list = subject->list, .n = subject->n, .blocked = ranking->blocked};
    size_t n = pick_best(ranking->criterion, &ranking->input, &candidates, ranking->value,
                         ranking->best, (size_t)ranking->top);

    reply_begin(call, 2);
    put_vector(&call->out, "theta", ranking->thetas, bank_n_dim(subject->bank));
    write_text(&call->out, "ranked");
    write_array(&call->out, n);
    for (size_t i = 0; i < n; i++) {
        write_array(&call->out, 2);
        write_text(&call->out, bank_id(subject->bank, ranking->best[i].item));
        write_f64(&call->out, ranking->best[i].value);
    }
}

static enum status rank(struct call *call, struct env *env, struct estimate_workspace *workspace)
{
    struct subject subject = {0};
    struct ranking ranking = {0};
    enum status st = read_subject(call, &subject);
    size_t n_word;

    (void)env;
    if (st) goto done;
    n_word = bank_n_item(subject.bank) / 64 + 1;
    ranking.blocked.word = calloc(n_word, sizeof(*ranking.blocked.word));
    ranking.value = calloc(subject.n + 1, sizeof(*ranking.value));
    ranking.best = calloc(LIMIT_IRT_TOP, sizeof(*ranking.best));
    st = ranking.blocked.word && ranking.value && ranking.best ? OK : NO_MEMORY;
    if (st == OK) st = read_ranking(call, &subject, workspace, &ranking);
    if (st == OK) write_ranking(call, &subject, &ranking);
done:
    free(ranking.blocked.word);
    free(ranking.value);
    free(ranking.best);
    subject_done(&subject);
    return st;
}

#define IRT_ROW(row_op, row_work)                                                                  \
    {                                                                                              \
        .op = row_op, .roles = ROLE_AUTHOR, .max_bytes = LIMIT_MESSAGE, .when_full = true,         \
        .run = prepare, .work = row_work, .audit = audit_stored_bank                               \
    }

const struct request request_irt_curve = IRT_ROW("irt.curve", curve);
const struct request request_irt_estimate = IRT_ROW("irt.estimate", estimate);
const struct request request_irt_rank = IRT_ROW("irt.rank", rank);
