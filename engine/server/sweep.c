/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/sweep.h"
#include "server/clock.h"
#include "server/log.h"
#include "server/thread.h"
#include "store/shared_examinee.h"

#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum {
    LOOK_SESSIONS = 200,
    REST_MS = 1000,         // between two looks
    REST_LOST_MS = 5000,    // where the store does not answer
    REST_DONE_MS = 600000,  // when all sessions have been looked at; and as long again by chance
};

static const int64_t day_ms = 24LL * 3600 * 1000;

/* A session that is to be erased, by its last event. */
struct old {
    struct session_key key;
    uint32_t n;
};

struct sweep {
    struct shared shared;
    int64_t retain_ms, before_ms;
    struct session_key at;  // the session that was looked at last, empty at the start
    struct old old[LOOK_SESSIONS];
    size_t n_old, n_looked;
    struct thread thread;
    atomic_bool quit;
};

static void on_last(void *context, size_t i, const struct shared_event *event, enum status status)
{
    struct sweep *sweep = context;
    struct event_record record;
    enum status st = status;

    (void)i;
    sweep->n_looked++;
    sweep->at = session_key_of(event->tenant, event->session);
    if (st == OK) st = event_record_read(event->record, &record);
    if (st == CORRUPT) {
        log_line(LOG_ERROR, "how old a session is cannot be told: it is damaged",
                 "tenant=%.*s session=%.*s hint=\"theta verify\"", (int)event->tenant.n,
                 (const char *)event->tenant.data, (int)event->session.n,
                 (const char *)event->session.data);
    }
    if (st || record.event.time_ms >= sweep->before_ms) return;
    sweep->old[sweep->n_old++] = (struct old){.key = sweep->at, .n = event->n};
}

static enum status erase_found(struct sweep *sweep, int64_t now_ms)
{
    struct tombstone tombstone = {
        .erased_ms = now_ms, .who = slice_str("thetad"), .reason = slice_str("retain_days")};
    size_t n_done = 0;
    enum status st = OK;

    for (size_t i = 0; i < sweep->n_old && st == OK && !sweep->quit; i++) {
        struct shared_event last = {.n = sweep->old[i].n};
        bool done;

        if (!session_key_read(session_key_slice(&sweep->old[i].key), &last.tenant, &last.session)) {
            continue;
        }
        st = shared_erase(&sweep->shared, &last, &tombstone, &done);
        n_done += st == OK && done;
    }
    if (n_done > 0) {
        log_line(LOG_INFO, "sessions erased by retain_days", "sessions=%zu", n_done);
    }
    return st;
}

/* Look at the next sessions. Returns for how long to rest then. */
static uint32_t look(struct sweep *sweep)
{
    int64_t now_ms = clock_wall_ms();
    struct shared_place place = {0};
    enum status st;

    sweep->n_old = sweep->n_looked = 0;
    sweep->before_ms = now_ms - sweep->retain_ms;
    if (sweep->at.n > 0 &&
        !session_key_read(session_key_slice(&sweep->at), &place.tenant, &place.session)) {
        place = (struct shared_place){0};
    }
    st =
        shared_last(&sweep->shared, &place, LOOK_SESSIONS, (struct shared_visitor){on_last, sweep});
    if (st == OK) st = erase_found(sweep, now_ms);
    if (st) return REST_LOST_MS;
    if (sweep->n_looked == LOOK_SESSIONS) return REST_MS;
    sweep->at.n = 0;
    return REST_DONE_MS + randombytes_uniform(REST_DONE_MS);
}

static void *run(void *argument)
{
    struct sweep *sweep = argument;

    while (!sweep->quit) {
        thread_rest(look(sweep), &sweep->quit);
    }
    return NULL;
}

enum status sweep_start(const char *url, int64_t retain_days, struct sweep **out)
{
    struct sweep *sweep = calloc(1, sizeof(*sweep));

    if (!sweep) return NO_MEMORY;
    sweep->retain_ms = retain_days * day_ms;
    shared_init(&sweep->shared, url, &sweep->quit);
    if (!thread_start(&sweep->thread, run, sweep)) {
        sweep_stop(sweep);
        return NO_MEMORY;
    }
    *out = sweep;
    return OK;
}

void sweep_stop(struct sweep *sweep)
{
    if (!sweep) return;
    if (sweep->thread.running) {
        sweep->quit = true;
        thread_join(&sweep->thread);
    }
    shared_done(&sweep->shared);
    free(sweep);
}
