/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/endpoint.h"

#include "base/macros.h"

#include <criterion/criterion.h>

Test(endpoint, tells_this_machine_from_the_network)
{
    static const struct {
        const char *url;
        enum endpoint_reach reach;
    } rows[] = {
        {"tcp://127.0.0.1:7350", ENDPOINT_LOOPBACK},
        {"tcp://127.255.255.254:1", ENDPOINT_LOOPBACK},
        {"tcp://[::1]:65535", ENDPOINT_LOOPBACK},
        {"tcp://[0:0:0:0:0:0:0:1]:7350", ENDPOINT_LOOPBACK},
        {"tcp://126.255.255.255:7350", ENDPOINT_NETWORK},
        {"tcp://128.0.0.1:7350", ENDPOINT_NETWORK},
        {"tcp://0.0.0.0:7350", ENDPOINT_NETWORK},
        {"tcp://*:7350", ENDPOINT_NETWORK},
        {"tcp://[::]:7350", ENDPOINT_NETWORK},
        {"tcp://[::ffff:127.0.0.1]:7350", ENDPOINT_NETWORK},
        {"tcp://[fe80::1]:7350", ENDPOINT_NETWORK},
        {"tcp://127.evil:7350", ENDPOINT_BAD},
        {"tcp://127.0.0.1.evil.example:7350", ENDPOINT_BAD},
        {"tcp://127.1:7350", ENDPOINT_BAD},
        {"tcp://0177.0.0.1:7350", ENDPOINT_BAD},
        {"tcp://2130706433:7350", ENDPOINT_BAD},
        {"tcp://localhost:7350", ENDPOINT_BAD},
        {"tcp://lo:7350", ENDPOINT_BAD},
        {"tcp://eth0:7350", ENDPOINT_BAD},
        {"tcp://::1:7350", ENDPOINT_BAD},
        {"tcp://[::1:7350", ENDPOINT_BAD},
        {"tcp://[::1]7350", ENDPOINT_BAD},
        {"tcp://[fe80::1%eth0]:7350", ENDPOINT_BAD},
        {"tcp://[127.0.0.1]:7350", ENDPOINT_BAD},
        {"tcp://eth0;127.0.0.1:7350", ENDPOINT_BAD},
        {"tcp://127.0.0.1", ENDPOINT_BAD},
        {"tcp://127.0.0.1:", ENDPOINT_BAD},
        {"tcp://127.0.0.1:0", ENDPOINT_BAD},
        {"tcp://127.0.0.1:*", ENDPOINT_BAD},
        {"tcp://127.0.0.1:65536", ENDPOINT_BAD},
        {"tcp://127.0.0.1:7350 ", ENDPOINT_BAD},
        {"tcp://127.0.0.1:+7350", ENDPOINT_BAD},
        {"tcp:// 127.0.0.1:7350", ENDPOINT_BAD},
        {"tcp://:7350", ENDPOINT_BAD},
        {"tcp://", ENDPOINT_BAD},
        {"tcp:", ENDPOINT_BAD},
        {"", ENDPOINT_BAD},
        {"ipc:///tmp/x", ENDPOINT_BAD},
        {"TCP://127.0.0.1:7350", ENDPOINT_BAD},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        cr_expect_eq(endpoint_reach(rows[i].url), rows[i].reach, "%s", rows[i].url);
    }
}
