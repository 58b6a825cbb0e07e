/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration file: INI, every key with a sound default. systemd/thetad.conf shows them
 * all. */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "base/fault.h"
#include "server/log.h"
#include "server/quota.h"

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

enum { CONFIG_TEXT = 512 };

enum { IPC_ENDPOINT, TCP_ENDPOINT, CONFIG_ENDPOINTS };

struct endpoint_config {
    char url[CONFIG_TEXT];  // "" is off
    unsigned roles;         // of every peer there; with keys each has its own
};

struct config {
    char data_dir[CONFIG_TEXT];
    enum log_level log_level;
    struct endpoint_config endpoint[CONFIG_ENDPOINTS];
    char store_kind[CONFIG_TEXT];  // where the events of sessions are kept: a row's name
    char store_url[CONFIG_TEXT];   // the shared store, "" where the row has none
    char backup_dir[CONFIG_TEXT];  // "": none
    char mark[CONFIG_TEXT + 8];    // the file of the newest event; "": in data_dir
    bool accept_older;             // what that file says; of the command line, not of the file
    uint64_t n_awake;              // of sessions_config; of no file
    int64_t map_mib;               // LMDB's map; address space, not disk
    int64_t retain_days;           // sessions older than that are erased; 0: never
    int64_t reserve_mib;           // of the disk, below which nothing is written
    int64_t max_sessions;          // live ones
    int64_t idle_s;                // a session untouched for so long leaves memory
    int64_t drain_ms;              // longest wait for what is under way when told to end

    /* Encryption and keys of the tcp endpoint, where the first is not "". */
    char server_key[CONFIG_TEXT];  // file of the secret certificate; a name: a systemd credential
    char key_dir[CONFIG_TEXT];     // folder of the clients' public certificates
    struct quota_limits quota;     // of a key that names none of its own

    char metrics[CONFIG_TEXT];  // http://ADDRESS:PORT; "": off
    bool metrics_open;          // the address may be one that other machines reach

    int64_t max_connections;  // what descriptors must be there for
    int64_t max_queued;       // requests that wait to be begun
    int64_t queue_ms;         // longest wait to be expected before one is refused
};

void config_init(struct config *config);

/* The bits of roles named in `text`, between spaces and commas. False where one is no role. */
bool config_roles(const char *text, unsigned *out);

/* The names of the roles in `bits`, between spaces. Returns `out`. */
enum { CONFIG_ROLES = 64 };
const char *config_roles_text(unsigned bits, char out[CONFIG_ROLES]);

/* Read a file over the defaults. NOT_FOUND where there is none; NO_MEMORY; IO_ERROR where it cannot
 * be read, or is no file of at most 64 KiB; BAD_REQUEST with line and key in `fault`. On an error
 * *config is untouched. */
MUST_CHECK enum status config_load(const char *path, struct config *config, struct fault *fault);

#endif
