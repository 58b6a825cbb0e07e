/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/endpoint.h"
#include "base/slice.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static bool is_port(const char *text)
{
    size_t n = strlen(text);
    long port;

    if (n == 0 || n > 5 || strspn(text, "0123456789") != n || text[0] == '0') return false;
    port = strtol(text, NULL, 10);
    return port <= 65535;
}

static enum endpoint_reach reach_of_ipv4(const char *address)
{
    struct in_addr in;

    if (inet_pton(AF_INET, address, &in) != 1) return ENDPOINT_BAD;
    return ntohl(in.s_addr) >> 24 == IN_LOOPBACKNET ? ENDPOINT_LOOPBACK : ENDPOINT_NETWORK;
}

static enum endpoint_reach reach_of_ipv6(const char *address)
{
    struct in6_addr in6;

    if (inet_pton(AF_INET6, address, &in6) != 1) return ENDPOINT_BAD;
    return IN6_IS_ADDR_LOOPBACK(&in6) ? ENDPOINT_LOOPBACK : ENDPOINT_NETWORK;
}

enum endpoint_reach endpoint_reach(const char *url)
{
    static const char scheme[] = "tcp://";
    const char *address = url + sizeof(scheme) - 1, *colon = strrchr(url, ':');
    char text[INET6_ADDRSTRLEN + 2];
    size_t n;

    if (strncmp(url, scheme, sizeof(scheme) - 1) != 0 || colon < address || !is_port(colon + 1)) {
        return ENDPOINT_BAD;
    }
    n = (size_t)(colon - address);
    if (!slice_to_text(slice_of(address, n), text, sizeof(text))) return ENDPOINT_BAD;
    if (strcmp(text, "*") == 0) return ENDPOINT_NETWORK;
    if (n < 2 || text[0] != '[' || text[n - 1] != ']') return reach_of_ipv4(text);
    text[n - 1] = '\0';
    return reach_of_ipv6(text + 1);
}
