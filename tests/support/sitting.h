/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session, its plan and its workspace together, moved by short calls. */
#ifndef SUPPORT_SITTING_H
#define SUPPORT_SITTING_H

#include "session/session.h"

struct sitting {
    struct plan *plan;
    struct session *session;
    struct workspace *workspace;
    int64_t now_ms;           // of the next event
    const uint32_t *retired;  // and the items out of use
    uint32_t n_retired;
    struct effects effects;  // of the last event that was taken
};

/* The test must fit the bank. */
void sitting_open(struct sitting *sitting, const struct test *test, const struct bank *bank);
void sitting_close(struct sitting *sitting);

/* An event now, with nothing but what every kind has. */
struct event sitting_event(const struct sitting *sitting, enum event_kind kind);
/* An answer to the present question; where a person scores it, a text. */
struct event sitting_answer_event(const struct sitting *sitting, unsigned score);

enum status sitting_take(struct sitting *sitting, const struct event *event);
enum status sitting_do(struct sitting *sitting, enum event_kind kind);
enum status sitting_start(struct sitting *sitting, uint64_t seed);
enum status sitting_answer(struct sitting *sitting, unsigned score);

struct session_view sitting_view(const struct sitting *sitting);
/* Whether two views are the same to the bit. */
bool view_equal(const struct session_view *a, const struct session_view *b);

/* Set the test's stop rules: any of the n. */
void stop_any(struct test *test, const struct stop_node *rules, size_t n);
/* The rule with its first parameter at `at` and the others as they are preset. */
struct stop_node stop_at(const struct stop_rule *rule, double at);

#endif
