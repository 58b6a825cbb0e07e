/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bit rot: rot_check FILE FLIPS SEED
 *
 * FILE is the data.mdb of a store. It is damaged at random places, again and again: a bit, a byte,
 * a sector of zeros, two pages exchanged, the end cut off. The server opens each in a child,
 * gives every session that it had before, and takes one more commit. A session is as it was, to the
 * byte, or it is refused; or the server does not start and says why. Prints
 *
 *   flips N harmless N damaged N missing N refused N wrong N died N
 *
 * with a row like it for each way before, and what the first wrong one was. `missing` are those
 * where a session is not found: the key of its record is damaged. */
#include "base/rng.h"
#include "server/history.h"
#include "server/request.h"
#include "server/server.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MAX_SESSIONS = 1024,
    MAP_MIB = 64,
    CHILD_FLIPS = 100,
    LONGEST_CHILD_S = 120,
    SECTOR = 512,
    PAGE = 4096
};

enum verdict { HARMLESS, DAMAGED, MISSING, REFUSED, WRONG, DIED, N_VERDICT };
enum way { BIT, BYTE, ZEROS, SWAP, CUT, N_WAY };
static const char *const way_names[N_WAY] = {"bit", "byte", "sector", "pages", "end"};
static const enum way ways[] = {BIT, BIT, BIT, BIT, BIT, BYTE, BYTE, ZEROS, SWAP, CUT};

struct ledger {
    volatile size_t n_done;
    volatile size_t count[N_WAY][N_VERDICT];
    volatile size_t n_refused_session;
    char text[1024];
};

struct known {
    struct session_key key;
    uint64_t hash;
};

struct rot {
    struct buf sound;  // the file
    struct known known[MAX_SESSIONS];
    size_t n_known, n_flip;
    uint64_t seed;
    struct ledger *ledger;
    char folder[64], file[128];
};

static void must(bool condition, const char *what)
{
    if (condition) return;
    printf("rot_check: %s\n", what);
    exit(2);
}

static void put_file(const struct rot *rot, const struct buf *bytes, size_t n)
{
    static const char *const others[] = {"lock.mdb", "thetad.lock"};
    char path[PATH_MAX];
    int fd;

    for (size_t i = 0; i < COUNT_OF(others); i++) {
        snprintf(path, sizeof(path), "%s/%s", rot->folder, others[i]);
        unlink(path);
    }
    fd = open(rot->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, bytes->data, n) == (ssize_t)n, "no scratch file");
    close(fd);
}

static enum status open_server(const struct rot *rot, struct server *server, struct fault *fault)
{
    struct config config;

    config_init(&config);
    snprintf(config.data_dir, sizeof(config.data_dir), "%s", rot->folder);
    config.map_mib = MAP_MIB;
    return server_open(server, &config, fault);
}

static enum status hash_event(void *context, const struct stored_event *event)
{
    uint64_t *hash = context;

    *hash = *hash * 0x9e3779b97f4a7c15u ^ slice_hash(event->bytes);
    return OK;
}

/* All that there is of a session: its events' bytes and where they lead. */
static enum status hash_session(struct server *server, const struct session_key *key, uint64_t *out)
{
    struct slice tenant, id;
    struct tools tools = {.env = server->env};
    struct session_view view;
    struct history history;
    struct live *live;
    struct buf where = {0};
    enum status st = OK;

    must(session_key_read(session_key_slice(key), &tenant, &id), "no key of a session");
    st = sessions_get(server->sessions, tenant, id, 0, &live);
    if (st) return st;
    session_view(live->session, &view);
    *out = (uint64_t)view.seq << 32 | (uint64_t)view.state;
    sessions_history(live, &where);
    must(history_init(&history, buf_slice(&where)) == OK, "no memory");
    st = history_each(&history, &tools, id, (struct event_visitor){hash_event, out});
    history_done(&history);
    buf_done(&where);
    return st;
}

static void note(struct rot *rot, const struct session_key *key)
{
    for (size_t i = 0; i < rot->n_known; i++) {
        if (slice_equal(session_key_slice(&rot->known[i].key), session_key_slice(key))) return;
    }
    must(rot->n_known < MAX_SESSIONS, "too many sessions");
    rot->known[rot->n_known++].key = *key;
}

static void note_live(void *context, const struct live *live, bool is_ahead)
{
    struct session_key key = session_key_of(live->tenant, live->id);

    (void)is_ahead;
    note(context, &key);
}

static enum status note_archived(void *context, struct slice key, struct slice value)
{
    struct slice tenant, id;
    struct session_key copy;

    (void)value;
    must(session_key_read(key, &tenant, &id), "no key of a session");
    copy = session_key_of(tenant, id);
    note(context, &copy);
    return OK;
}

/* What the undamaged store has. */
static void learn(struct rot *rot)
{
    struct server server;
    struct fault fault = {0};

    put_file(rot, &rot->sound, rot->sound.n);
    must(open_server(rot, &server, &fault) == OK, fault.text);
    sessions_each(server.sessions, note_live, rot);
    must(env_each(server.env, TABLE_ARCHIVE, slice_of(NULL, 0),
                  (struct visitor){note_archived, rot}) == OK,
         "the archive cannot be read");
    for (size_t i = 0; i < rot->n_known; i++) {
        must(hash_session(&server, &rot->known[i].key, &rot->known[i].hash) == OK,
             "a session cannot be read");
    }
    server_close(&server);
}

static enum verdict ask_all(struct rot *rot, struct server *server, char *text, size_t size)
{
    enum verdict verdict = HARMLESS;

    for (size_t i = 0; i < rot->n_known; i++) {
        const struct known *known = &rot->known[i];
        uint64_t hash = 0;
        enum status st = hash_session(server, &known->key, &hash);

        if (st == OK && hash == known->hash) continue;
        if (st != CORRUPT && st != UNKNOWN_SESSION) {
            snprintf(text, size, "session %zu: status %d, not as it was", i, (int)st);
            return WRONG;
        }
        rot->ledger->n_refused_session++;
        if (verdict != MISSING) verdict = st == CORRUPT ? DAMAGED : MISSING;
    }
    return verdict;
}

/* It may say that it cannot, but it must live. */
static void commit_once(struct server *server)
{
    struct slice key = slice_str("after the damage");
    struct fault fault = {0};

    batch_put(server->env, &server->batch, TABLE_META, key, key, NULL);
    if (env_commit(server->env, &server->batch, &fault)) batch_clear(&server->batch);
}

static enum verdict judge(struct rot *rot, char *text, size_t size)
{
    struct server server;
    struct fault fault = {0};
    enum verdict verdict = REFUSED;

    if (open_server(rot, &server, &fault)) {
        if (!fault.text[0]) {
            snprintf(text, size, "it does not start and says nothing");
            verdict = WRONG;
        }
    } else {
        verdict = ask_all(rot, &server, text, size);
        commit_once(&server);
    }
    server_close(&server);
    return verdict;
}

/* One damage; the size of the file then. */
static size_t spoil(const struct rot *rot, enum way way, uint64_t draw, struct buf *out)
{
    size_t n = rot->sound.n, at = (size_t)(rng_uniform(rot->seed, draw) * (double)n);
    size_t other = (size_t)(rng_uniform(rot->seed, draw + 1) * (double)n);
    uint64_t bits = rng_bits(rot->seed, draw + 2);
    uint8_t page[PAGE];

    buf_clear(out);
    buf_append(out, rot->sound.data, n);
    must(!out->failed, "no memory");
    switch (way) {
    case BIT:
        out->data[at] ^= (uint8_t)(1u << bits % 8);
        break;
    case BYTE:
        out->data[at] ^= (uint8_t)(1 + bits % 255);
        break;
    case ZEROS:
        memset(out->data + at / SECTOR * SECTOR, 0, SECTOR);
        break;
    case SWAP:
        at = at / PAGE * PAGE;
        other = other / PAGE * PAGE;
        memcpy(page, out->data + at, PAGE);
        memcpy(out->data + at, out->data + other, PAGE);
        memcpy(out->data + other, page, PAGE);
        break;
    default:
        return at;
    }
    return n;
}

static void check_flips(struct rot *rot, size_t from, size_t end)
{
    struct ledger *ledger = rot->ledger;
    struct buf bytes = {0};

    for (size_t i = from; i < end; i++) {
        enum way way = ways[i % COUNT_OF(ways)];
        char text[512] = "";
        enum verdict verdict;

        put_file(rot, &bytes, spoil(rot, way, 3 * i, &bytes));
        verdict = judge(rot, text, sizeof(text));
        ledger->count[way][verdict]++;
        if (verdict == WRONG && !ledger->text[0]) {
            snprintf(ledger->text, sizeof(ledger->text), "flip %zu (%s): %s", i, way_names[way],
                     text);
        }
        ledger->n_done = i + 1;
    }
    buf_done(&bytes);
}

static void check_all(struct rot *rot)
{
    struct ledger *ledger = rot->ledger;

    while (ledger->n_done < rot->n_flip) {
        size_t from = ledger->n_done, end = from + CHILD_FLIPS;
        pid_t child = fork();
        int status = 0;

        must(child >= 0, "no child");
        if (child == 0) {
            alarm(LONGEST_CHILD_S);
            check_flips(rot, from, end < rot->n_flip ? end : rot->n_flip);
            _exit(0);
        }
        must(waitpid(child, &status, 0) == child, "no child");
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
        ledger->count[ways[ledger->n_done % COUNT_OF(ways)]][DIED]++;
        if (!ledger->text[0]) {
            snprintf(ledger->text, sizeof(ledger->text), "flip %zu (%s): ended with %d",
                     ledger->n_done, way_names[ways[ledger->n_done % COUNT_OF(ways)]], status);
        }
        ledger->n_done++;
    }
}

static size_t show(const char *title, const size_t count[N_VERDICT])
{
    size_t n = 0;

    for (size_t v = 0; v < N_VERDICT; v++) n += count[v];
    printf("%s %zu harmless %zu damaged %zu missing %zu refused %zu wrong %zu died %zu\n", title, n,
           count[HARMLESS], count[DAMAGED], count[MISSING], count[REFUSED], count[WRONG],
           count[DIED]);
    return count[WRONG] + count[DIED];
}

static size_t show_all(const struct ledger *ledger)
{
    size_t sum[N_VERDICT] = {0};

    for (size_t w = 0; w < N_WAY; w++) {
        size_t count[N_VERDICT];

        for (size_t v = 0; v < N_VERDICT; v++) {
            count[v] = ledger->count[w][v];
            sum[v] += count[v];
        }
        show(way_names[w], count);
    }
    printf("sessions refused %zu\n", ledger->n_refused_session);
    return show("flips", sum);
}

static void read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    uint8_t bytes[PAGE];
    size_t n;

    must(file != NULL, path);
    while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0) buf_append(out, bytes, n);
    fclose(file);
    must(!out->failed && out->n > 0, "nothing in the file");
}

int main(int argc, char **argv)
{
    static struct rot rot;
    size_t n_bad;

    must(argc == 4, "usage: rot_check FILE FLIPS SEED");
    log_set_level(LOG_ERROR);
    must(freopen("/dev/null", "w", stderr) != NULL, "no /dev/null");  // a line for each damage
    read_file(argv[1], &rot.sound);
    rot.n_flip = strtoul(argv[2], NULL, 10);
    rot.seed = strtoull(argv[3], NULL, 10);
    rot.ledger =
        mmap(NULL, sizeof(*rot.ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(rot.folder, sizeof(rot.folder), "%s/theta-rot-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    must(rot.ledger != MAP_FAILED && mkdtemp(rot.folder), "no scratch folder");
    snprintf(rot.file, sizeof(rot.file), "%s/data.mdb", rot.folder);
    learn(&rot);
    printf("sessions %zu bytes %zu\n", rot.n_known, rot.sound.n);
    fflush(stdout);
    check_all(&rot);
    n_bad = show_all(rot.ledger);
    printf("%s\n", rot.ledger->text);
    for (const char *const *name =
             (const char *const[]){"data.mdb", "lock.mdb", "thetad.lock", "", NULL};
         *name; name++) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", rot.folder, *name);
        remove(path);
    }
    buf_done(&rot.sound);
    return n_bad > 0;
}
