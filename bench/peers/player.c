/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/peers/player.h"
#include "bench/common/sample.h"
#include "clients/c/thetad.h"
#include "proto/writer.h"
#include "session/session.h"
#include "tools/json_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { UPLOAD_ITEMS = 500, DEPTH = 8, COMMAND_BYTES = 1024 };

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(EX_SOFTWARE);
}

static size_t count_students(json_t *scene)
{
    return json_array_size(json_object_get(scene, "students"));
}

static double cpu_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

static void sit(json_t *scene, size_t student, const struct plan *plan, struct workspace *workspace,
                struct trace *out)
{
    struct session *session = session_new(plan);
    struct event event = {.kind = EVENT_STARTED, .seed = 1, .elapsed_ms = -1};
    struct effects effects;

    if (!session || session_step(session, &event, workspace, &effects)) fail("session", "start");
    event.kind = EVENT_ANSWERED;
    for (size_t i = 0; i < SCENE_LENGTH; i++) {
        event.seq++;
        event.item = effects.outcome.item;
        event.response.score = (uint8_t)scene_score(scene, student, event.item);
        if (session_step(session, &event, workspace, &effects)) fail("session", "answer");
        out->item[i] = event.item;
        out->theta[i] = effects.outcome.theta;
    }
    session_free(session);
}

double player_inside(json_t *scene, struct trace *traces)
{
    size_t n = count_students(scene);
    struct bank *bank = scene_bank(scene);
    struct plan *plan = scene_plan(bank);
    struct workspace *workspace = workspace_new(bank_n_item(bank));
    double from_us, us;

    if (!workspace) fail("workspace", "no memory");
    for (size_t s = 0; s < n; s++) sit(scene, s, plan, workspace, &traces[s]);  // warms up
    from_us = cpu_us();
    for (size_t s = 0; s < n; s++) sit(scene, s, plan, workspace, &traces[s]);
    us = (cpu_us() - from_us) / (double)(n * SCENE_LENGTH);
    workspace_free(workspace);
    plan_free(plan);
    bank_free(bank);
    return us;
}

static struct thetad *connect_to(const char *url)
{
    struct thetad *client = thetad_open(url, NULL);

    if (!client) fail(url, "no client");
    return client;
}

static void call(struct thetad *author, const char *op, json_t *fields)
{
    struct buf bytes = {0};
    struct writer out = writer_of(&bytes);

    if (!json_wire_write(&out, fields, DEPTH) ||
        thetad_call(author, op, bytes.data, bytes.n, NULL, NULL) != THETAD_OK) {
        fail(op, thetad_error_message(author));
    }
    buf_done(&bytes);
    json_decref(fields);
}

void player_upload(json_t *scene, const char *url)
{
    json_t *items = json_object_get(scene, "items");
    struct thetad *author = connect_to(url);
    size_t n = json_array_size(items);

    call(author, "bank.begin", json_pack("{s:s}", "bank", "peers"));
    for (size_t first = 0; first < n; first += UPLOAD_ITEMS) {
        json_t *part = json_array();

        for (size_t i = first; i < n && i < first + UPLOAD_ITEMS; i++) {
            json_array_append(part, json_array_get(items, i));
        }
        call(author, "bank.add", json_pack("{s:i, s:o}", "upload", 1, "items", part));
    }
    call(author, "bank.publish", json_pack("{s:i}", "upload", 1));
    call(author, "test.put", json_pack("{s:o}", "document", scene_document()));
    thetad_close(author);
}

/* As a frontend does it. */
static void sit_afar(json_t *scene, size_t student, struct thetad *client, const char *run,
                     struct trace *out)
{
    char session[64];
    struct thetad_start start = {.test = "peers", .examinee = "pupil", .session = session};
    struct thetad_answer answer = {.session = session, .kind = THETAD_SCORE};
    struct thetad_state state;

    snprintf(session, sizeof(session), "%s-%zu", run, student);
    if (thetad_session_start(client, &start, &state) != THETAD_OK) {
        fail("session.start", thetad_error_message(client));
    }
    for (size_t i = 0; i < SCENE_LENGTH; i++) {
        char item[THETAD_ID_SIZE];

        memcpy(item, state.item, sizeof(item));
        out->item[i] = strtoul(item + 1, NULL, 10);
        answer.item = item;
        answer.seq = state.seq;
        answer.score = scene_score(scene, student, out->item[i]);
        if (thetad_session_answer(client, &answer, &state) != THETAD_OK) {
            fail("session.answer", thetad_error_message(client));
        }
        out->theta[i] = state.has_result ? state.result_theta : state.ability_theta;
    }
}

double player_socket(json_t *scene, const char *url, const char *run, struct trace *traces)
{
    size_t n = count_students(scene);
    struct thetad *client = connect_to(url);
    int64_t from_ns = sample_clock_ns();
    double us;

    for (size_t s = 0; s < n; s++) sit_afar(scene, s, client, run, &traces[s]);
    us = (double)(sample_clock_ns() - from_ns) * 1e-3 / (double)(n * SCENE_LENGTH);
    thetad_close(client);
    return us;
}

/* All that a program prints, as JSON; NULL where it ends badly. */
static json_t *read_from(const char *command)
{
    FILE *pipe = popen(command, "re");
    json_t *answer = pipe ? json_loadf(pipe, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    int code = pipe ? pclose(pipe) : -1;

    if (code == 0) return answer;
    json_decref(answer);
    return NULL;
}

json_t *player_jscat(const char *folder, const char *what, const char *scene_path, int n_round,
                     char *why, size_t n_why)
{
    char command[COMMAND_BYTES], module[COMMAND_BYTES / 2];
    json_t *answer;

    snprintf(module, sizeof(module), "%s/node_modules/@bdelab/jscat/package.json", folder);
    if (system("node --version >/dev/null 2>&1") != 0) {
        snprintf(why, n_why, "there is no node");
        return NULL;
    }
    if (access(module, R_OK) != 0) {
        snprintf(why, n_why, "@bdelab/jscat is not installed: npm ci in bench/peers");
        return NULL;
    }
    snprintf(command, sizeof(command), "node '%s/jscat.js' %s '%s' %d", folder, what, scene_path,
             n_round);
    answer = read_from(command);
    if (!answer) fail(command, "ended badly");
    return answer;
}

void player_read(json_t *answer, struct trace *traces)
{
    json_t *students = json_object_get(answer, "students");

    for (size_t s = 0; s < json_array_size(students); s++) {
        json_t *items = json_object_get(json_array_get(students, s), "items");
        json_t *thetas = json_object_get(json_array_get(students, s), "thetas");

        for (size_t i = 0; i < SCENE_LENGTH; i++) {
            traces[s].item[i] = (size_t)json_integer_value(json_array_get(items, i));
            traces[s].theta[i] = json_number_value(json_array_get(thetas, i));
        }
    }
}
