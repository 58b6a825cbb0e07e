/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/upkeep.h"
#include "server/clock.h"
#include "server/erase.h"
#include "server/log.h"
#include "store/mark.h"

#include <string.h>
#include <unistd.h>

enum {
    TRIM_TICKS = 20,     // begin to trim the journal on every so many ticks
    RETAIN_LOOK = 64,    // sessions whose age is looked at on a tick
    TIDY_BUSY = 8,       // sessions to archive in a cycle that serves,
    TIDY_IDLE = 256,     // and on a tick
    TIDY_SHARE = 16,     // and one of so many that have ended
    WAKE_EVENTS = 256,   // of sessions asleep that are stepped in a cycle: half a millisecond
    MARK_EVENTS = 4096,  // that the mark may be behind before it is due
};

/* More where more have ended, so that they do not pile up. */
void upkeep_cycle(struct server *server, bool idle)
{
    size_t n_most =
        (idle ? TIDY_IDLE : TIDY_BUSY) + sessions_n_ended(server->sessions) / TIDY_SHARE;
    enum status st = sessions_tidy(server->sessions, &server->batch, clock_us(), n_most);

    if (st) log_line(LOG_ERROR, "a session could not be archived", "status=%d", (int)st);
    sessions_wake(server->sessions, clock_us(), WAKE_EVENTS);
}

/* Below the reserve nothing new is taken in until there is room again. */
static void look_at_disk(struct server *server)
{
    uint64_t reserve = (uint64_t)server->config.reserve_mib << 20, n_free;
    bool was = server->disk_is_low;

    if (!env_disk_free(server->env, &n_free)) return;
    server->disk_is_low = n_free < reserve;
    if (server->disk_is_low == was) return;
    log_line(LOG_WARN, was ? "the disk has room again" : "the disk is nearly full",
             "free_mib=%llu reserve_mib=%lld", (unsigned long long)(n_free >> 20),
             (long long)server->config.reserve_mib);
}

/* Whatever is acknowledged from then on would be lost at the end; what was until then is still in
 * the open file. */
static void look_at_file(struct server *server)
{
    if (server->is_removed || !env_is_removed(server->env)) return;
    server->is_removed = true;
    log_line(LOG_ERROR, "the store's file has been removed, nothing new is taken",
             "data_dir=%s hint=\"before the daemon ends, copy it from /proc/%d/fd\"",
             server->config.data_dir, (int)getpid());
}

void upkeep_tick(struct server *server, int64_t now_us, int64_t now_ms, uint64_t n_tick)
{
    enum status st;

    uploads_tidy(server->uploads, &server->batch, now_us);
    look_at_disk(server);
    look_at_file(server);
    if (n_tick % TRIM_TICKS == 0 || sessions_trim_goes_on(server->sessions)) {
        st = sessions_trim(server->sessions, &server->batch);
        if (st) log_line(LOG_ERROR, "the journal could not be trimmed", "status=%d", (int)st);
    }
    if (n_tick % TRIM_TICKS == 0) journal_anchor(&server->journal, &server->batch);
    st = erase_old(server, now_ms, RETAIN_LOOK);
    if (st) log_line(LOG_ERROR, "old sessions could not be erased", "status=%d", (int)st);
}

void upkeep_committed(struct server *server, bool due)
{
    struct journal_head newest = journal_newest(&server->journal);
    struct fault fault = {0};
    bool failed;

    if (server->district || memcmp(&newest, &server->mark, sizeof(newest)) == 0) return;
    if (!due && (server->mark_failed || newest.lsn - server->mark.lsn < MARK_EVENTS)) return;
    failed = mark_write(server->config.mark, &newest, &fault) != OK;
    if (failed && !server->mark_failed) {
        log_line(LOG_WARN, "the mark stays behind: an older store may not be noticed",
                 "error=\"%s\"", fault.text);
    }
    if (!failed) server->mark = newest;
    server->mark_failed = failed;
}
