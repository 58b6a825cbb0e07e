/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/endpoint.h"
#include "base/slice.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* 1 to 65535, without zeros before it; else 0. */
static in_port_t port_of(const char *text)
{
    size_t n = strlen(text);
    long port;

    if (n == 0 || n > 5 || strspn(text, "0123456789") != n || text[0] == '0') return 0;
    port = strtol(text, NULL, 10);
    return port <= 65535 ? (in_port_t)port : 0;
}

static enum endpoint_reach ipv4_of(const char *address, in_port_t port,
                                   struct sockaddr_storage *out)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

    if (inet_pton(AF_INET, address, &in.sin_addr) != 1) return ENDPOINT_BAD;
    memcpy(out, &in, sizeof(in));
    return ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET ? ENDPOINT_LOOPBACK : ENDPOINT_NETWORK;
}

static enum endpoint_reach ipv6_of(const char *address, in_port_t port,
                                   struct sockaddr_storage *out)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (inet_pton(AF_INET6, address, &in.sin6_addr) != 1) return ENDPOINT_BAD;
    memcpy(out, &in, sizeof(in));
    return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr) ? ENDPOINT_LOOPBACK : ENDPOINT_NETWORK;
}

enum endpoint_reach endpoint_address(const char *url, const char *scheme,
                                     struct sockaddr_storage *out)
{
    const char *address = url + strlen(scheme), *colon = strrchr(url, ':');
    char text[INET6_ADDRSTRLEN + 2];
    in_port_t port;
    size_t n;

    memset(out, 0, sizeof(*out));
    if (strncmp(url, scheme, strlen(scheme)) != 0 || colon < address) return ENDPOINT_BAD;
    port = port_of(colon + 1);
    n = (size_t)(colon - address);
    if (!port || !slice_to_text(slice_of(address, n), text, sizeof(text))) return ENDPOINT_BAD;
    if (strcmp(text, "*") == 0) return ipv4_of("0.0.0.0", port, out);
    if (n < 2 || text[0] != '[' || text[n - 1] != ']') return ipv4_of(text, port, out);
    text[n - 1] = '\0';
    return ipv6_of(text + 1, port, out);
}

enum endpoint_reach endpoint_reach(const char *url)
{
    struct sockaddr_storage address;

    return endpoint_address(url, "tcp://", &address);
}

uint16_t endpoint_port(const struct sockaddr_storage *address)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    memcpy(&in, address, sizeof(in));
    memcpy(&in6, address, sizeof(in6));
    return ntohs(address->ss_family == AF_INET6 ? in6.sin6_port : in.sin_port);
}
