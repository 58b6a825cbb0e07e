/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast a store comes back: bench_replay [EVENTS] [FOLDER] fills a store with sessions of 30
 * answers (1,000 items, EAP, MFI with randomesque 5; 1,000,000 events in a folder of /tmp), then
 * measures a start, in which every event is in the journal, and a verification, once so and once
 * with all sessions in the archive, in seconds of processor time. The folder is removed unless it
 * was named; with 0 EVENTS only the start on the store that it has is measured. */
#include "bench/micro/stock.h"
#include "server/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Seconds of this process on a processor: what other processes do on the machine does not count. */
static double cpu_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void measure_verify(struct env *env, const char *where)
{
    double from_s = cpu_s(), s;
    struct verify *verify;

    if (verify_new(env, NULL, &verify)) stock_fail("verify", NULL);
    while (!verify_done(verify)) {
        if (verify_step(verify, 10000)) stock_fail("verify", NULL);
    }
    s = cpu_s() - from_s;
    printf("verify, events in the %s: %llu of %llu events in %.2f s, %.0f a second, %llu faults\n",
           where, (unsigned long long)verify_n_event(verify),
           (unsigned long long)verify_n_total(verify), s, (double)verify_n_event(verify) / s,
           (unsigned long long)verify_n_fault(verify));
    verify_free(verify);
}

static void measure(const struct config *config, bool start_only)
{
    struct server server;
    double from_s = cpu_s(), s;

    stock_open(config, &server);
    s = cpu_s() - from_s;
    printf("start: %llu events in %.2f s, %.0f a second\n",
           (unsigned long long)(server.journal.next_lsn - 1), s,
           (double)(server.journal.next_lsn - 1) / s);
    if (start_only) {
        server_close(&server);
        return;
    }
    measure_verify(server.env, "journal");
    stock_tidy(&server);
    measure_verify(server.env, "archive");
    server_close(&server);
}

int main(int argc, char **argv)
{
    uint64_t n_event = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    const char *folder = argc > 2 ? argv[2] : NULL;
    struct config config;

    log_set_level(LOG_ERROR);
    stock_config(&config, folder);
    if (n_event > 0) {
        stock_fill(&config, STOCK_ITEMS);
        stock_take(&config, n_event / (STOCK_ANSWERS + 1));
    }
    measure(&config, n_event == 0);
    if (!folder) stock_remove(&config);
    return EXIT_SUCCESS;
}
