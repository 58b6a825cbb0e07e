/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/server.h"
#include "base/planted.h"
#include "server/clock.h"
#include "server/news.h"
#include "server/request.h"
#include "store/mark.h"

#include <stdio.h>
#include <sys/stat.h>

/* The loss is on record before anything else happens, and the next start knows this store. */
static enum status accept_older(struct server *server, struct fault *fault)
{
    struct audit_entry entry = {.time_ms = clock_wall_ms(),
                                .tenant = slice_str(OPERATOR),
                                .who = slice_str(OPERATOR),
                                .roles = ROLE_ADMIN,
                                .op = slice_str("store.accept_older"),
                                .code = slice_str("ok")};

    log_line(LOG_WARN, "an older store is accepted", "error=\"%s\"", fault->text);
    audit_append(&server->audit, &server->batch, &entry);
    if (env_commit(server->env, &server->batch, fault)) return IO_ERROR;
    server->mark = journal_newest(&server->journal);
    return mark_write(server->config.mark, &server->mark, fault);
}

/* Every seal of an old copy of the store holds: only the mark tells. */
static enum status look_at_mark(struct server *server, struct fault *fault)
{
    struct config *config = &server->config;
    struct fault found = {0};
    enum status st;

    if (!config->mark[0]) {
        snprintf(config->mark, sizeof(config->mark), "%s/mark", config->data_dir);
    }
    if (config->store_url[0] || planted("mark not looked at")) return OK;
    st = mark_read(config->mark, &server->mark, &found);
    if (st == NOT_FOUND && server->journal.next_lsn == 1) return OK;
    if (st) {
        log_line(LOG_WARN, "no mark: an older store would not be noticed", "error=\"%s\"",
                 found.text);
        return OK;
    }
    st = mark_check(&server->journal, &server->mark, &found);
    if (st == CORRUPT && config->accept_older) st = accept_older(server, &found);
    if (st) *fault = found;
    return st;
}

/* Who may write there could put another store in the place of this one. */
static enum status check_folder(const char *path, struct fault *fault)
{
    struct stat about;

    if (stat(path, &about) || !(about.st_mode & S_IWOTH)) return OK;
    fault_set(fault, NULL, "data_dir", "everybody may write to %.80s: say chmod o-w", path);
    return FORBIDDEN;
}

static enum status open_store(struct server *server, struct fault *fault)
{
    const struct config *config = &server->config;
    enum status st = check_folder(config->data_dir, fault);

    if (st) return st;
    st = env_open(config->data_dir, (size_t)config->map_mib << 20, &server->env, fault);
    if (st) return st;
    fault_set(fault, NULL, NULL, "the journal, the banks or the tests cannot be read");
    st = journal_init(&server->journal, server->env);
    if (st == OK) st = audit_init(&server->audit, server->env);
    if (st == OK) st = look_at_mark(server, fault);
    if (st == OK) st = registry_open(server->env, &server->registry);
    if (st == OK) st = registry_load_newest(server->registry);
    if (st == OK) st = exposure_open(server->env, &server->exposure);
    if (st) return st;
    return uploads_open(server->env, server->registry, &server->batch, &server->uploads);
}

static enum status open_sessions(struct server *server, struct fault *fault)
{
    struct sessions_config config = {
        .env = server->env,
        .journal = &server->journal,
        .registry = server->registry,
        .exposure = server->exposure,
        .keeping = keeping_find(slice_str(server->config.store_kind)),
        .district = server->district,
        .batch = &server->batch,
        .max_live = (size_t)server->config.max_sessions,
        .idle_us = server->config.idle_s * 1000000,
        .n_awake = server->config.n_awake,
    };
    int64_t from_us = clock_us();
    uint64_t n_event = 0;
    enum status st = sessions_new(&config, &server->sessions);

    if (st == OK) st = sessions_rebuild(server->sessions, from_us, &n_event, fault);
    if (st) return st;
    log_line(LOG_INFO, "store open", "events=%llu sessions=%zu banks=%zu tests=%zu ms=%lld",
             (unsigned long long)n_event, sessions_n_live(server->sessions),
             registry_n_bank(server->registry), registry_n_test(server->registry),
             (long long)((clock_us() - from_us) / 1000));
    return OK;
}

enum status server_open(struct server *server, const struct config *config, struct fault *fault)
{
    enum status st;

    *server = (struct server){.config = *config, .started_us = clock_us()};
    st = open_store(server, fault);
    if (st == OK && config->store_url[0]) {
        st = district_open(config->store_url, (size_t)config->max_queued, &server->district, fault);
        if (st == OK) st = news_open(server, fault);
        uploads_set_mark(server->uploads);
        tallies_share(exposure_tallies(server->exposure));
    }
    return st ? st : open_sessions(server, fault);
}

void server_close(struct server *server)
{
    sessions_free(server->sessions);
    district_close(server->district);
    exposure_close(server->exposure);
    registry_free(server->registry);
    uploads_free(server->uploads);
    journal_done(&server->journal);
    buf_done(&server->extra);
    buf_done(&server->retain_from);
    batch_done(&server->batch);
    env_close(server->env);
}
