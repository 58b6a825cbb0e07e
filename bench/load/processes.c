/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/load/processes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>
#include <zmq.h>

static void fail(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(EX_OSERR);
}

void make_folder(const char *path)
{
    if (mkdir(path, 0700) != 0) fail(path);
}

/* A loopback port that is free now. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, n) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &n) != 0) {
        fail("port");
    }
    close(fd);
    return ntohs(address.sin_port);
}

/* The bare ROUTER: every frame back as it came. */
static void run_echo(const char *url)
{
    void *zmq = zmq_ctx_new();
    void *router = zmq ? zmq_socket(zmq, ZMQ_ROUTER) : NULL;
    zmq_msg_t frame;

    if (!router || zmq_bind(router, url) != 0) _exit(EX_UNAVAILABLE);
    zmq_msg_init(&frame);
    while (zmq_msg_recv(&frame, router, 0) >= 0) {
        if (zmq_msg_send(&frame, router, zmq_msg_more(&frame) ? ZMQ_SNDMORE : 0) < 0) break;
    }
    _exit(EX_OK);
}

/* A child that ends with us. */
static pid_t child(void)
{
    pid_t parent = getpid(), pid = fork();

    if (pid < 0) fail("fork");
    if (pid > 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(EX_OSERR);
    return 0;
}

static void write_config(const struct processes *processes, const char *path)
{
    FILE *file = fopen(path, "w");

    if (!file) fail(path);
    fprintf(file,
            "[thetad]\ndata_dir = %s/data\nlog_level = warn\n"
            "[ipc]\nendpoint = %s\n[tcp]\nendpoint = %s\n[store]\nmap_size_mib = 4096\n",
            processes->folder, processes->author_url, processes->student_url);
    if (fclose(file) != 0) fail(path);
}

void processes_start(struct processes *processes, const char *thetad)
{
    char path[PATH_BYTES];

    snprintf(processes->folder, sizeof(processes->folder), "/tmp/thetad-bench.XXXXXX");
    if (!mkdtemp(processes->folder)) fail("scratch folder");
    snprintf(path, sizeof(path), "%s/data", processes->folder);
    make_folder(path);
    snprintf(processes->author_url, PATH_BYTES, "ipc://%s/thetad.sock", processes->folder);
    snprintf(processes->student_url, PATH_BYTES, "tcp://127.0.0.1:%d", free_port());
    snprintf(processes->echo_url, PATH_BYTES, "tcp://127.0.0.1:%d", free_port());
    snprintf(path, sizeof(path), "%s/thetad.conf", processes->folder);
    write_config(processes, path);

    processes->echo = child();
    if (processes->echo == 0) run_echo(processes->echo_url);
    processes->thetad = child();
    if (processes->thetad == 0) {
        execl(thetad, thetad, "--config", path, (char *)NULL);
        _exit(EX_NOINPUT);
    }
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

void processes_stop(struct processes *processes)
{
    kill(processes->echo, SIGTERM);
    kill(processes->thetad, SIGTERM);
    waitpid(processes->echo, NULL, 0);
    waitpid(processes->thetad, NULL, 0);
    nftw(processes->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
