/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who plays a scene: this engine in the process, this engine over a socket, and jscat. What they
 * asked and estimated is compared before any time is taken. */
#ifndef BENCH_PEERS_PLAYER_H
#define BENCH_PEERS_PLAYER_H

#include "bench/load/processes.h"
#include "bench/peers/scene.h"

/* One student's test. */
struct trace {
    size_t item[SCENE_LENGTH];   // position in the bank
    double theta[SCENE_LENGTH];  // after the answer to it
};

/* All students' tests into traces [n_student]; the processor time of a step in us. */
double player_inside(json_t *scene, struct trace *traces);

/* Through a daemon, one request after the other; the wall-clock time of a step in us. Items are
 * told by the number behind the first letter of their id. The bank must be there. */
double player_socket(json_t *scene, const char *url, const char *run, struct trace *traces);

/* Put bank and test of the scene into a daemon. */
void player_upload(json_t *scene, const char *url);

/* What node prints to `what` ("play", "time"), or NULL where there is no node or no jscat; the
 * reason is then in `why` [n_why]. */
json_t *player_jscat(const char *folder, const char *what, const char *scene_path, int n_round,
                     char *why, size_t n_why);

/* The traces in jscat's answer to "play". */
void player_read(json_t *answer, struct trace *traces);

#endif
