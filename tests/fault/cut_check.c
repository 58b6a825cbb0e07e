/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Power cuts, simulated: cut_check TRACE STATES SEED [--ignore-sync]
 *
 * TRACE is what preload_disk.c recorded of a daemon. Of every moment in it files are made as a cut
 * then may have left them; the server opens each in a child process, replays it, and must know all
 * that it had acknowledged by then, and take one more commit. With --ignore-sync the disk pretends
 * that no sync ever happened: then something must be found. Prints
 *
 *   states N points N replies N fresh N lost N unreadable N died N
 *
 * `fresh` are cuts before the first sync, which nobody relies on: there the store may be unusable,
 * if it says so. */
#include "proto/reader.h"
#include "server/server.h"
#include "tests/fault/cut_image.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MAX_SESSIONS = 512,
    MAX_NAMES = 64,
    MAP_MIB = 64,
    CHILD_STATES = 100,
    LONGEST_CHILD_S = 120
};

/* The last that a client was told of a session, or of a bank or test. */
struct told_session {
    char id[LIMIT_ID + 1], item[LIMIT_ID + 1];
    int64_t seq;
    bool ended;
};

struct told_name {
    bool is_bank;
    char name[LIMIT_ID + 1];
    int64_t version;
};

struct told {
    struct told_session session[MAX_SESSIONS];
    struct told_name name[MAX_NAMES];
    size_t n_session, n_name, n_reply;
};

enum verdict { GOOD, FRESH, LOST, UNREADABLE, DIED, N_VERDICT };

/* Shared with the child: how far it is, and what it found. */
struct ledger {
    volatile size_t n_done;
    volatile size_t count[N_VERDICT];
    char text[1024];  // about the first that is not good
};

struct cut_audit {
    struct cut_trace trace;
    struct decoder decoder;
    struct told *told;
    struct ledger *ledger;
    size_t n_state;
    uint64_t seed;
    bool ignores_sync;
    char folder[64];
};

static void text_of(const msgpack_object *object, char out[LIMIT_ID + 1])
{
    struct slice text = {0};

    out[0] = 0;
    if (object && object_str(object, &text) && !slice_to_text(text, out, LIMIT_ID + 1)) out[0] = 0;
}

static struct told_session *session_told(struct told *told, const char *id)
{
    for (size_t i = 0; i < told->n_session; i++) {
        if (strcmp(told->session[i].id, id) == 0) return &told->session[i];
    }
    if (told->n_session == MAX_SESSIONS) abort();
    strcpy(told->session[told->n_session].id, id);
    return &told->session[told->n_session++];
}

static void note_version(struct told *told, bool is_bank, const char *name, int64_t version)
{
    struct told_name *found = NULL;

    for (size_t i = 0; i < told->n_name && !found; i++) {
        struct told_name *it = &told->name[i];

        if (it->is_bank == is_bank && strcmp(it->name, name) == 0) found = it;
    }
    if (!found) {
        if (told->n_name == MAX_NAMES) abort();
        found = &told->name[told->n_name++];
        found->is_bank = is_bank;
        strcpy(found->name, name);
    }
    if (version > found->version) found->version = version;
}

static void note_session(struct told *told, const msgpack_object *root, const char *id)
{
    struct told_session *session = session_told(told, id);
    const msgpack_object *item = map_find(root, "item"), *seq = map_find(root, "seq");
    char state[LIMIT_ID + 1];

    text_of(map_find(root, "state"), state);
    if (!seq || !state[0] || !object_int(seq, 0, LIMIT_ANSWERS, &session->seq)) return;
    session->ended = strcmp(state, "finished") == 0 || strcmp(state, "voided") == 0;
    text_of(item ? map_find(item, "id") : NULL, session->item);
}

/* What a good reply says is acknowledged. */
static void note_reply(struct cut_audit *audit, const struct cut_step *step)
{
    struct fault fault;
    msgpack_object root;
    const msgpack_object *ok;
    char session[LIMIT_ID + 1], bank[LIMIT_ID + 1], test[LIMIT_ID + 1];
    int64_t version = 0;

    if (decode(&audit->decoder, slice_of(step->data, step->op.n), &root, &fault)) return;
    ok = map_find(&root, "ok");
    if (!ok || ok->type != MSGPACK_OBJECT_BOOLEAN || !ok->via.boolean) return;
    audit->told->n_reply++;
    text_of(map_find(&root, "session"), session);
    text_of(map_find(&root, "bank"), bank);
    text_of(map_find(&root, "test"), test);
    if (session[0]) {
        note_session(audit->told, &root, session);
    } else if (map_find(&root, "version") &&
               object_int(map_find(&root, "version"), 1, UINT32_MAX, &version)) {
        if (bank[0]) note_version(audit->told, true, bank, version);
        if (test[0]) note_version(audit->told, false, test, version);
    }
}

static bool has_name(struct server *server, const struct told_name *told)
{
    struct library_name name = {slice_str("local"), slice_str(told->name)};
    uint32_t version = (uint32_t)told->version;

    if (told->is_bank) {
        struct bank_entry *bank = registry_bank(server->registry, name);

        return bank && bank_entry_version(bank, version);
    } else {
        struct test_entry *test = registry_test(server->registry, name);

        return test && test_entry_version(test, version);
    }
}

static bool has_session(struct server *server, const struct told_session *told)
{
    struct session_view view;
    struct live *live;
    int64_t answers;
    bool ended;

    if (sessions_get(server->sessions, slice_str("local"), slice_str(told->id), 0, &live)) {
        return false;
    }
    session_view(live->session, &view);
    ended = view.state == SESSION_FINISHED || view.state == SESSION_VOIDED;
    answers = (int64_t)view.seq - !ended;  // an open question is no answer yet
    if (answers < told->seq - !told->ended || (told->ended && !ended)) return false;
    if (view.seq != told->seq || !told->item[0] || view.item == NO_ITEM) return true;
    return strcmp(bank_id(session_plan(live->session)->bank, view.item), told->item) == 0;
}

static bool knows_all(struct server *server, const struct told *told, char *text, size_t size)
{
    for (size_t i = 0; i < told->n_name; i++) {
        if (has_name(server, &told->name[i])) continue;
        snprintf(text, size, "%s lacks version %lld", told->name[i].name,
                 (long long)told->name[i].version);
        return false;
    }
    for (size_t i = 0; i < told->n_session; i++) {
        if (has_session(server, &told->session[i])) continue;
        snprintf(text, size, "%s is not at question %lld as was told", told->session[i].id,
                 (long long)told->session[i].seq);
        return false;
    }
    return true;
}

static bool takes_a_commit(struct server *server, char *text, size_t size)
{
    struct slice key = slice_str("after the cut");
    struct fault fault = {0};
    struct buf back = {0};
    enum status st;

    batch_put(server->env, &server->batch, TABLE_META, key, key, NULL);
    st = env_commit(server->env, &server->batch, &fault);
    if (st == OK) st = env_get(server->env, TABLE_META, key, &back);
    if (st) snprintf(text, size, "no more commits: status %d %s", (int)st, fault.text);
    buf_done(&back);
    return st == OK;
}

static enum verdict judge(struct cut_audit *audit, char *text, size_t size)
{
    struct config config;
    struct server server;
    struct fault fault = {0};
    enum verdict verdict = GOOD;

    config_init(&config);
    snprintf(config.data_dir, sizeof(config.data_dir), "%s", audit->folder);
    config.map_mib = MAP_MIB;
    if (server_open(&server, &config, &fault)) {
        snprintf(text, size, "does not open: %s %s", fault.field, fault.text);
        verdict = UNREADABLE;
    } else if (!knows_all(&server, audit->told, text, size)) {
        verdict = LOST;
    } else if (!takes_a_commit(&server, text, size)) {
        verdict = UNREADABLE;
    }
    server_close(&server);
    return verdict;
}

static void put_image(const struct cut_audit *audit, const struct buf *image)
{
    static const char *const others[] = {"lock.mdb", "thetad.lock"};
    char path[PATH_MAX];
    int fd;

    for (size_t i = 0; i < COUNT_OF(others); i++) {
        snprintf(path, sizeof(path), "%s/%s", audit->folder, others[i]);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/data.mdb", audit->folder);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, image->data, image->n) != (ssize_t)image->n) abort();
    close(fd);
}

/* The ways of tearing, in turn. */
static struct cut_tear tear_of(const struct cut_audit *audit, size_t state)
{
    static const struct cut_tear ways[] = {{0.0, 512, 0}, {1.0, 512, 0},  {0.5, 512, 0},
                                           {0.9, 512, 0}, {0.5, 4096, 0}, {0.9, 4096, 0},
                                           {0.1, 512, 0}, {0.5, 512, 0}};
    struct cut_tear tear = ways[state % COUNT_OF(ways)];

    tear.seed = audit->seed + state * 0x9e3779b97f4a7c15u;
    return tear;
}

static void check_state(struct cut_audit *audit, const struct cut_disk *disk, size_t point,
                        size_t state)
{
    struct ledger *ledger = audit->ledger;
    struct cut_tear tear = tear_of(audit, state);
    struct buf image = {0};
    char text[512] = "";
    enum verdict verdict;

    if (!cut_disk_image(disk, point, &tear, &image)) abort();
    put_image(audit, &image);
    verdict = judge(audit, text, sizeof(text));
    if (verdict == UNREADABLE && !disk->has_synced && !audit->ignores_sync) verdict = FRESH;
    ledger->count[verdict]++;
    if (verdict > FRESH && !ledger->text[0]) {
        snprintf(ledger->text, sizeof(ledger->text), "state %zu, step %zu, keep %g of %zu: %s",
                 state, point, tear.keep, tear.chunk_bytes, text);
    }
    buf_done(&image);
}

/* The states from `from` to `end`; each step of the trace has its share of all states. */
static void check_states(struct cut_audit *audit, size_t from, size_t end)
{
    size_t n_step = audit->trace.n, state = 0;
    struct cut_disk disk;

    memset(audit->told, 0, sizeof(*audit->told));
    if (!cut_disk_init(&disk, &audit->trace, audit->ignores_sync)) abort();
    for (size_t i = 0; i <= n_step && state < end; i++) {
        size_t until = audit->n_state * (i + 1) / (n_step + 1);

        for (; state < until && state < end; state++) {
            if (state < from) continue;
            check_state(audit, &disk, i, state);
            audit->ledger->n_done = state + 1;
        }
        if (i == n_step) break;
        if (audit->trace.steps[i].op.kind == CUT_REPLY) note_reply(audit, &audit->trace.steps[i]);
        cut_disk_take(&disk, i);
    }
    cut_disk_done(&disk);
}

/* Children take some states each; one that dies names the state that killed it. */
static void check_all(struct cut_audit *audit)
{
    struct ledger *ledger = audit->ledger;

    while (ledger->n_done < audit->n_state) {
        size_t from = ledger->n_done, end = from + CHILD_STATES;
        pid_t child = fork();
        int status;

        if (child < 0) abort();
        if (child == 0) {
            alarm(LONGEST_CHILD_S);
            check_states(audit, from, end < audit->n_state ? end : audit->n_state);
            _exit(0);
        }
        if (waitpid(child, &status, 0) != child) abort();
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
        ledger->count[DIED]++;
        if (!ledger->text[0]) {
            snprintf(ledger->text, sizeof(ledger->text), "state %zu: the child ended with %d",
                     ledger->n_done, status);
        }
        ledger->n_done++;
    }
}

static void count_replies(struct cut_audit *audit)
{
    memset(audit->told, 0, sizeof(*audit->told));
    for (size_t i = 0; i < audit->trace.n; i++) {
        if (audit->trace.steps[i].op.kind == CUT_REPLY) note_reply(audit, &audit->trace.steps[i]);
    }
}

static void remove_folder(const struct cut_audit *audit)
{
    static const char *const names[] = {"/data.mdb", "/lock.mdb", "/thetad.lock", ""};
    char path[PATH_MAX];

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof(path), "%s%s", audit->folder, names[i]);
        remove(path);
    }
}

int main(int argc, char **argv)
{
    struct cut_audit audit = {0};
    const struct ledger *ledger;

    if (argc < 4 || !cut_trace_read(argv[1], &audit.trace) || decoder_init(&audit.decoder)) {
        fprintf(stderr, "usage: cut_check TRACE STATES SEED [--ignore-sync]\n");
        return 2;
    }
    log_set_level(LOG_ERROR);
    audit.n_state = strtoul(argv[2], NULL, 10);
    audit.seed = strtoull(argv[3], NULL, 10);
    audit.ignores_sync = argc > 4;
    audit.told = calloc(1, sizeof(*audit.told));
    audit.ledger = mmap(NULL, sizeof(*audit.ledger), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(audit.folder, sizeof(audit.folder), "%s/theta-cut-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!audit.told || audit.ledger == MAP_FAILED || !mkdtemp(audit.folder)) return 2;
    count_replies(&audit);
    ledger = audit.ledger;
    printf("points %zu replies %zu\n", audit.trace.n, audit.told->n_reply);
    fflush(stdout);
    check_all(&audit);
    printf("states %zu fresh %zu lost %zu unreadable %zu died %zu\n%s\n", audit.n_state,
           ledger->count[FRESH], ledger->count[LOST], ledger->count[UNREADABLE],
           ledger->count[DIED], ledger->text);
    remove_folder(&audit);
    decoder_done(&audit.decoder);
    free(audit.told);
    cut_trace_done(&audit.trace);
    return ledger->count[LOST] + ledger->count[UNREADABLE] + ledger->count[DIED] > 0;
}
