/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names follow the conventions of Prometheus: base units (seconds, bytes), counters that end in
 * _total. Only replies that there were have a series by op and code: of the thousand pairs nearly
 * all never come. The bounds of a histogram are powers of two, which the loop's finer buckets
 * share, so that none is divided. */
#include "server/metrics_text.h"
#include "server/request.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    LOG2_FIRST = 5,         // 32 us
    LOG2_LAST = 23,         // 8.4 s
    STALE_US = 5 * 1000000  // ten ticks
};

static void put(struct buf *out, const char *fmt, ...) PRINTF(2, 3);

static void put(struct buf *out, const char *fmt, ...)
{
    char text[256];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(text)) {
        out->failed = true;
        return;
    }
    buf_append(out, text, (size_t)n);
}

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
    put(out, "# HELP %s %s\n", name, help);
    put(out, "# TYPE %s %s\n", name, type);
}

static void put_one(struct buf *out, const char *name, const char *type, const char *help,
                    double value)
{
    put_head(out, name, type, help);
    put(out, "%s %.17g\n", name, value);
}

static void put_replies(struct buf *out, const struct stats *stats)
{
    static const char name[] = "thetad_requests_total";

    put_head(out, name, "counter", "Replies sent, by op and code; op \"none\": no op of ours.");
    for (size_t op = 0; op < STATS_OPS; op++) {
        for (size_t code = 0; code < STATS_CODES; code++) {
            if (!stats->replies[op][code]) continue;
            put(out, "%s{op=\"%s\",code=\"%s\"} %" PRIu64 "\n", name,
                op == STATS_NO_OP ? "none" : requests[op]->op, status_code((enum status)code),
                stats->replies[op][code]);
        }
    }
}

static void put_histogram(struct buf *out, const char *name, const char *help,
                          const struct latency *latency)
{
    uint64_t n = latency_n(latency);

    put_head(out, name, "histogram", help);
    for (unsigned log2 = LOG2_FIRST; log2 <= LOG2_LAST; log2++) {
        put(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, (double)(1u << log2) / 1e6,
            latency_below(latency, log2));
    }
    put(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, n);
    put(out, "%s_sum %.17g\n", name, (double)latency->sum_us / 1e6);
    put(out, "%s_count %" PRIu64 "\n", name, n);
}

static void put_counters(struct buf *out, const struct stats *stats)
{
    const struct {
        const char *name, *help;
        uint64_t value;
    } rows[] = {
        {"thetad_answers_total", "Answers taken; repetitions do not count.", stats->answers},
        {"thetad_sessions_started_total", "Sessions started.", stats->sessions_started},
        {"thetad_sessions_finished_total", "Sessions finished.", stats->sessions_finished},
        {"thetad_commits_total", "Commits to the store, a district's too.", stats->commits},
        {"thetad_dropped_total", "Messages that could not be answered, replies not sent.",
         stats->dropped},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        put_one(out, rows[i].name, "counter", rows[i].help, (double)rows[i].value);
    }
}

static void put_gauges(struct buf *out, const struct sample *sample)
{
    const struct {
        const char *name, *help;
        uint64_t value;
    } rows[] = {
        {"thetad_sessions_live", "Sessions in memory.", sample->sessions_live},
        {"thetad_banks", "Banks in memory, all versions.", sample->banks},
        {"thetad_tests", "Tests in memory, all versions.", sample->tests},
        {"thetad_uploads", "Uploads of banks under way.", sample->uploads},
        {"thetad_requests_waiting", "Requests not begun.", sample->waiting},
        {"thetad_requests_helped", "Requests that a helper has.", sample->helped},
        {"thetad_store_used_bytes", "Store on this machine, in use.", sample->store_used_bytes},
        {"thetad_store_map_bytes", "Store on this machine, room.", sample->store_map_bytes},
        {"thetad_disk_free_bytes", "Free on the disk of the store.", sample->disk_free_bytes},
        {"thetad_disk_low", "1: below the reserve, nothing new is written.", sample->disk_is_low},
        {"thetad_draining", "1: no new sessions are taken.", sample->draining},
        {"thetad_store_up", "1: the store of the sessions answers.", sample->store_is_up},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        put_one(out, rows[i].name, "gauge", rows[i].help, (double)rows[i].value);
    }
}

static void put_process(struct buf *out, const struct process_use *use)
{
    put_one(out, "process_cpu_seconds_total", "counter", "CPU time, user and system.", use->cpu_s);
    put_one(out, "process_start_time_seconds", "gauge", "Start, since 1970.", use->started_s);
    put_one(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
            (double)use->resident_bytes);
    put_one(out, "process_open_fds", "gauge", "Open file descriptors.", (double)use->open_fds);
    put_one(out, "process_max_fds", "gauge", "File descriptors allowed.", (double)use->max_fds);
}

void metrics_write(const struct sample *sample, const struct process_use *use, struct buf *out)
{
    put_head(out, "thetad_build_info", "gauge", "1, with the version.");
    put(out, "thetad_build_info{version=\"%s\"} 1\n", THETAD_VERSION);
    put_replies(out, &sample->stats);
    put_histogram(out, "thetad_request_seconds", "From a request's arrival to its reply's sending.",
                  &sample->stats.request);
    put_histogram(out, "thetad_commit_seconds", "Commits to the store, a district's too.",
                  &sample->stats.commit);
    put_counters(out, &sample->stats);
    put_gauges(out, sample);
    put_process(out, use);
}

bool metrics_is_alive(const struct sample *sample, int64_t now_us)
{
    return now_us - sample->taken_us < STALE_US;
}

const char *metrics_unready(const struct sample *sample, int64_t now_us)
{
    if (!metrics_is_alive(sample, now_us)) return "the loop does not turn";
    if (sample->draining) return "draining";
    if (!sample->store_is_up) return "the store does not answer";
    return sample->disk_is_low ? "the disk is nearly full" : NULL;
}
