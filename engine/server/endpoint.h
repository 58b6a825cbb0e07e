/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an address to bind means for who can reach it. */
#ifndef SERVER_ENDPOINT_H
#define SERVER_ENDPOINT_H

#include <stdint.h>
#include <sys/socket.h>

enum endpoint_reach {
    ENDPOINT_BAD,       // no SCHEME://ADDRESS:PORT
    ENDPOINT_LOOPBACK,  // this machine only
    ENDPOINT_NETWORK,
};

/* ADDRESS is numbers: an IPv4 address, an IPv6 address in brackets, or *, all of them. A name could
 * come to mean another address, or an interface. PORT is 1 to 65535. */
enum endpoint_reach endpoint_reach(const char *url);  // tcp://

/* The same of any scheme ("http://"), and where it is not bad the address. */
enum endpoint_reach endpoint_address(const char *url, const char *scheme,
                                     struct sockaddr_storage *out);

/* The port of such an address. */
uint16_t endpoint_port(const struct sockaddr_storage *address);

#endif
