/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration file: INI, every key with a sound default. systemd/thetad.conf shows them
 * all. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "base/fault.h"
#include "server/log.h"

#include <stdint.h>

/* What a peer may do. Bits. */
enum role {
    ROLE_FRONTEND = 1 << 0,
    ROLE_PROCTOR = 1 << 1,
    ROLE_TEACHER = 1 << 2,
    ROLE_AUTHOR = 1 << 3,
    ROLE_ADMIN = 1 << 4,
    ROLE_METRICS = 1 << 5,
    ROLE_ALL = (1 << 6) - 1,
};

enum { CONFIG_TEXT = 512, CONFIG_ENDPOINTS = 2 };

struct endpoint_config {
    char url[CONFIG_TEXT];  // "" is off
    unsigned roles;         // of every peer there
};

struct config {
    char data_dir[CONFIG_TEXT];
    enum log_level log_level;
    struct endpoint_config endpoint[CONFIG_ENDPOINTS];  // ipc, tcp
    int64_t map_mib;                                    // LMDB's map; address space, not disk
    int64_t max_sessions;                               // live ones
    int64_t idle_s;    // a session untouched for so long leaves memory
    int64_t drain_ms;  // longest wait for what is under way when told to end
};

void config_init(struct config *config);

/* Read a file over the defaults. NOT_FOUND where it cannot be read, BAD_REQUEST with line and key
 * in `fault`; on an error *config is untouched. */
MUST_CHECK enum status config_load(const char *path, struct config *config, struct fault *fault);

#endif
