/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/watch.h"
#include "server/notify.h"
#include "server/thread.h"

#include <sysexits.h>

static bool look_at_thread(struct loop *loop, const char *name, bool is_alive, int64_t now_us)
{
    uint64_t n_before;

    if (!is_alive && refusals_add(&loop->refusals, name, now_us, &n_before)) {
        log_line(LOG_ERROR, "a thread is stuck", "thread=%s", name);
    }
    return is_alive;
}

void watch_feed(struct loop *loop, int64_t now_us)
{
    bool alive = !loop->access ||
                 look_at_thread(loop, "auth", access_is_alive(loop->access, now_us), now_us);

    for (int h = 0; h < N_HELPER; h++) {
        bool is_alive = helper_is_alive(loop->helper[h], now_us);

        if (!look_at_thread(loop, helper_names[h], is_alive, now_us)) alive = false;
    }
    if (!alive || loop->watchdog_ms == 0) return;
    if (now_us - loop->watchdog_us < loop->watchdog_ms * 1000 / 2) return;
    notify("WATCHDOG=1");
    loop->watchdog_us = now_us;
}

static void look_for_end(struct loop *loop, const char *name, const struct thread *thread)
{
    if (loop->done || !thread_has_ended(thread)) return;
    log_line(LOG_ERROR, "a thread has ended, going down", "thread=%s", name);
    loop->exit_code = EX_OSERR;
    loop->done = true;
}

void watch_ends(struct loop *loop)
{
    struct district *district = loop->server->district;

    for (int h = 0; h < N_HELPER; h++) {
        look_for_end(loop, helper_names[h], helper_thread(loop->helper[h]));
    }
    if (loop->access) look_for_end(loop, "auth", access_thread(loop->access));
    if (loop->metrics) look_for_end(loop, "metrics", metrics_thread(loop->metrics));
    for (int k = 0; k < N_LINE && district; k++) {
        look_for_end(loop, "line", line_thread(district_line(district, (enum line_kind)k)));
    }
}
