/* SPDX-License-Identifier: Apache-2.0 */
/* libthetad: a client of thetad for quiz frontends. C99 and C++.
 *
 *     struct thetad *client = thetad_open("tcp://127.0.0.1:7350", NULL);
 *     struct thetad_start start = {.test = "algebra-6", .examinee = "pupil:4711"};
 *     struct thetad_state state;
 *
 *     if (thetad_session_start(client, &start, &state) != THETAD_OK)
 *         fprintf(stderr, "%s\n", thetad_error_message(client));
 *
 * A client sends one request at a time and waits for its reply. Where no reply comes in time, or
 * the connection breaks, it connects anew and sends the same bytes again; PROTOCOL.md, "Retries",
 * says for each op what that does. The typed calls below are all safe. One client is for one thread
 * at a time; a program may have any number of clients. */
#ifndef THETAD_H
#define THETAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define THETAD_API __attribute__((visibility("default")))

enum { THETAD_ID_SIZE = 65 }; /* bytes of an id's text with its final NUL */

enum thetad_status {
    THETAD_OK = 0,
    THETAD_ERROR_REPLY = 1,    /* the daemon refused: see thetad_error_code */
    THETAD_ERROR_TIMEOUT = 2,  /* no reply to any try; whether it was done is unknown */
    THETAD_ERROR_PROTOCOL = 3, /* what came is no reply of this protocol */
    THETAD_ERROR_ARGUMENT = 4, /* the call cannot be sent as it is; nothing was sent */
    THETAD_ERROR_MEMORY = 5,
    THETAD_ERROR_SOCKET = 6 /* the library beneath failed, as when out of descriptors */
};

/* What is 0 here takes its default. */
struct thetad_options {
    unsigned timeout_ms;  /* for the reply to one try; 3000 */
    unsigned deadline_ms; /* for the whole call, its pauses included; five times timeout_ms */
    unsigned tries;       /* how often a request is sent at most; as often as there is time for */
    unsigned reconnect_s; /* a connection that old, give or take a quarter, is made anew; 900 */

    /* For a daemon that asks for keys, both: the daemon's public key, as its 40 characters or the
     * name of its certificate's file; the file of our own secret certificate, which nobody else may
     * read (chmod 0600). Without them the connection is not encrypted. */
    const char *server_key, *key;
};

struct thetad;

/* Connect to `endpoint`: tcp://host:port or ipc://path, or up to 16 of them between commas, nodes
 * of one district (with one server key), of which it uses one until that fails it. The connection
 * is made in the background, so that a daemon that is not up yet is no error. `options` may be
 * NULL. NULL, and errno, where the endpoint or a key is malformed (EINVAL), the secret key is not
 * secret (EACCES), a file of keys cannot be read, or resources are short. */
THETAD_API struct thetad *thetad_open(const char *endpoint, const struct thetad_options *options);
THETAD_API void thetad_close(struct thetad *client); /* NULL is fine */

/* About the last call, valid until the next; "" after a call that went well. The code is the
 * daemon's (PROTOCOL.md lists them), or `timeout`, `protocol`, `argument`, `memory`, `socket` for
 * the other statuses. The field is the dotted path of what is at fault, "" where that is none. */
THETAD_API const char *thetad_error_code(const struct thetad *client);
THETAD_API const char *thetad_error_message(const struct thetad *client);
THETAD_API const char *thetad_error_field(const struct thetad *client);

/* How long the daemon asks to wait, in milliseconds: after the code `busy`, and after `retry` where
 * a district's shared store does not answer; 0 after other calls. A call waits by itself where its
 * deadline leaves time for that. */
THETAD_API int64_t thetad_retry_after_ms(const struct thetad *client);

/* Any op. `fields` [n_field] is an encoded MessagePack map of the request's fields without v, id
 * and op; NULL stands for no fields. *out_reply [*out_n] is the encoded reply, valid until the next
 * call; after THETAD_ERROR_REPLY it is the error reply, after any other error it is NULL. Either
 * output may be NULL. */
THETAD_API enum thetad_status thetad_call(struct thetad *client, const char *op, const void *fields,
                                          size_t n_field, const uint8_t **out_reply, size_t *out_n);

THETAD_API enum thetad_status thetad_ping(struct thetad *client);

/* An encoded MessagePack value; data is NULL where there is none. */
struct thetad_bytes {
    const uint8_t *data;
    size_t n;
};

enum thetad_phase { THETAD_ASKING, THETAD_SUSPENDED, THETAD_FINISHED, THETAD_VOIDED };

/* Where a session stands. Texts that do not apply are "". */
struct thetad_state {
    char session[THETAD_ID_SIZE];
    enum thetad_phase phase;
    int64_t seq; /* number of the question being asked, from 1; of the last where none is */

    char item[THETAD_ID_SIZE]; /* while asking */
    char set[THETAD_ID_SIZE];
    bool scored_later; /* by a person: the answer is a text, THETAD_RAW, or omitted */

    /* What the item's author gave for the frontend, and an array of str: what the examinee may
     * choose from. Both are valid until the client's next call. */
    struct thetad_bytes content, options;

    int64_t asked, min, max; /* progress; max is -1 where it is open */
    int64_t revisable;       /* of the last answers, how many may be revised now */
    int64_t pending;         /* answers that wait for a person's score */

    bool has_ability;
    double ability_theta, ability_se; /* NaN where not known yet */

    bool has_result; /* once finished */
    double result_theta, result_se;
    bool has_scale;
    double scale;
    char classification[THETAD_ID_SIZE];
    char stop[THETAD_ID_SIZE]; /* the rule that ended the test */
};

/* What a session starts with. Pointers and has_ members that are 0 are left out. */
struct thetad_start {
    const char *test, *examinee;
    const char *session; /* NULL: the client makes an id, so that sending again is safe */
    const char *group;
    bool has_prior;
    double prior_mean, prior_sd;
    bool has_seed;
    int64_t seed;
};

/* 0 is none of them, so that a forgotten kind is refused and not taken for an omitted answer. */
enum thetad_response { THETAD_SCORE = 1, THETAD_RAW = 2, THETAD_OMITTED = 3 };

struct thetad_answer {
    const char *session;
    int64_t seq; /* of the question that is answered, and its item */
    const char *item;
    enum thetad_response kind;
    int64_t score;   /* THETAD_SCORE: the response category */
    const char *raw; /* THETAD_RAW: the answer's text, scored by the item's key or a person */
    bool has_elapsed;
    int64_t elapsed_ms;
};

/* On THETAD_OK *out_state is filled; on an error it is untouched. */
THETAD_API enum thetad_status thetad_session_start(struct thetad *client,
                                                   const struct thetad_start *start,
                                                   struct thetad_state *out_state);
THETAD_API enum thetad_status thetad_session_answer(struct thetad *client,
                                                    const struct thetad_answer *answer,
                                                    struct thetad_state *out_state);
/* Another answer to one of the last state.revisable questions that were answered. The time is that
 * spent on the question in all; without one, the time told before stays. */
THETAD_API enum thetad_status thetad_session_revise(struct thetad *client,
                                                    const struct thetad_answer *answer,
                                                    struct thetad_state *out_state);
THETAD_API enum thetad_status thetad_session_get(struct thetad *client, const char *session,
                                                 struct thetad_state *out_state);
THETAD_API enum thetad_status thetad_session_suspend(struct thetad *client, const char *session,
                                                     struct thetad_state *out_state);
THETAD_API enum thetad_status thetad_session_resume(struct thetad *client, const char *session,
                                                    struct thetad_state *out_state);
THETAD_API enum thetad_status thetad_session_finish(struct thetad *client, const char *session,
                                                    struct thetad_state *out_state);

#ifdef __cplusplus
}
#endif

#endif
