/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fate/judge.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void judge_begin(struct judge *judge, const char *secret, uint32_t n_question)
{
    assert(n_question <= JUDGE_QUESTIONS);
    *judge = (struct judge){.secret = secret, .n_question = n_question};
    for (size_t s = 0; s < JUDGE_SESSIONS; s++) {
        for (size_t q = 0; q < JUDGE_QUESTIONS + 2; q++) judge->session[s].taken[q] = -1;
    }
}

void judge_sent(struct judge *judge, struct request_sent *request)
{
    struct session_facts *facts = &judge->session[request->session];

    request->floor = facts->furthest;
    if (request->op == SENT_ANSWER) facts->sent[request->seq][request->response] = true;
}

static enum verdict wrong(struct judge *judge, const struct request_sent *request, const char *fmt,
                          ...) PRINTF(3, 4);
static enum verdict wrong(struct judge *judge, const struct request_sent *request, const char *fmt,
                          ...)
{
    static const char *const ops[] = {"start", "get", "answer"};
    int n = snprintf(judge->wrong, sizeof(judge->wrong), "session %u, %s", request->session,
                     ops[request->op]);
    va_list args;

    if (request->op == SENT_ANSWER) {
        n += snprintf(judge->wrong + n, sizeof(judge->wrong) - (size_t)n, " %u to question %u (%s)",
                      request->response, request->seq, request->item);
    }
    n += snprintf(judge->wrong + n, sizeof(judge->wrong) - (size_t)n, ": ");
    va_start(args, fmt);
    vsnprintf(judge->wrong + n, sizeof(judge->wrong) - (size_t)n, fmt, args);
    va_end(args);
    return JUDGED_WRONG;
}

static bool was_sent(const struct session_facts *facts, uint32_t seq)
{
    return facts->sent[seq][0] || facts->sent[seq][1];
}

static bool other_was_sent(const struct session_facts *facts, const struct request_sent *request)
{
    return facts->sent[request->seq][!request->response];
}

/* Whether an answer can have been refused with this code. */
static bool has_reason(const struct judge *judge, const struct request_sent *request,
                       struct slice code)
{
    const struct session_facts *facts = &judge->session[request->session];
    uint32_t last = judge->n_question;

    if (slice_equal_str(code, "unknown_session")) {
        return request->op != SENT_START && facts->furthest == 0;
    }
    if (request->op != SENT_ANSWER) return false;
    if (slice_equal_str(code, "stale_seq")) {
        return request->seq < last && was_sent(facts, request->seq + 1);
    }
    if (slice_equal_str(code, "conflict")) return other_was_sent(facts, request);
    if (slice_equal_str(code, "finished")) {
        return was_sent(facts, last) && (request->seq < last || other_was_sent(facts, request));
    }
    return false;
}

static enum verdict judge_refusal(struct judge *judge, const struct request_sent *request,
                                  const msgpack_object *root)
{
    static const char *const later[] = {"busy", "retry", "internal"};
    struct slice code = {0}, message = {0};
    const msgpack_object *error = map_find(root, "error");

    if (!object_str(map_find(error, "code"), &code) ||
        !object_str(map_find(error, "message"), &message)) {
        return wrong(judge, request, "a refusal without code and message");
    }
    for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++) {
        if (slice_equal_str(code, later[i])) return JUDGED_LATER;
    }
    if (has_reason(judge, request, code)) return JUDGED_REFUSED;
    return wrong(judge, request, "refused without a reason, %.*s: %.*s", (int)code.n, code.data,
                 (int)message.n, message.data);
}

static uint64_t bits_of(const msgpack_object *number)
{
    double value = 0.0;
    uint64_t bits;

    object_f64(number, -1e9, 1e9, &value);
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* A question is told with these and nothing else: no key, no parameter. */
static bool tells_too_much(const msgpack_object *item)
{
    static const char *const may[] = {"id", "content", "set", "options", "scored"};
    uint32_t n_known = 0;

    for (size_t i = 0; i < sizeof(may) / sizeof(*may); i++)
        n_known += map_find(item, may[i]) != NULL;
    return item && item->type == MSGPACK_OBJECT_MAP && item->via.map.size != n_known;
}

static bool read_moment(const msgpack_object *root, struct moment *out)
{
    const msgpack_object *of = map_find(root, "result");
    struct slice state, item = slice_str("");
    int64_t seq;

    *out = (struct moment){0};
    if (!object_str(map_find(root, "state"), &state)) return false;
    if (!object_int(map_find(root, "seq"), 1, JUDGE_QUESTIONS, &seq)) return false;
    out->has_ended = slice_equal_str(state, "finished");
    if (!out->has_ended) {
        of = map_find(root, "ability");
        if (!object_str(map_find(map_find(root, "item"), "id"), &item)) return false;
    }
    out->asked = (uint32_t)seq + out->has_ended;
    out->theta = bits_of(map_find(of, "theta"));
    out->se = bits_of(map_find(of, "se"));
    return of && slice_to_text(item, out->item, sizeof(out->item));
}

static bool is_same(const struct moment *a, const struct moment *b)
{
    return a->has_ended == b->has_ended && a->theta == b->theta && a->se == b->se &&
           strcmp(a->item, b->item) == 0;
}

static bool is_repeated(const struct session_facts *facts, const struct moment *moment)
{
    for (uint32_t q = 1; q <= JUDGE_QUESTIONS; q++) {
        if (q != moment->asked && facts->told[q].asked && moment->item[0] &&
            strcmp(facts->told[q].item, moment->item) == 0) {
            return true;
        }
    }
    return false;
}

/* The rules about a moment, whoever asked for it. */
static enum verdict judge_moment(struct judge *judge, const struct request_sent *request,
                                 const struct moment *moment)
{
    struct session_facts *facts = &judge->session[request->session];
    struct moment *told = &facts->told[moment->asked];

    if (moment->has_ended != (moment->asked == judge->n_question + 1)) {
        return wrong(judge, request, "the test ends at question %u", moment->asked);
    }
    if (moment->asked < request->floor) {
        return wrong(judge, request, "told of question %u, where somebody was told of %u before",
                     moment->asked, request->floor);
    }
    for (uint32_t q = 1; q < moment->asked; q++) {
        if (!was_sent(facts, q)) return wrong(judge, request, "nobody answered question %u", q);
    }
    if (told->asked && !is_same(told, moment)) {
        return wrong(judge, request, "question %u is told of in two ways: %s %016llx, %s %016llx",
                     moment->asked, told->item, (unsigned long long)told->theta, moment->item,
                     (unsigned long long)moment->theta);
    }
    if (is_repeated(facts, moment)) return wrong(judge, request, "%s is asked twice", moment->item);
    *told = *moment;
    if (moment->asked > facts->furthest) facts->furthest = moment->asked;
    return JUDGED_GOOD;
}

static enum verdict judge_taken(struct judge *judge, const struct request_sent *request,
                                const struct moment *moment)
{
    int *taken = &judge->session[request->session].taken[request->seq];

    if (*taken >= 0 && (unsigned)*taken != request->response) {
        return wrong(judge, request, "another answer was taken, and now this one");
    }
    if (moment->asked != request->seq + 1) {
        return wrong(judge, request, "taken, and question %u comes next", moment->asked);
    }
    *taken = (int)request->response;
    return JUDGED_GOOD;
}

enum verdict judge_reply(struct judge *judge, const struct request_sent *request,
                         struct decoder *decoder, struct slice reply, struct moment *out_moment)
{
    const msgpack_object *ok;
    struct fault fault = {0};
    msgpack_object root;
    enum verdict verdict;

    if (decode(decoder, reply, &root, &fault)) return wrong(judge, request, "no message came back");
    if (memmem(reply.data, reply.n, judge->secret, strlen(judge->secret)) ||
        tells_too_much(map_find(&root, "item"))) {
        return wrong(judge, request, "more is told of an item than an examinee may know");
    }
    ok = map_find(&root, "ok");
    if (!ok || ok->type != MSGPACK_OBJECT_BOOLEAN)
        return wrong(judge, request, "neither good nor bad");
    if (!ok->via.boolean) return judge_refusal(judge, request, &root);
    if (!read_moment(&root, out_moment)) return wrong(judge, request, "a state with parts missing");
    verdict = judge_moment(judge, request, out_moment);
    if (verdict == JUDGED_GOOD && request->op == SENT_ANSWER) {
        verdict = judge_taken(judge, request, out_moment);
    }
    return verdict;
}
