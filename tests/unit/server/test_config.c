/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/config.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status load(const char *text, struct config *config, struct fault *fault)
{
    struct scratch scratch;
    char path[300];
    FILE *file;
    enum status st;

    scratch_make(&scratch);
    snprintf(path, sizeof(path), "%s/thetad.conf", scratch.path);
    file = fopen(path, "w");
    cr_assert(file);
    fputs(text, file);
    fclose(file);
    *fault = (struct fault){0};
    st = config_load(path, config, fault);
    scratch_remove(&scratch);
    return st;
}

static struct config good(const char *text)
{
    struct config config;
    struct fault fault;

    memset(&config, 0xa5, sizeof(config));
    cr_assert_eq(load(text, &config, &fault), OK, "%s: %s: %s", text, fault.field, fault.text);
    return config;
}

static void expect_defaults(const struct config *config)
{
    cr_expect_str_eq(config->data_dir, "/var/lib/thetad");
    cr_expect_eq(config->log_level, LOG_INFO);
    cr_expect_eq(config->drain_ms, 5000);
    cr_expect_str_eq(config->endpoint[0].url, "ipc:///run/thetad/thetad.sock");
    cr_expect_eq(config->endpoint[0].roles, ROLE_ALL);
    cr_expect_str_eq(config->endpoint[1].url, "tcp://127.0.0.1:7350");
    cr_expect_eq(config->endpoint[1].roles, ROLE_FRONTEND);
    cr_expect_eq(config->map_mib, 65536);
    cr_expect_eq(config->max_sessions, 200000);
    cr_expect_eq(config->idle_s, 3600);
    cr_expect_str_empty(config->server_key);
    cr_expect_str_empty(config->key_dir);
    cr_expect_eq(config->quota.most[QUOTA_REQUESTS], 1000);
    cr_expect_eq(config->quota.most[QUOTA_SESSIONS_HOUR], 10000);
    cr_expect_eq(config->quota.most[QUOTA_SESSIONS_DAY], 50000);
    cr_expect_eq(config->quota.most[QUOTA_ITEMS_DAY], 2000000);
    cr_expect_eq(config->max_connections, 500);
    cr_expect_eq(config->max_queued, 20000);
    cr_expect_eq(config->queue_ms, 1000);
    cr_expect_str_empty(config->metrics);
}

Test(config, has_defaults)
{
    struct config config = good("");

    expect_defaults(&config);
    config = good("# only a comment\n\n[ipc]\n; another\n[thetad]\n");
    expect_defaults(&config);
}

/* systemd/thetad.conf shows every key with its default. */
Test(config, the_file_that_is_installed_says_the_defaults)
{
    struct config config;
    struct fault fault = {0};

    memset(&config, 0xa5, sizeof(config));
    cr_assert_eq(config_load(SOURCE_DIR "/systemd/thetad.conf", &config, &fault), OK, "%s",
                 fault.text);
    expect_defaults(&config);
}

Test(config, takes_every_key)
{
    struct config config = good("[thetad]\ndata_dir = /srv/theta\nlog_level = debug\n"
                                "drain_ms = 0\n[ipc]\nendpoint = ipc:///tmp/x.sock\n"
                                "roles = proctor,metrics\n[tcp]\nendpoint=tcp://[::1]:99\n"
                                "roles = frontend  author , admin\n[store]\nmap_size_mib = 1\n"
                                "[sessions]\nmax_live = 10000000\nidle_s = 31536000\n"
                                "[access]\nrequests_per_second = 7\nsessions_per_hour = 8\n"
                                "sessions_per_day = 9\nitems_per_day = 0\n[limits]\n"
                                "connections = 11\nqueued = 12\nqueue_ms = 13\n"
                                "[metrics]\nopen = yes\nendpoint = http://[2001:db8::7]:9\n");

    cr_expect_str_eq(config.data_dir, "/srv/theta");
    cr_expect_eq(config.log_level, LOG_DEBUG);
    cr_expect_eq(config.drain_ms, 0);
    cr_expect_str_eq(config.endpoint[0].url, "ipc:///tmp/x.sock");
    cr_expect_eq(config.endpoint[0].roles, ROLE_PROCTOR | ROLE_METRICS);
    cr_expect_str_eq(config.endpoint[1].url, "tcp://[::1]:99");
    cr_expect_eq(config.endpoint[1].roles, ROLE_FRONTEND | ROLE_AUTHOR | ROLE_ADMIN);
    cr_expect_eq(config.map_mib, 1);
    cr_expect_eq(config.max_sessions, 10000000);
    cr_expect_eq(config.idle_s, 31536000);
    for (int64_t i = 0; i < N_QUOTA; i++) cr_expect_eq(config.quota.most[i], i < 3 ? 7 + i : 0);
    cr_expect_eq(config.max_connections, 11);
    cr_expect_eq(config.max_queued, 12);
    cr_expect_eq(config.queue_ms, 13);
    cr_expect_str_eq(config.metrics, "http://[2001:db8::7]:9");
}

/* With keys the daemon may be reached from elsewhere. */
Test(config, opens_to_the_network_only_with_keys)
{
    static const char *const addresses[] = {"0.0.0.0",       "*",        "[::]", "192.0.2.7",
                                            "[2001:db8::7]", "127.0.0.1"};
    char text[256];

    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct config config;

        snprintf(text, sizeof(text),
                 "[access]\nserver_key = /etc/s\nkeys = /etc/k\n[tcp]\nendpoint = tcp://%s:7350\n",
                 addresses[i]);
        config = good(text);
        cr_expect_str_eq(config.server_key, "/etc/s");
        cr_expect_str_eq(config.key_dir, "/etc/k");
        cr_expect(strstr(config.endpoint[TCP_ENDPOINT].url, addresses[i]));
    }
}

Test(config, knows_every_role_and_level)
{
    static const struct {
        const char *name;
        unsigned bits;
    } roles[] = {{"frontend", 1}, {"proctor", 2},  {"teacher", 4}, {"author", 8},
                 {"admin", 16},   {"metrics", 32}, {"all", 63},    {"", 0}};
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    char text[64];

    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        snprintf(text, sizeof(text), "[tcp]\nroles = %s\n", roles[i].name);
        cr_expect_eq(good(text).endpoint[1].roles, roles[i].bits, "%s", roles[i].name);
    }
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        snprintf(text, sizeof(text), "[thetad]\nlog_level = %s\n", levels[i]);
        cr_expect_eq(good(text).log_level, (enum log_level)i, "%s", levels[i]);
    }
}

Test(config, either_endpoint_may_be_off)
{
    cr_expect_str_eq(good("[ipc]\nendpoint =\n").endpoint[0].url, "");
    cr_expect_str_eq(good("[tcp]\nendpoint =\n").endpoint[1].url, "");
}

struct row {
    const char *text, *field, *part;
};

/* The fault names the key, and its text has that part; the configuration stays as it was. */
static void expect_refused(const struct row *row)
{
    struct config config;
    struct fault fault;

    memset(&config, 0xa5, sizeof(config));
    cr_expect_eq(load(row->text, &config, &fault), BAD_REQUEST, "%s", row->text);
    cr_expect_str_eq(fault.field, row->field, "%s", row->text);
    cr_expect(strstr(fault.text, row->part), "%s: \"%s\" has no \"%s\"", row->text, fault.text,
              row->part);
    for (size_t i = 0; i < sizeof(config); i++)
        cr_assert_eq(((const unsigned char *)&config)[i], 0xa5);
}

/* More than the parser takes in one piece. */
#define TEN  "0123456789"
#define LONG TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

Test(config, names_line_and_key_of_what_is_wrong)
{
    static const struct row rows[] = {
        {"[thetad]\n\ndatadir = /x\n", "thetad.datadir", "line 3: there is no such key"},
        {"[thetad]\nroles = all\n", "thetad.roles", "line 2: there is no such key"},
        {"data_dir = /x\n", ".data_dir", "line 1: there is no such key"},
        {"[Thetad]\ndata_dir = /x\n", "Thetad.data_dir", "no such key"},
        {"[thetad]\nlog_level = loud\n", "thetad.log_level", "line 2: must be error, warn"},
        {"[thetad]\nlog_level = loud\n", "thetad.log_level", "is \"loud\""},
        {"[thetad]\ndrain_ms = -1\n", "thetad.drain_ms", "between 0 and 600000, is \"-1\""},
        {"[thetad]\ndrain_ms = 600001\n", "thetad.drain_ms", "whole number"},
        {"[thetad]\ndrain_ms =\n", "thetad.drain_ms", "whole number"},
        {"[thetad]\ndrain_ms = 5s\n", "thetad.drain_ms", "is \"5s\""},
        {"[thetad]\ndrain_ms = 1e3\n", "thetad.drain_ms", "whole number"},
        {"[thetad]\ndrain_ms = 99999999999999999999\n", "thetad.drain_ms", "whole number"},
        {"[ipc]\nendpoint = tcp://127.0.0.1:1\n", "ipc.endpoint", "must begin with ipc://"},
        {"[ipc]\nroles = frontend boss\n", "ipc.roles", "must be of frontend proctor"},
        {"[tcp]\nendpoint = ipc:///x\n", "tcp.endpoint", "must begin with tcp://"},
        {"[tcp]\nendpoint = udp://127.0.0.1:1\n", "tcp.endpoint", "must begin with tcp://"},
        {"[tcp]\nendpoint = tcp://127.evil:7350\n", "tcp.endpoint", "the address in numbers"},
        {"[tcp]\nendpoint = tcp://localhost:7350\n", "tcp.endpoint", "the address in numbers"},
        {"[tcp]\nendpoint = tcp://127.0.0.1\n", "tcp.endpoint", "the address in numbers"},
        {"[tcp]\nendpoint = tcp://0.0.0.0:7350\n", "tcp.endpoint", "must be a loopback address"},
        {"[tcp]\nendpoint = tcp://*:7350\n", "tcp.endpoint", "must be a loopback address"},
        {"[tcp]\nendpoint = tcp://[::]:7350\n", "tcp.endpoint", "must be a loopback address"},
        {"[tcp]\nendpoint = tcp://12.0.0.1:7350\n", "tcp.endpoint", "must be a loopback address"},
        {"[tcp]\nroles = Frontend\n", "tcp.roles", "is \"Frontend\""},
        {"[store]\nmap_size_mib = 0\n", "store.map_size_mib", "between 1 and 67108864"},
        {"[store]\nmap_size_mib = 67108865\n", "store.map_size_mib", "line 2"},
        {"[sessions]\nmax_live = 0\n", "sessions.max_live", "between 1 and 10000000"},
        {"[sessions]\nmax_live = 10000001\n", "sessions.max_live", "line 2"},
        {"[sessions]\nidle_s = 0\n", "sessions.idle_s", "between 1 and 31536000"},
        {"[sessions]\nidle_s = 31536001\n", "sessions.idle_s", "line 2"},
        {"[sessions]\nidle = 5\n", "sessions.idle", "no such key"},
        {"[access]\nserver_key = /k\n", "access.keys", "one of them is missing"},
        {"[access]\nkeys = /k\n", "access.server_key", "one of them is missing"},
        {"[access]\nserver_key = /s\nkeys = /k\n[tcp]\nroles = frontend\n", "tcp.roles",
         "leave this out"},
        {"[access]\nitems_per_day = -1\n", "access.items_per_day", "between 0 and 1000000000"},
        {"[limits]\nconnections = 0\n", "limits.connections", "between 1 and 1000000"},
        {"[limits]\nqueued = 0\n", "limits.queued", "between 1 and 1000000"},
        {"[limits]\nqueue_ms = 60001\n", "limits.queue_ms", "between 1 and 60000"},
        {"[metrics]\nendpoint = tcp://127.0.0.1:9\n", "metrics.endpoint", "must be http://"},
        {"[metrics]\nendpoint = http://localhost:9\n", "metrics.endpoint", "in numbers"},
        {"[metrics]\nendpoint = http://192.0.2.7:9\n", "metrics.endpoint", "unless metrics.open"},
        {"[metrics]\nendpoint = http://*:9\nopen = no\n", "metrics.endpoint", "must be a loopb"},
        {"[metrics]\nopen = maybe\n", "metrics.open", "must be yes or no"},
        {"[thetad]\ndrain_ms = 5\nbad line\nlog_level = loud\n", "", "line 3: is not key = value"},
        {"[thetad]\nlog_level = loud\nbad line\n", "thetad.log_level", "line 2: must be error"},
        {"[thetad]\nbad line\nlog_level = loud\n", "", "line 2: is not key = value"},
        {"# " LONG "\n", "", "line 1: is too long"},
        {"[thetad]\n; " LONG "\ndrain_ms = x\n", "", "line 2: is too long"},
        {"[thetad]\ndrain_ms = x\n; " LONG "\n", "thetad.drain_ms", "line 2: must be"},
        {"[thetad]\nwhat is this\n", "", "line 2: is not key = value"},
        {"[thetad\n", "", "line 1: is not key = value"},
        {"[ipc]\nendpoint =\n[tcp]\nendpoint =\n", "ipc.endpoint", "both endpoints are off"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) expect_refused(&rows[i]);
}

/* libzmq takes them all, and two of them have no mode that keeps others out. */
Test(config, wants_the_whole_path_of_a_socket)
{
    static const struct row rows[] = {
        {"[ipc]\nendpoint = ipc://@thetad\n", "ipc.endpoint", "be a whole path"},
        {"[ipc]\nendpoint = ipc://*\n", "ipc.endpoint", "be a whole path"},
        {"[ipc]\nendpoint = ipc://thetad.sock\n", "ipc.endpoint", "be a whole path"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) expect_refused(&rows[i]);
}

Test(config, tells_the_first_of_several_faults)
{
    static const struct row row = {"[thetad]\ndrain_ms = x\nlog_level = y\n[ipc]\nroles = z\n",
                                   "thetad.drain_ms", "line 2"};

    expect_refused(&row);
}

/* The parser joins an indented line to the key above it; that must not change the key's value
 * unseen. */
Test(config, refuses_a_value_that_goes_on_in_another_line)
{
    static const struct row row = {"[thetad]\ndata_dir = /srv/theta\n  log_level = debug\n",
                                   "thetad.data_dir", "line 3"};

    static const struct row twice = {"[thetad]\ndrain_ms = 5\ndrain_ms = 6\n", "thetad.drain_ms",
                                     "line 3: stands twice"};

    expect_refused(&row);
    expect_refused(&twice);
}

/* A long value is taken whole or refused, never cut. */
Test(config, does_not_cut_a_long_value)
{
    char text[1024] = "[thetad]\ndata_dir = /", path[CONFIG_TEXT] = "/";
    struct config config;
    struct fault fault;

    for (size_t n = 60; n < CONFIG_TEXT - 1; n += 50) {
        memset(path + 1, 'd', n - 1);
        path[n] = '\0';
        snprintf(text, sizeof(text), "[thetad]\ndata_dir = %s\n", path);
        if (load(text, &config, &fault) == OK)
            cr_expect_str_eq(config.data_dir, path);
        else
            cr_expect(strstr(fault.text, "line 2: is too long"), "%zu: %s", n, fault.text);
    }
}

Test(config, says_that_there_is_no_file)
{
    struct config config;
    struct fault fault = {0};

    cr_expect_eq(config_load("/nonexistent/thetad.conf", &config, &fault), NOT_FOUND);
    cr_expect(strstr(fault.text, "/nonexistent/thetad.conf"));
}

/* Without --config no file means the defaults; a file that cannot be read does not. */
Test(config, tells_a_file_that_it_cannot_read_from_none)
{
    struct config config;
    struct fault fault = {0};

    cr_expect_eq(config_load("/dev/null/thetad.conf", &config, &fault), IO_ERROR);
    cr_expect(strstr(fault.text, "/dev/null/thetad.conf"));
}

/* What reads as if it were empty, or never ends, is not taken for a file of defaults. */
Test(config, takes_nothing_but_a_file, .timeout = 20)
{
    struct config config;
    struct fault fault = {0};
    struct scratch scratch;
    char path[300];
    FILE *file;

    scratch_make(&scratch);
    cr_expect_eq(config_load(scratch.path, &config, &fault), IO_ERROR);
    cr_expect(strstr(fault.text, "Is a directory"), "%s", fault.text);
    cr_expect_eq(config_load("/dev/zero", &config, &fault), IO_ERROR);
    snprintf(path, sizeof(path), "%s/pipe", scratch.path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_eq(config_load(path, &config, &fault), IO_ERROR);
    snprintf(path, sizeof(path), "%s/large", scratch.path);
    file = fopen(path, "w");
    cr_assert(file);
    cr_assert_eq(ftruncate(fileno(file), (off_t)10 << 30), 0);
    fclose(file);
    cr_expect_eq(config_load(path, &config, &fault), IO_ERROR);
    cr_expect(strstr(fault.text, "too large"), "%s", fault.text);
    scratch_remove(&scratch);
}

/* The parser sees a line up to its first NUL only: of /srv/theta it would make /srv. */
Test(config, refuses_a_nul)
{
    static const char text[] = "[thetad]\ndata_dir = /srv\0/theta\n";
    struct config config;
    struct fault fault = {0};
    struct scratch scratch;
    char path[300];
    FILE *file;

    scratch_make(&scratch);
    snprintf(path, sizeof(path), "%s/thetad.conf", scratch.path);
    file = fopen(path, "w");
    cr_assert(file);
    cr_assert_eq(fwrite(text, 1, sizeof(text) - 1, file), sizeof(text) - 1);
    fclose(file);
    cr_expect_eq(config_load(path, &config, &fault), BAD_REQUEST);
    cr_expect(strstr(fault.text, "NUL"), "%s", fault.text);
    scratch_remove(&scratch);
}
