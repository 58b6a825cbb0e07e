/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/inherited.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST = 3, URL_BYTES = sizeof(struct sockaddr_un) + 16 };

union address {
    struct sockaddr any;
    struct sockaddr_un local;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static int n_inherited(void)
{
    const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

    if (!pid || !n || strtoll(pid, NULL, 10) != getpid()) return 0;
    return (int)strtol(n, NULL, 10);
}

/* Its address as the configuration has it. False for what we cannot listen on. */
static bool url_of(int fd, char out[URL_BYTES], bool *out_all)
{
    union address address = {0};
    socklen_t size = sizeof(address), int_size = sizeof(int);
    char text[INET6_ADDRSTRLEN];
    int type = 0, listens = 0;

    if (getsockname(fd, &address.any, &size) ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &int_size) ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &int_size) || type != SOCK_STREAM ||
        !listens) {
        return false;
    }
    switch (address.any.sa_family) {
    case AF_UNIX:
        snprintf(out, URL_BYTES, "ipc://%s", address.local.sun_path);
        return true;
    case AF_INET:
        *out_all = address.in.sin_addr.s_addr == INADDR_ANY;
        inet_ntop(AF_INET, &address.in.sin_addr, text, sizeof(text));
        snprintf(out, URL_BYTES, "tcp://%s:%d", text, ntohs(address.in.sin_port));
        return true;
    case AF_INET6:
        *out_all = IN6_IS_ADDR_UNSPECIFIED(&address.in6.sin6_addr);
        inet_ntop(AF_INET6, &address.in6.sin6_addr, text, sizeof(text));
        snprintf(out, URL_BYTES, "tcp://[%s]:%d", text, ntohs(address.in6.sin6_port));
        return true;
    default:
        return false;
    }
}

/* Whether the configuration calls it `url`, or by the star that stands for all addresses. */
static bool is_called(const char *configured, const char *url, bool all)
{
    static const char star[] = "tcp://*";

    if (strcmp(configured, url) == 0) return true;
    return all && strncmp(configured, star, sizeof(star) - 1) == 0 &&
           strcmp(configured + sizeof(star) - 1, strrchr(url, ':')) == 0;
}

/* libzmq must not wait for a connection that has gone again. */
static bool prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static enum status place(const struct config *config, int fd, int out_fd[CONFIG_ENDPOINTS],
                         struct fault *fault)
{
    char url[URL_BYTES];
    bool all = false;

    if (!url_of(fd, url, &all)) {
        fault_set(fault, NULL, NULL, "descriptor %d, from systemd, is no socket that listens", fd);
        return BAD_REQUEST;
    }
    for (int s = 0; s < CONFIG_ENDPOINTS; s++) {
        if (out_fd[s] >= 0 || !is_called(config->endpoint[s].url, url, all)) continue;
        if (!prepare(fd)) {
            fault_set(fault, NULL, NULL, "%.100s, from systemd: %s", url, strerror(errno));
            return IO_ERROR;
        }
        out_fd[s] = fd;
        return OK;
    }
    fault_set(fault, NULL, strncmp(url, "ipc", 3) == 0 ? "ipc.endpoint" : "tcp.endpoint",
              "systemd listens at %.100s (thetad.socket), which is not in the configuration", url);
    return BAD_REQUEST;
}

enum status inherited_find(const struct config *config, int out_fd[CONFIG_ENDPOINTS],
                           struct fault *fault)
{
    enum status st = OK;
    int n = n_inherited();

    for (int s = 0; s < CONFIG_ENDPOINTS; s++) out_fd[s] = -1;
    for (int i = 0; i < n && st == OK; i++) st = place(config, FIRST + i, out_fd, fault);
    return st;
}
