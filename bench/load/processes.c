/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/load/processes.h"
#include "proto/certificate.h"

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
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { TRIES = 6000, TRY_NS = 5000000, OPEN_DIRS = 16, CONNECTIONS = 12000 };

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(EX_OSERR);
}

void make_folder(const char *path)
{
    if (mkdir(path, 0700) != 0) fail(path, strerror(errno));
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
}

uint16_t process_port(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t n = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, n) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &n) != 0) {
        fail("port", strerror(errno));
    }
    close(fd);
    return ntohs(address.sin_port);
}

static bool takes_connections(uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool taken = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

    if (fd >= 0) close(fd);
    return taken;
}

void process_wait(const char *what, pid_t pid, uint16_t port)
{
    const struct timespec pause = {.tv_nsec = TRY_NS};

    for (int i = 0; i < TRIES; i++) {
        if (takes_connections(port)) return;
        if (waitpid(pid, NULL, WNOHANG) == pid) fail(what, "ended at once");
        nanosleep(&pause, NULL);
    }
    fail(what, "takes no connections");
}

pid_t process_start(void)
{
    pid_t parent = getpid(), pid = fork();

    if (pid < 0) fail("fork", strerror(errno));
    if (pid > 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(EX_OSERR);
    return 0;
}

static void end(pid_t pid, int signal)
{
    kill(pid, signal);
    waitpid(pid, NULL, 0);
}

void process_end(pid_t pid)
{
    end(pid, SIGTERM);
}

static void write_text_file(const char *path, struct slice text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, text.data, text.n) != (ssize_t)text.n || close(fd) != 0) {
        fail(path, strerror(errno));
    }
}

static void write_certificate(const char *path, const struct certificate *certificate, bool secret)
{
    struct buf text = {0};

    certificate_write(certificate, secret, &text);
    write_text_file(path, buf_slice(&text));
    buf_done(&text);
}

/* The daemon's key and one of a frontend, in the tenant that the author at the socket has too. */
static void make_keys(struct daemon *daemon)
{
    struct certificate server = {0}, student = {0};
    char path[PATH_BYTES];

    if (zmq_curve_keypair(server.public_key, server.secret_key) != 0 ||
        zmq_curve_keypair(student.public_key, daemon->secret_key) != 0 ||
        !certificate_add(&student, "name", "bench") ||
        !certificate_add(&student, "role", "frontend") ||
        !certificate_add(&student, "tenant", "local")) {
        fail("keys", "libzmq makes none");
    }
    memcpy(daemon->server_key, server.public_key, sizeof(daemon->server_key));
    memcpy(daemon->public_key, student.public_key, sizeof(daemon->public_key));
    snprintf(path, sizeof(path), "%s/server.secret", daemon->folder);
    write_certificate(path, &server, true);
    snprintf(path, sizeof(path), "%s/keys", daemon->folder);
    make_folder(path);
    snprintf(path, sizeof(path), "%s/keys/bench.key", daemon->folder);
    write_certificate(path, &student, false);
}

static void write_config(const struct daemon *daemon, const char *data, const char *path)
{
    FILE *file = fopen(path, "w");

    if (!file) fail(path, strerror(errno));
    fprintf(file,
            "[thetad]\ndata_dir = %s\nlog_level = error\n"
            "[ipc]\nendpoint = %s\n[tcp]\nendpoint = %s\n[store]\nmap_size_mib = 8192\n"
            "[limits]\nconnections = %d\n",
            data, daemon->author_url, daemon->student_url, CONNECTIONS);
    if (daemon->curve) {
        fprintf(file,
                "[access]\nserver_key = %s/server.secret\nkeys = %s/keys\n"
                "requests_per_second = 0\nsessions_per_hour = 0\nsessions_per_day = 0\n"
                "items_per_day = 0\n",
                daemon->folder, daemon->folder);
    }
    if (fclose(file) != 0) fail(path, strerror(errno));
}

void daemon_start(struct daemon *daemon, const struct daemon_options *options)
{
    char path[PATH_BYTES], data[PATH_BYTES];

    *daemon = (struct daemon){.port = process_port(), .curve = options->curve};
    snprintf(daemon->folder, sizeof(daemon->folder), "%s/thetad-bench.XXXXXX", options->parent);
    if (!mkdtemp(daemon->folder)) fail(daemon->folder, strerror(errno));
    snprintf(data, sizeof(data), "%s/data", daemon->folder);
    make_folder(data);
    snprintf(daemon->author_url, PATH_BYTES, "ipc://%s/thetad.sock", daemon->folder);
    snprintf(daemon->student_url, PATH_BYTES, "tcp://127.0.0.1:%u", daemon->port);
    if (daemon->curve) make_keys(daemon);
    snprintf(path, sizeof(path), "%s/thetad.conf", daemon->folder);
    write_config(daemon, options->data ? options->data : data, path);

    daemon->pid = process_start();
    if (daemon->pid == 0) {
        execl(options->thetad, options->thetad, "--config", path, (char *)NULL);
        _exit(EX_NOINPUT);
    }
    process_wait(options->thetad, daemon->pid, daemon->port);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(path);
}

static void leave(struct daemon *daemon, int signal)
{
    end(daemon->pid, signal);
    nftw(daemon->folder, remove_one, OPEN_DIRS, FTW_DEPTH | FTW_PHYS);
}

void daemon_stop(struct daemon *daemon)
{
    leave(daemon, SIGTERM);
}

void daemon_kill(struct daemon *daemon)
{
    leave(daemon, SIGKILL);
}

struct link_target daemon_target(const struct daemon *daemon, void *zmq)
{
    struct link_target target = {.port = daemon->port, .zmq = zmq};

    if (!daemon->curve) return target;
    target.server_key = daemon->server_key;
    target.public_key = daemon->public_key;
    target.secret_key = daemon->secret_key;
    return target;
}
