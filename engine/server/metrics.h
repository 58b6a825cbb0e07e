/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP for Prometheus and for balancers: GET /metrics, /livez, /readyz. A thread of its own gets
 * samples as values and asks the loop for nothing, so that no reader of them can hold it up. */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "base/fault.h"
#include "server/sample.h"

struct metrics;
struct thread;

/* Serve at `url` (http://ADDRESS:PORT). IO_ERROR, with `fault`, where there can be no listener or
 * thread; NO_MEMORY. */
MUST_CHECK enum status metrics_start(void *zmq_context, const char *url, struct metrics **out,
                                     struct fault *fault);

/* Ends the thread. NULL is fine. */
void metrics_stop(struct metrics *metrics);

/* Its thread, to be watched. */
const struct thread *metrics_thread(const struct metrics *metrics);

/* What there is to tell from now on. NULL is fine: nobody asks. */
void metrics_publish(struct metrics *metrics, const struct loop *loop);

#endif
