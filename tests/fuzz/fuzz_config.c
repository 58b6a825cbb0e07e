/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The configuration file: taken or refused with a reason, and on a refusal nothing has changed. */
#include "server/config.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct config config, before;
    struct fault fault = {0};
    char path[64];
    enum status st;
    int fd = memfd_create("config", 0);

    MUST(fd >= 0 && write(fd, data, n) == (ssize_t)n);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    config_init(&config);
    before = config;
    st = config_load(path, &config, &fault);
    close(fd);
    if (st) {
        MUST(fault.text[0]);
        MUST(memcmp(&config, &before, sizeof(config)) == 0);
        return 0;
    }
    MUST(config.map_mib > 0 && config.max_sessions > 0 && config.idle_s > 0);
    MUST(config.endpoint[0].url[0] || config.endpoint[1].url[0]);
    fuzz_taken();
    return 0;
}
