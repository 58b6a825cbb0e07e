/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The processes a measurement needs: a daemon and a bare echo, on scratch files and loopback. */
#ifndef BENCH_LOAD_PROCESSES_H
#define BENCH_LOAD_PROCESSES_H

#include <sys/types.h>

enum { PATH_BYTES = 256 };

struct processes {
    char folder[PATH_BYTES / 2];  // removed at the end
    char author_url[PATH_BYTES], student_url[PATH_BYTES], echo_url[PATH_BYTES];
    pid_t thetad, echo;
};

/* Start both; ends the program with a message where it cannot. They end with it, however it
 * ends. */
void processes_start(struct processes *processes, const char *thetad);
void processes_stop(struct processes *processes);

/* Ends the program where the folder cannot be made. */
void make_folder(const char *path);

#endif
