/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plan of a test that nobody has taken yet with this version of its bank: it takes seconds for
 * a large bank, so a helper makes it while the other students go on. */
#ifndef SERVER_PLAN_WORK_H
#define SERVER_PLAN_WORK_H

#include "server/request.h"

struct bank_version;
struct test_version;

/* In `run`: whether a helper is to make it, which call->job and call->asks then say. False where
 * the plan is there, or the helper has had its turn: the loop makes it where it must. */
bool plan_work_ask(struct call *call, const struct test_version *test,
                   const struct bank_version *bank);

/* The request's `work`. */
enum status plan_work(struct call *call, struct env *env, struct estimate_workspace *workspace);

/* In `finish`: the registry gets what was made. Of a test or bank that has a newer version by now
 * it is not. */
void plan_work_take(struct call *call);

#endif
