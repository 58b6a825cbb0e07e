/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients/cli/answers.h"

#include <math.h>
#include <stdio.h>

static int ask(struct cli *cli, const char *session, int64_t offset,
               const msgpack_object **out_page)
{
    struct buf fields = {0};
    struct writer out = writer_of(&fields);
    int code;

    write_map(&out, 2);
    put_text(&out, "session", session);
    put_int(&out, "offset", offset);
    code = cli_call(cli, "session.answers", &fields, out_page);
    buf_done(&fields);
    return code;
}

int answers_each(struct cli *cli, const char *session,
                 int (*take)(void *context, const msgpack_object *page), void *context)
{
    int64_t n_seen = 0, n_answer;
    size_t n;

    do {
        const msgpack_object *page;
        int code = ask(cli, session, n_seen, &page);

        if (code) return code;
        n = reply_size(reply_array(page, "answers"));
        n_answer = reply_int(page, "n_answers");
        code = take(context, page);
        if (code) return code;
        n_seen += (int64_t)n;
    } while (n > 0 && n_seen < n_answer);
    return EX_OK;
}

void answer_score_text(const msgpack_object *answer, char out[32])
{
    double score = reply_number(answer, "score");

    if (reply_is(answer, "pending"))
        snprintf(out, 32, "waits");
    else if (isnan(score))
        snprintf(out, 32, "-");
    else
        snprintf(out, 32, "%.0f of %lld", score, (long long)reply_int(answer, "max"));
}
