/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/sitting.h"

#include <criterion/criterion.h>
#include <string.h>

void sitting_open(struct sitting *sitting, const struct test *test, const struct bank *bank)
{
    struct faults faults = {0};

    *sitting = (struct sitting){.now_ms = 1700000000000};
    if (plan_new(test, bank, &sitting->plan, &faults) != OK) {
        cr_assert(faults.n > 0);
        cr_assert_fail("the test does not fit the bank: %s %s", faults.list[0].field,
                       faults.list[0].text);
    }
    sitting->session = session_new(sitting->plan);
    sitting->workspace = workspace_new(bank_n_item(bank));
    cr_assert(sitting->session && sitting->workspace);
}

void sitting_close(struct sitting *sitting)
{
    session_free(sitting->session);
    workspace_free(sitting->workspace);
    plan_free(sitting->plan);
    *sitting = (struct sitting){0};
}

struct event sitting_event(const struct sitting *sitting, enum event_kind kind)
{
    return (struct event){.kind = kind,
                          .time_ms = sitting->now_ms,
                          .retired = sitting->retired,
                          .n_retired = sitting->n_retired,
                          .elapsed_ms = -1};
}

struct event sitting_answer_event(const struct sitting *sitting, unsigned score)
{
    struct event event = sitting_event(sitting, EVENT_ANSWERED);
    struct session_view view = sitting_view(sitting);

    event.seq = view.seq;
    event.item = view.item;
    event.response = (struct response){.kind = RESPONSE_SCORE, .score = (uint8_t)score};
    if (bank_is_later(sitting->plan->bank, view.item)) {
        event.response = (struct response){.kind = RESPONSE_LATER, .raw = slice_str("an essay")};
    }
    return event;
}

enum status sitting_take(struct sitting *sitting, const struct event *event)
{
    return session_step(sitting->session, event, sitting->workspace, &sitting->effects);
}

enum status sitting_do(struct sitting *sitting, enum event_kind kind)
{
    struct event event = sitting_event(sitting, kind);

    return sitting_take(sitting, &event);
}

enum status sitting_start(struct sitting *sitting, uint64_t seed)
{
    struct event event = sitting_event(sitting, EVENT_STARTED);

    event.seed = seed;
    return sitting_take(sitting, &event);
}

enum status sitting_answer(struct sitting *sitting, unsigned score)
{
    struct event event = sitting_answer_event(sitting, score);

    return sitting_take(sitting, &event);
}

struct session_view sitting_view(const struct sitting *sitting)
{
    struct session_view view;

    session_view(sitting->session, &view);
    return view;
}

static bool bits_equal(double a, double b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

bool view_equal(const struct session_view *a, const struct session_view *b)
{
    return a->state == b->state && a->seq == b->seq && a->item == b->item && a->asked == b->asked &&
           a->min_items == b->min_items && a->max_items == b->max_items &&
           a->n_pending == b->n_pending && a->n_revisable == b->n_revisable &&
           bits_equal(a->theta, b->theta) && bits_equal(a->se, b->se) && a->stop == b->stop &&
           memcmp(&a->ability, &b->ability, sizeof(a->ability)) == 0;
}

void stop_any(struct test *test, const struct stop_node *rules, size_t n)
{
    cr_assert(n < LIMIT_STOP_NODES);
    test->stop.n_node = n + 1;
    test->stop.node[0] = (struct stop_node){.join = STOP_ANY, .n_node = n + 1};
    memcpy(test->stop.node + 1, rules, n * sizeof(*rules));
}

struct stop_node stop_at(const struct stop_rule *rule, double at)
{
    struct stop_node node = {.join = STOP_RULE, .rule = rule, .n_node = 1};

    for (size_t i = 0; rule->params[i].name; i++) node.arg[i] = rule->params[i].preset;
    node.arg[0] = at;
    return node;
}
