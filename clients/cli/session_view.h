/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the state of a session is shown. */
#ifndef CLI_SESSION_VIEW_H
#define CLI_SESSION_VIEW_H

#include "clients/cli/cli.h"

/* Is the session in that state ("asking", ...)? */
bool session_is(const msgpack_object *state, const char *name);

/* Why a session ended, in words that name the stop rule; NULL for one that has no words here. */
const char *session_reason(struct slice stop);

/* The estimate on its scale, in one line; nothing where the peer may not see it. */
void session_show_ability(const struct cli *cli, const msgpack_object *state);

/* Why the test ended, and its result. */
void session_show_result(const struct cli *cli, const msgpack_object *state);

/* All of it, as a table. */
void session_show(const struct cli *cli, const msgpack_object *state);

#endif
