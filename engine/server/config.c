/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/config.h"
#include "base/slice.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MAP_MIB = 64 * 1024 * 1024 };

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
    bool refused;
};

static bool refuse(struct setting *setting, const char *why)
{
    fault_set(setting->fault, NULL, setting->name, "%s, is \"%.60s\"", why, setting->value);
    setting->refused = true;
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

static bool set_roles(struct setting *setting, unsigned *out)
{
    char text[CONFIG_TEXT], *state = NULL;
    unsigned bits = 0;

    if (!set_text(setting, text)) return false;
    for (char *word = strtok_r(text, " ,", &state); word; word = strtok_r(NULL, " ,", &state)) {
        size_t i = 0;

        while (i < COUNT_OF(roles) && strcmp(word, roles[i].name) != 0) i++;
        if (i == COUNT_OF(roles)) {
            return refuse(setting, "must be of frontend proctor teacher author admin metrics all");
        }
        bits |= roles[i].bit;
    }
    *out = bits;
    return true;
}

/* Only the transports that are safe to offer: others of libzmq's have open faults. */
static bool set_url(struct setting *setting, const char *scheme, char *out)
{
    if (!setting->value[0] || strncmp(setting->value, scheme, strlen(scheme)) == 0) {
        return set_text(setting, out);
    }
    return refuse(setting, scheme[0] == 'i' ? "must begin with ipc://" : "must begin with tcp://");
}

/* Without encryption, bytes on a network are anybody's. */
static bool set_tcp(struct setting *setting, char *out)
{
    static const char *const loopback[] = {"tcp://127.", "tcp://[::1]:", "tcp://localhost:"};

    if (!set_url(setting, "tcp://", out)) return false;
    for (size_t i = 0; i < COUNT_OF(loopback); i++) {
        if (strncmp(out, loopback[i], strlen(loopback[i])) == 0) return true;
    }
    return !out[0] || refuse(setting, "must be a loopback address: there is no encryption");
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

static bool set(struct setting *setting)
{
    struct config *config = setting->config;
    struct endpoint_config *ipc = &config->endpoint[0], *tcp = &config->endpoint[1];

    if (is(setting, "thetad", "data_dir")) return set_text(setting, config->data_dir);
    if (is(setting, "thetad", "log_level")) return set_level(setting);
    if (is(setting, "thetad", "drain_ms")) return set_int(setting, 0, 600000, &config->drain_ms);
    if (is(setting, "ipc", "endpoint")) return set_url(setting, "ipc://", ipc->url);
    if (is(setting, "ipc", "roles")) return set_roles(setting, &ipc->roles);
    if (is(setting, "tcp", "endpoint")) return set_tcp(setting, tcp->url);
    if (is(setting, "tcp", "roles")) return set_roles(setting, &tcp->roles);
    if (is(setting, "store", "map_size_mib")) {
        return set_int(setting, 1, MAX_MAP_MIB, &config->map_mib);
    }
    if (is(setting, "sessions", "max_live")) {
        return set_int(setting, 1, 10000000, &config->max_sessions);
    }
    if (is(setting, "sessions", "idle_s")) return set_int(setting, 1, 31536000, &config->idle_s);
    return refuse(setting, "there is no such key");
}

/* The parser gives an indented line as one more value of the key above it. */
static int on_value(void *context, const char *section, const char *key, const char *value)
{
    struct setting *setting = context;
    char name[LIMIT_ID + 1];
    bool again;

    if (setting->refused) return 0;
    setting->section = section;
    setting->key = key;
    setting->value = value;
    snprintf(name, sizeof(name), "%.30s.%.30s", section, key);
    again = strcmp(name, setting->name) == 0;
    memcpy(setting->name, name, sizeof(name));
    if (again) return refuse(setting, "stands twice, or goes on in an indented line");
    return set(setting);
}

void config_init(struct config *config)
{
    *config = (struct config){
        .data_dir = "/var/lib/thetad",
        .log_level = LOG_INFO,
        .endpoint = {{.url = "ipc:///run/thetad/thetad.sock", .roles = ROLE_ALL},
                     {.url = "tcp://127.0.0.1:7350", .roles = ROLE_FRONTEND}},
        .map_mib = 65536,
        .max_sessions = 200000,
        .idle_s = 3600,
        .drain_ms = 5000,
    };
}

enum status config_load(const char *path, struct config *config, struct fault *fault)
{
    struct config read;
    struct setting setting = {.config = &read, .fault = fault};
    int line;

    config_init(&read);
    line = ini_parse(path, on_value, &setting);
    if (line < 0) {
        fault_set(fault, NULL, NULL, "cannot read %s: %s", path, strerror(errno));
        return NOT_FOUND;
    }
    if (line > 0) {
        struct fault found = {.text = "is not key = value"};

        if (setting.refused) found = *fault;
        fault_set(fault, NULL, found.field, "line %d: %.120s", line, found.text);
        return BAD_REQUEST;
    }
    if (!read.endpoint[0].url[0] && !read.endpoint[1].url[0]) {
        fault_set(fault, NULL, "ipc.endpoint", "both endpoints are off");
        return BAD_REQUEST;
    }
    *config = read;
    return OK;
}
