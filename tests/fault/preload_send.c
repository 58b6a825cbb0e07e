/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preloaded into the daemon: from the Nth message frame on that threads beside the main one send
 * (THETA_SEND_FAIL), there is no memory for any. */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

int zmq_send(void *socket, const void *data, size_t n, int flags);

static atomic_long n_sent;

int zmq_send(void *socket, const void *data, size_t n, int flags)
{
    int (*send)(void *, const void *, size_t, int);
    const char *text = getenv("THETA_SEND_FAIL");

    *(void **)&send = dlsym(RTLD_NEXT, "zmq_send");
    if (text && gettid() != getpid() && ++n_sent >= atol(text)) {
        errno = ENOMEM;
        return -1;
    }
    return send(socket, data, n, flags);
}
