/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What session.answers tells of a session, page after page. */
#ifndef CLI_ANSWERS_H
#define CLI_ANSWERS_H

#include "clients/cli/cli.h"

/* Call `take` with each page until all answers have come or it returns another code than EX_OK,
 * which is then returned. A page lives during the call. What the daemon refuses is told on stderr.
 */
MUST_CHECK int answers_each(struct cli *cli, const char *session,
                            int (*take)(void *context, const msgpack_object *page), void *context);

/* The score of an answer in words: "1 of 1", "waits", "-". */
void answer_score_text(const msgpack_object *answer, char out[32]);

#endif
