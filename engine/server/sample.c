/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/sample.h"
#include "server/clock.h"
#include "server/cycle.h"
#include "server/district.h"

void sample_take(const struct loop *loop, struct sample *out)
{
    const struct server *server = loop->server;
    size_t used, map;
    uint64_t n_free = 0;

    env_usage(server->env, &used, &map);
    if (!env_disk_free(server->env, &n_free)) n_free = 0;
    *out = (struct sample){
        .stats = server->stats,
        .taken_us = clock_us(),
        .sessions_live = sessions_n_live(server->sessions),
        .banks = registry_n_bank(server->registry),
        .tests = registry_n_test(server->registry),
        .uploads = uploads_n(server->uploads),
        .waiting = loop->inbox.n,
        .helped = loop->n_pending,
        .store_used_bytes = used,
        .store_map_bytes = map,
        .disk_free_bytes = n_free,
        .draining = server_drains(server),
        .disk_is_low = server->disk_is_low,
        .store_is_up =
            !server->is_removed && (!server->district || district_is_up(server->district)),
    };
}
