/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/metrics_text.h"
#include "server/request.h"

#include <criterion/criterion.h>
#include <string.h>

/* A sample with something in each place. */
static struct sample *made(void)
{
    static struct sample sample;

    sample = (struct sample){.taken_us = 5000000,
                             .sessions_live = 17,
                             .waiting = 3,
                             .disk_free_bytes = UINT64_C(123456789012),
                             .store_is_up = true};
    stats_reply(&sample.stats, 0, OK);
    stats_reply(&sample.stats, 0, OK);
    stats_reply(&sample.stats, 0, STALE_SEQ);
    stats_reply(&sample.stats, STATS_NO_OP, UNKNOWN_OP);
    sample.stats.answers = 2;
    latency_add(&sample.stats.request, 31);
    latency_add(&sample.stats.request, 32);
    latency_add(&sample.stats.request, 9000000);
    latency_add(&sample.stats.commit, 250);
    return &sample;
}

static void expect_line(const struct buf *text, const char *line)
{
    char wanted[300];

    snprintf(wanted, sizeof(wanted), "\n%s\n", line);
    cr_expect(memmem(text->data, text->n, wanted, strlen(wanted)), "there is no line: %s", line);
}

Test(metrics_text, has_every_value)
{
    struct process_use use = {.cpu_s = 2.385, .started_s = 1.5, .resident_bytes = 4096};
    struct buf text = {0};

    metrics_write(made(), &use, &text);
    cr_assert(!text.failed);
    cr_expect_eq(text.data[text.n - 1], '\n');
    expect_line(&text, "# TYPE thetad_requests_total counter");
    expect_line(&text, "thetad_requests_total{op=\"session.answer\",code=\"ok\"} 2");
    expect_line(&text, "thetad_requests_total{op=\"session.answer\",code=\"stale_seq\"} 1");
    expect_line(&text, "thetad_requests_total{op=\"none\",code=\"unknown_op\"} 1");
    expect_line(&text, "thetad_request_seconds_bucket{le=\"3.2e-05\"} 1");
    expect_line(&text, "thetad_request_seconds_bucket{le=\"6.4e-05\"} 2");
    expect_line(&text, "thetad_request_seconds_bucket{le=\"8.38861\"} 2");
    expect_line(&text, "thetad_request_seconds_bucket{le=\"+Inf\"} 3");
    expect_line(&text, "thetad_request_seconds_count 3");
    expect_line(&text, "thetad_request_seconds_sum 9.0000630000000008");
    expect_line(&text, "thetad_commit_seconds_bucket{le=\"0.000256\"} 1");
    expect_line(&text, "thetad_answers_total 2");
    expect_line(&text, "thetad_sessions_live 17");
    expect_line(&text, "thetad_requests_waiting 3");
    expect_line(&text, "thetad_disk_free_bytes 123456789012");
    expect_line(&text, "thetad_store_up 1");
    expect_line(&text, "thetad_draining 0");
    expect_line(&text, "process_cpu_seconds_total 2.3849999999999998");
    buf_done(&text);
}

Test(metrics_text, says_why_it_is_not_ready)
{
    struct sample *sample = made();

    cr_expect_null(metrics_unready(sample, sample->taken_us));
    cr_expect_null(metrics_unready(sample, sample->taken_us + 4999999));
    cr_expect(metrics_unready(sample, sample->taken_us + 5000000));
    cr_expect(metrics_is_alive(sample, sample->taken_us + 4999999));
    cr_expect(!metrics_is_alive(sample, sample->taken_us + 5000000));
    sample->disk_is_low = true;
    cr_expect_str_eq(metrics_unready(sample, sample->taken_us), "the disk is nearly full");
    sample->store_is_up = false;
    cr_expect_str_eq(metrics_unready(sample, sample->taken_us), "the store does not answer");
    sample->draining = true;
    cr_expect_str_eq(metrics_unready(sample, sample->taken_us), "draining");
}

/* The table of requests fits the table of counters, the last place of which is nobody's. */
Test(metrics_text, every_op_has_a_place)
{
    size_t n = 0;

    while (requests[n]) n++;
    cr_expect_lt(n, (size_t)STATS_NO_OP);
}
