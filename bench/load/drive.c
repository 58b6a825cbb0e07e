/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/load/drive.h"
#include "base/rng.h"
#include "bench/common/sample.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sysexits.h>
#include <unistd.h>

enum { SEED = 11, EVENTS = 256, PROGRESS_MS = 200, LEFT_MS = 5000, PATIENCE_MS = 30000 };

static const int64_t ns_per_ms = 1000000;

static _Noreturn void fail(const struct drive *drive, const char *what)
{
    fprintf(stderr, "\nbench: %s: %s (%s link, %s)\n", what, strerror(errno),
            drive->plan->kind->name, drive->plan->talk->name);
    exit(EX_SOFTWARE);
}

int64_t drive_random_ns(struct drive *drive, double mean_s)
{
    return (int64_t)(-log1p(-rng_uniform(SEED, drive->n_draw++)) * mean_s * 1e9);
}

static bool is_measured(const struct drive *drive, int64_t ns)
{
    return ns >= drive->from_ns && ns < drive->until_ns;
}

void drive_send(struct drive *drive, struct seat *seat, int64_t meant_ns)
{
    const struct link_kind *kind = drive->plan->kind;

    if (student_must_start(&drive->talk, &seat->student)) drive->n_begun++;
    buf_clear(&drive->body);
    drive->talk.kind->say(&drive->talk, &seat->student, &drive->body);
    seat->meant_ns = meant_ns;
    seat->waits = true;
    drive->n_waiting++;
    if (is_measured(drive, meant_ns)) drive->out->said_bytes += drive->body.n;
    if (drive->body.failed || !kind->send(&seat->link, buf_slice(&drive->body))) {
        fail(drive, "send");
    }
    if (!kind->hides_readiness || seat->unsure) return;
    seat->unsure = true;
    drive->unsure[drive->n_unsure++] = (size_t)(seat - drive->seat);
}

static void count(struct drive *drive, const struct seat *seat, enum heard heard)
{
    struct drive_result *out = drive->out;
    struct histogram *times = heard == HEARD_ANSWER ? &out->answers : &out->starts;

    if (heard == HEARD_REFUSAL) {
        out->n_refused++;
        return;
    }
    if (is_measured(drive, seat->meant_ns)) histogram_add(times, drive->now_ns - seat->meant_ns);
    if (!is_measured(drive, drive->now_ns)) return;
    out->n_answer += heard == HEARD_ANSWER;
    out->n_start += heard == HEARD_START;
}

static void hear(void *context, struct slice body)
{
    struct drive *drive = context;
    struct seat *seat = drive->now_at;

    if (!seat->waits) {
        errno = EPROTO;
        fail(drive, "a reply that nobody waits for");
    }
    drive->now_ns = sample_clock_ns();
    seat->waits = false;
    drive->n_waiting--;
    drive->n_met += !seat->met;
    if (is_measured(drive, drive->now_ns)) drive->out->heard_bytes += body.n;
    seat->met = true;
    count(drive, seat, drive->talk.kind->hear(&drive->talk, &seat->student, body));
    if (!drive->ends) drive->plan->pace->freed(drive, seat);
}

static void receive(struct drive *drive, size_t i)
{
    struct link *link = &drive->seat[i].link;

    drive->now_at = &drive->seat[i];
    if (!link->kind->receive(link, (struct link_listener){hear, drive})) fail(drive, "receive");
}

/* Those that were unsure when this began: reading may add more, and the same again. */
static void receive_unsure(struct drive *drive)
{
    size_t n = drive->n_unsure;

    for (size_t i = 0; i < n; i++) {
        drive->seat[drive->unsure[i]].unsure = false;
        receive(drive, drive->unsure[i]);
    }
    drive->n_unsure -= n;
    memmove(drive->unsure, drive->unsure + n, drive->n_unsure * sizeof(*drive->unsure));
}

/* Wait until `until_ns` at the latest, and read what has come. */
static void wait_until(struct drive *drive, int64_t until_ns)
{
    struct epoll_event events[EVENTS];
    int64_t left_ns = until_ns - sample_clock_ns();
    struct timespec timeout = {0};
    int n;

    if (left_ns > 0 && drive->n_unsure == 0) {
        timeout = (struct timespec){left_ns / 1000000000, left_ns % 1000000000};
    }
    n = epoll_pwait2(drive->epoll, events, EVENTS, &timeout, NULL);
    if (n < 0 && errno != EINTR) fail(drive, "wait");
    for (int i = 0; i < n; i++) receive(drive, events[i].data.u32);
    receive_unsure(drive);
    drive->now_ns = sample_clock_ns();
}

static void progress(const struct drive *drive, double share)
{
    if (!drive->plan->title || !isatty(STDERR_FILENO)) return;
    fprintf(stderr, "\rbench: %-60.60s %3.0f %% ", drive->plan->title, 100.0 * fmin(share, 1.0));
}

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* One turn: send what is due, read what has come. */
static void turn(struct drive *drive, int64_t until_ns)
{
    const struct pace *pace = drive->plan->pace;
    int64_t next_ns = drive->now_ns + PROGRESS_MS * ns_per_ms;

    if (!drive->ends) {
        pace->fire(drive);
        next_ns = earliest(next_ns, pace->next_ns(drive));
    }
    wait_until(drive, earliest(next_ns, until_ns));
}

static void warm_up(struct drive *drive)
{
    const struct drive_plan *plan = drive->plan;
    int64_t until_ns = drive->now_ns + (int64_t)(plan->warm_s * 1e9);
    bool awaits_all = plan->pace->begins_all && plan->n_session == 0;

    progress(drive, 0.0);
    while (drive->now_ns < until_ns) turn(drive, until_ns);
    while (awaits_all && drive->n_met < plan->n_student) turn(drive, INT64_MAX);
}

/* On a machine that is taken the time may be over before anything has come. */
static bool has_ended(const struct drive *drive)
{
    if (drive->plan->n_session > 0) {
        return drive->n_begun >= drive->plan->n_session && drive->n_waiting == 0;
    }
    if (drive->now_ns < drive->end_ns) return false;
    return drive->out->n_answer > 0 || drive->now_ns - drive->end_ns > PATIENCE_MS * ns_per_ms;
}

static double share_done(const struct drive *drive)
{
    const struct drive_plan *plan = drive->plan;

    if (plan->n_session > 0) return (double)drive->n_begun / (double)plan->n_session;
    return (double)(drive->now_ns - drive->from_ns) * 1e-9 / plan->measured_s;
}

static void run_measured(struct drive *drive)
{
    const struct drive_plan *plan = drive->plan;
    int64_t told_ns = 0;

    if (plan->mark) plan->mark(plan->context, true);
    drive->from_ns = drive->now_ns = sample_clock_ns();
    drive->until_ns = INT64_MAX;
    drive->end_ns = drive->from_ns + (int64_t)(plan->measured_s * 1e9);
    while (!has_ended(drive)) {
        turn(drive, drive->now_ns < drive->end_ns ? drive->end_ns : INT64_MAX);
        if (drive->now_ns - told_ns < PROGRESS_MS * ns_per_ms) continue;
        told_ns = drive->now_ns;
        progress(drive, share_done(drive));
    }
    drive->until_ns = drive->now_ns;
    drive->out->seconds = (double)(drive->now_ns - drive->from_ns) * 1e-9;
    if (plan->mark) plan->mark(plan->context, false);
}

/* The replies that are still on their way, so that every time meant counts. */
static void wait_for_rest(struct drive *drive)
{
    int64_t until_ns = drive->now_ns + LEFT_MS * ns_per_ms;

    drive->ends = true;
    while (drive->n_waiting > 0 && drive->now_ns < until_ns) turn(drive, until_ns);
    drive->out->n_lost = drive->n_waiting;
}

static void *many(const struct drive *drive, size_t n, size_t size)
{
    void *memory = calloc(n, size);

    if (!memory) fail(drive, "memory");
    return memory;
}

static void sit_down(struct drive *drive)
{
    const struct drive_plan *plan = drive->plan;

    for (size_t i = 0; i < plan->n_student; i++) {
        struct seat *seat = &drive->seat[i];
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        size_t at = i % (1 + plan->n_more);

        seat->student.number = i;
        if (!plan->kind->open(&seat->link, at ? &plan->more[at - 1] : &plan->target) ||
            epoll_ctl(drive->epoll, EPOLL_CTL_ADD, seat->link.fd, &event) != 0) {
            fail(drive, "connect");
        }
    }
}

static void begin(struct drive *drive)
{
    static unsigned n_run;
    static char run[24];
    const struct drive_plan *plan = drive->plan;

    snprintf(run, sizeof(run), "%d-%u", getpid(), ++n_run);
    drive->talk = (struct talk){.kind = plan->talk, .run = run, .n_answer = plan->n_answer};
    if (plan->n_answer == 0) drive->talk.n_answer = LIMIT_ANSWERS;
    drive->talk.decoder = many(drive, 1, sizeof(struct decoder));
    if (decoder_init(drive->talk.decoder)) fail(drive, "memory");
    drive->seat = many(drive, plan->n_student, sizeof(*drive->seat));
    drive->list = many(drive, plan->n_student, sizeof(*drive->list));
    drive->due_ns = many(drive, plan->n_student, sizeof(*drive->due_ns));
    drive->unsure = many(drive, 2 * plan->n_student, sizeof(*drive->unsure));
    drive->queue = many(drive, DRIVE_QUEUE, sizeof(*drive->queue));
    drive->epoll = epoll_create1(EPOLL_CLOEXEC);
    sit_down(drive);
    drive->now_ns = sample_clock_ns();
    drive->from_ns = drive->until_ns = INT64_MAX;
    plan->pace->begin(drive);
}

static void done(struct drive *drive)
{
    memcpy(drive->out->refusal, drive->talk.refusal, sizeof(drive->out->refusal));
    for (size_t i = 0; i < drive->plan->n_student; i++) {
        drive->plan->kind->close(&drive->seat[i].link);
    }
    decoder_done(drive->talk.decoder);
    free(drive->talk.decoder);
    free(drive->seat);
    free(drive->list);
    free(drive->due_ns);
    free(drive->unsure);
    free(drive->queue);
    buf_done(&drive->body);
    close(drive->epoll);
}

void drive_run(const struct drive_plan *plan, struct drive_result *out)
{
    struct drive drive = {.plan = plan, .out = out};

    memset(out, 0, sizeof(*out));
    begin(&drive);
    warm_up(&drive);
    run_measured(&drive);
    wait_for_rest(&drive);
    progress(&drive, 1.0);
    done(&drive);
}
