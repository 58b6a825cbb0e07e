/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/config.h"
#include "base/slice.h"
#include "server/endpoint.h"
#include "server/sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_MAP_MIB = 64 * 1024 * 1024, CONFIG_BYTES = 64 << 10 };

static const struct {
    const char *name;
    unsigned bit;
} roles[] = {
    {"frontend", ROLE_FRONTEND}, {"proctor", ROLE_PROCTOR}, {"teacher", ROLE_TEACHER},
    {"author", ROLE_AUTHOR},     {"admin", ROLE_ADMIN},     {"metrics", ROLE_METRICS},
    {"all", ROLE_ALL},
};

/* One value to set: where it stands in the file's text, and where a complaint goes. */
struct setting {
    struct config *config;
    const char *section, *key, *value;
    char name[LIMIT_ID + 1];  // section.key
    struct fault *fault;
    int line, refused_line;  // refused_line: 0 where nothing was
    bool has_tcp_roles;
};

/* What the parser reads from, a line at a time: it would cut a long line in two, and count two. */
struct source {
    FILE *file;
    struct setting *setting;
};

static bool refuse(struct setting *setting, const char *why)
{
    fault_set(setting->fault, NULL, setting->name, "%s, is \"%.60s\"", why, setting->value);
    setting->refused_line = setting->line;
    return false;
}

static bool set_text(struct setting *setting, char *out)
{
    if (slice_to_text(slice_str(setting->value), out, CONFIG_TEXT)) return true;
    return refuse(setting, "is too long");
}

static bool set_int(struct setting *setting, int64_t min, int64_t max, int64_t *out)
{
    char *end;
    long long value;

    errno = 0;
    value = strtoll(setting->value, &end, 10);
    if (errno || *end || end == setting->value || value < min || value > max) {
        char why[FAULT_TEXT];

        snprintf(why, sizeof(why), "must be a whole number between %lld and %lld", (long long)min,
                 (long long)max);
        return refuse(setting, why);
    }
    *out = value;
    return true;
}

bool config_roles(const char *text, unsigned *out)
{
    static const char between[] = " ,";
    unsigned bits = 0;

    for (text += strspn(text, between); *text; text += strspn(text, between)) {
        struct slice word = slice_of(text, strcspn(text, between));
        size_t i = 0;

        while (i < COUNT_OF(roles) && !slice_equal_str(word, roles[i].name)) i++;
        if (i == COUNT_OF(roles)) return false;
        bits |= roles[i].bit;
        text += word.n;
    }
    *out = bits;
    return true;
}

const char *config_roles_text(unsigned bits, char out[CONFIG_ROLES])
{
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < COUNT_OF(roles) && roles[i].bit != ROLE_ALL; i++) {
        if (!(bits & roles[i].bit)) continue;
        n += (size_t)snprintf(out + n, CONFIG_ROLES - n, "%s%s", n ? " " : "", roles[i].name);
    }
    return out;
}

static bool set_roles(struct setting *setting, unsigned *out)
{
    return config_roles(setting->value, out) ||
           refuse(setting, "must be of frontend proctor teacher author admin metrics all");
}

/* Only the transports that are safe to offer: others of libzmq's have open faults. */
static bool is_url(const struct setting *setting, const char *start)
{
    return !setting->value[0] || strncmp(setting->value, start, strlen(start)) == 0;
}

/* A name that libzmq makes up (*) or one without a file (@) has no mode that keeps others out. */
static bool set_ipc(struct setting *setting, char *out)
{
    if (is_url(setting, "ipc:///")) return set_text(setting, out);
    return refuse(setting, "must begin with ipc:/// and be a whole path");
}

static bool set_tcp(struct setting *setting, char *out)
{
    if (!is_url(setting, "tcp://")) return refuse(setting, "must begin with tcp://");
    if (!set_text(setting, out)) return false;
    if (!out[0] || endpoint_reach(out) != ENDPOINT_BAD) return true;
    return refuse(setting, "must be tcp://ADDRESS:PORT, the address in numbers (or *)");
}

static bool set_level(struct setting *setting)
{
    if (log_level_find(setting->value, &setting->config->log_level)) return true;
    return refuse(setting, "must be error, warn, info or debug");
}

static bool is(const struct setting *setting, const char *section, const char *key)
{
    return strcmp(setting->section, section) == 0 && strcmp(setting->key, key) == 0;
}

static bool set_http(struct setting *setting, char *out)
{
    struct sockaddr_storage address;

    if (!setting->value[0] ||
        endpoint_address(setting->value, "http://", &address) != ENDPOINT_BAD) {
        return set_text(setting, out);
    }
    return refuse(setting, "must be http://ADDRESS:PORT, the address in numbers (or *)");
}

static bool set_yes(struct setting *setting, bool *out)
{
    *out = strcmp(setting->value, "yes") == 0;
    return *out || strcmp(setting->value, "no") == 0 || refuse(setting, "must be yes or no");
}

static bool set_quota(struct setting *setting, enum quota_kind kind)
{
    return set_int(setting, 0, QUOTA_MOST, &setting->config->quota.most[kind]);
}

static bool set_kind(struct setting *setting)
{
    if (keeping_find(slice_str(setting->value))) {
        return set_text(setting, setting->config->store_kind);
    }
    return refuse(setting, "must be lmdb or postgres");
}

/* What it says is not repeated: there may be a password in it that should not. */
static bool set_store_url(struct setting *setting)
{
    struct fault fault = {0};

    if (pg_url_is_good(setting->value, &fault))
        return set_text(setting, setting->config->store_url);
    fault_set(setting->fault, NULL, setting->name, "%s", fault.text);
    setting->refused_line = setting->line;
    return false;
}

static bool set_store(struct setting *setting)
{
    struct config *config = setting->config;

    if (is(setting, "store", "map_size_mib")) {
        return set_int(setting, 1, MAX_MAP_MIB, &config->map_mib);
    }
    if (is(setting, "store", "kind")) return set_kind(setting);
    if (is(setting, "store", "url")) return set_store_url(setting);
    if (is(setting, "store", "backup_dir")) return set_text(setting, config->backup_dir);
    if (is(setting, "store", "mark")) return set_text(setting, config->mark);
    if (is(setting, "store", "retain_days"))
        return set_int(setting, 0, 36525, &config->retain_days);
    if (is(setting, "store", "reserve_mib")) {
        return set_int(setting, 0, MAX_MAP_MIB, &config->reserve_mib);
    }
    return refuse(setting, "there is no such key");
}

static bool set_daemon(struct setting *setting)
{
    struct config *config = setting->config;

    if (is(setting, "thetad", "data_dir")) return set_text(setting, config->data_dir);
    if (is(setting, "thetad", "log_level")) return set_level(setting);
    if (is(setting, "thetad", "drain_ms")) return set_int(setting, 0, 600000, &config->drain_ms);
    if (is(setting, "sessions", "max_live")) {
        return set_int(setting, 1, 10000000, &config->max_sessions);
    }
    if (is(setting, "sessions", "idle_s")) return set_int(setting, 1, 31536000, &config->idle_s);
    return set_store(setting);
}

static bool set_access(struct setting *setting)
{
    struct config *config = setting->config;
    struct endpoint_config *ipc = &config->endpoint[IPC_ENDPOINT],
                           *tcp = &config->endpoint[TCP_ENDPOINT];

    if (is(setting, "ipc", "endpoint")) return set_ipc(setting, ipc->url);
    if (is(setting, "ipc", "roles")) return set_roles(setting, &ipc->roles);
    if (is(setting, "tcp", "endpoint")) return set_tcp(setting, tcp->url);
    if (is(setting, "tcp", "roles")) {
        setting->has_tcp_roles = true;
        return set_roles(setting, &tcp->roles);
    }
    if (is(setting, "access", "server_key")) return set_text(setting, config->server_key);
    if (is(setting, "access", "keys")) return set_text(setting, config->key_dir);
    return set_daemon(setting);
}

static bool set(struct setting *setting)
{
    struct config *config = setting->config;

    if (is(setting, "access", "requests_per_second")) return set_quota(setting, QUOTA_REQUESTS);
    if (is(setting, "access", "sessions_per_hour")) return set_quota(setting, QUOTA_SESSIONS_HOUR);
    if (is(setting, "access", "sessions_per_day")) return set_quota(setting, QUOTA_SESSIONS_DAY);
    if (is(setting, "access", "items_per_day")) return set_quota(setting, QUOTA_ITEMS_DAY);
    if (is(setting, "limits", "connections")) {
        return set_int(setting, 1, 1000000, &config->max_connections);
    }
    if (is(setting, "limits", "queued")) return set_int(setting, 1, 1000000, &config->max_queued);
    if (is(setting, "metrics", "endpoint")) return set_http(setting, config->metrics);
    if (is(setting, "metrics", "open")) return set_yes(setting, &config->metrics_open);
    if (is(setting, "limits", "queue_ms")) return set_int(setting, 1, 60000, &config->queue_ms);
    return set_access(setting);
}

/* The parser gives an indented line as one more value of the key above it. */
static int on_value(void *context, const char *section, const char *key, const char *value)
{
    struct setting *setting = context;
    char name[LIMIT_ID + 1];
    bool again;

    if (setting->refused_line) return 0;
    setting->section = section;
    setting->key = key;
    setting->value = value;
    snprintf(name, sizeof(name), "%.30s.%.30s", section, key);
    again = strcmp(name, setting->name) == 0;
    memcpy(setting->name, name, sizeof(name));
    if (again) return refuse(setting, "stands twice, or goes on in an indented line");
    return set(setting);
}

/* For the parser: the next line, or NULL. */
static char *next_line(char *text, int size, void *stream)
{
    struct source *source = stream;
    struct setting *setting = source->setting;
    size_t n;

    if (!fgets(text, size, source->file)) return NULL;
    setting->line++;
    n = strlen(text);
    if (n + 1 < (size_t)size || text[n - 1] == '\n' || feof(source->file)) return text;
    if (!setting->refused_line) {
        fault_set(setting->fault, NULL, NULL, "is too long, at most %d bytes are allowed",
                  size - 2);
        setting->refused_line = setting->line;
    }
    return NULL;
}

void config_init(struct config *config)
{
    *config = (struct config){
        .data_dir = "/var/lib/thetad",
        .log_level = LOG_INFO,
        .endpoint = {[IPC_ENDPOINT] = {.url = "ipc:///run/thetad/thetad.sock", .roles = ROLE_ALL},
                     [TCP_ENDPOINT] = {.url = "tcp://127.0.0.1:7350", .roles = ROLE_FRONTEND}},
        .store_kind = "lmdb",
        .map_mib = 65536,
        .reserve_mib = 64,
        .max_sessions = 200000,
        .idle_s = 3600,
        .drain_ms = 5000,
        .quota.most = {[QUOTA_REQUESTS] = 1000,
                       [QUOTA_SESSIONS_HOUR] = 10000,
                       [QUOTA_SESSIONS_DAY] = 50000,
                       [QUOTA_ITEMS_DAY] = 2000000},
        .max_connections = 500,
        .max_queued = 20000,
        .queue_ms = 1000,
    };
}

/* Keep what was found first: a line that the parser does not take, or a value that we do not. */
static enum status refuse_line(const struct setting *setting, int bad_line)
{
    bool ours = setting->refused_line && (!bad_line || setting->refused_line <= bad_line);
    struct fault found = {.text = "is not key = value"};

    if (ours) found = *setting->fault;
    fault_set(setting->fault, NULL, found.field, "line %d: %.130s",
              ours ? setting->refused_line : bad_line, found.text);
    return BAD_REQUEST;
}

/* Values that each are good must be so together. Without encryption, bytes on a network are
 * anybody's. */
static enum status check(const struct setting *setting)
{
    const struct config *config = setting->config;
    const char *tcp = config->endpoint[TCP_ENDPOINT].url, *field = NULL, *why = NULL;
    struct sockaddr_storage http;
    bool has_keys = config->server_key[0] != '\0';
    bool is_shared = strcmp(config->store_kind, "lmdb") != 0;

    if (!config->endpoint[IPC_ENDPOINT].url[0] && !tcp[0]) {
        field = "ipc.endpoint";
        why = "both endpoints are off";
    } else if (is_shared != (config->store_url[0] != '\0')) {
        field = is_shared ? "store.url" : "store.kind";
        why = "store.kind = postgres and store.url go together: one of them is missing";
    } else if (has_keys != (config->key_dir[0] != '\0')) {
        field = has_keys ? "access.keys" : "access.server_key";
        why = "server_key and keys go together: one of them is missing";
    } else if (has_keys && setting->has_tcp_roles) {
        field = "tcp.roles";
        why = "with access.keys each peer has the roles of its key: leave this out";
    } else if (tcp[0] && !has_keys && endpoint_reach(tcp) != ENDPOINT_LOOPBACK) {
        field = "tcp.endpoint";
        why = "must be a loopback address (127.0.0.1, [::1]) unless access.server_key and "
              "access.keys turn encryption on";
    } else if (!config->metrics_open &&
               endpoint_address(config->metrics, "http://", &http) == ENDPOINT_NETWORK) {
        field = "metrics.endpoint";
        why = "must be a loopback address (127.0.0.1, [::1]) unless metrics.open says yes";
    }
    if (!why) return OK;
    fault_set(setting->fault, NULL, field, "%s", why);
    return BAD_REQUEST;
}

/* A whole regular file: a folder would read as if it were empty, a pipe would make the daemon wait,
 * and behind a NUL the parser would see nothing of a line. */
static enum status read_file(int fd, char text[CONFIG_BYTES], size_t *out_n, struct fault *fault)
{
    struct stat about;
    ssize_t n;

    if (fstat(fd, &about)) return IO_ERROR;
    if (!S_ISREG(about.st_mode) || about.st_size >= CONFIG_BYTES) {
        errno = S_ISREG(about.st_mode) ? EFBIG : S_ISDIR(about.st_mode) ? EISDIR : EINVAL;
        return IO_ERROR;
    }
    n = read(fd, text, CONFIG_BYTES);
    if (n < 0) return IO_ERROR;
    *out_n = (size_t)n;
    if (!memchr(text, 0, *out_n)) return OK;
    fault_set(fault, NULL, NULL, "there is a NUL byte in it");
    return BAD_REQUEST;
}

static enum status parse(char *text, size_t n, struct setting *setting)
{
    struct source source = {.file = fmemopen(text, n, "r"), .setting = setting};
    int line;

    if (!source.file) return NO_MEMORY;
    line = ini_parse_stream(next_line, &source, on_value, setting);
    fclose(source.file);
    return line || setting->refused_line ? refuse_line(setting, line) : check(setting);
}

static enum status fail(const char *path, struct fault *fault)
{
    enum status st = errno == ENOENT ? NOT_FOUND : errno == ENOMEM ? NO_MEMORY : IO_ERROR;

    fault_set(fault, NULL, NULL, "cannot read %s: %s", path, strerror(errno));
    return st;
}

enum status config_load(const char *path, struct config *config, struct fault *fault)
{
    struct config read;
    struct setting setting = {.config = &read, .fault = fault};
    char text[CONFIG_BYTES];
    size_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum status st;

    if (fd < 0) return fail(path, fault);
    config_init(&read);
    st = read_file(fd, text, &n, fault);
    if (st == IO_ERROR) st = fail(path, fault);
    close(fd);
    if (st == OK) st = parse(text, n, &setting);
    if (st == OK) *config = read;
    return st;
}
