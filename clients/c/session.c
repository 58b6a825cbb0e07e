/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/c/client.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const char *const phases[] = {
    [THETAD_ASKING] = "asking",
    [THETAD_SUSPENDED] = "suspended",
    [THETAD_FINISHED] = "finished",
    [THETAD_VOIDED] = "voided",
};

static void read_text(struct reader *in, const char *key, enum presence presence,
                      char out[THETAD_ID_SIZE])
{
    struct slice text;

    if (read_str(in, key, presence, THETAD_ID_SIZE - 1, &text) &&
        !slice_to_text(text, out, THETAD_ID_SIZE))
        read_fail(in, key, "must not hold a NUL");
}

/* The wire has nil where a number is not known; C has NaN. */
static double read_number(struct reader *in, const char *key)
{
    double value = (double)NAN;

    read_f64(in, key, OPTIONAL, -(double)INFINITY, (double)INFINITY, &value);
    return value;
}

static void read_phase(struct reader *in, enum thetad_phase *out)
{
    struct slice name;

    if (!read_str(in, "state", REQUIRED, LIMIT_ID, &name)) return;
    for (size_t i = 0; i < COUNT_OF(phases); i++) {
        if (!slice_equal_str(name, phases[i])) continue;
        *out = (enum thetad_phase)i;
        return;
    }
    read_fail(in, "state", "is none that this client knows");
}

/* Encode again what the reply holds under `key`; returns where in `values` it begins. */
static size_t keep_value(struct thetad *client, struct reader *in, const char *key)
{
    struct writer out = writer_of(&client->values);
    size_t start = client->values.n;
    const msgpack_object *value;

    if (read_any(in, key, OPTIONAL, &value)) write_object(&out, value);
    return start;
}

static struct thetad_bytes view(const struct buf *values, size_t start, size_t end)
{
    return (struct thetad_bytes){.data = end > start ? values->data + start : NULL,
                                 .n = end - start};
}

static bool read_item(struct thetad *client, const msgpack_object *map, struct fault *fault,
                      struct thetad_state *out)
{
    struct reader in = reader_of(map, "item", fault);
    size_t content, options;
    struct slice scored = {0};

    read_text(&in, "id", REQUIRED, out->item);
    read_text(&in, "set", OPTIONAL, out->set);
    read_str(&in, "scored", OPTIONAL, LIMIT_ID, &scored);
    out->scored_later = slice_equal_str(scored, "later");
    content = keep_value(client, &in, "content");
    options = keep_value(client, &in, "options");
    out->content = view(&client->values, content, options);
    out->options = view(&client->values, options, client->values.n);
    return !in.failed;
}

static bool read_progress(const msgpack_object *map, struct fault *fault, struct thetad_state *out)
{
    struct reader in = reader_of(map, "progress", fault);

    out->max = -1;
    read_int(&in, "asked", REQUIRED, 0, LIMIT_INT, &out->asked);
    read_int(&in, "min", OPTIONAL, 0, LIMIT_INT, &out->min);
    read_int(&in, "max", OPTIONAL, 0, LIMIT_INT, &out->max);
    return !in.failed;
}

static bool read_ability(const msgpack_object *map, struct fault *fault, struct thetad_state *out)
{
    struct reader in = reader_of(map, "ability", fault);

    out->has_ability = true;
    out->ability_theta = read_number(&in, "theta");
    out->ability_se = read_number(&in, "se");
    return !in.failed;
}

static bool read_result(const msgpack_object *map, struct fault *fault, struct thetad_state *out)
{
    struct reader in = reader_of(map, "result", fault);

    out->has_result = true;
    out->result_theta = read_number(&in, "theta");
    out->result_se = read_number(&in, "se");
    out->scale = read_number(&in, "scale");
    out->has_scale = !isnan(out->scale);
    read_text(&in, "classification", OPTIONAL, out->classification);
    read_text(&in, "stop", REQUIRED, out->stop);
    return !in.failed;
}

static bool read_parts(struct thetad *client, struct reader *in, struct thetad_state *out)
{
    const msgpack_object *part;

    if (read_map(in, "item", OPTIONAL, &part) && !read_item(client, part, in->fault, out))
        return false;
    if (read_map(in, "progress", REQUIRED, &part) && !read_progress(part, in->fault, out))
        return false;
    if (read_map(in, "ability", OPTIONAL, &part) && !read_ability(part, in->fault, out))
        return false;
    if (read_map(in, "result", OPTIONAL, &part) && !read_result(part, in->fault, out)) return false;
    return !in->failed;
}

static enum thetad_status read_state(struct thetad *client, struct thetad_state *out_state)
{
    struct thetad_state state = {0};
    struct fault fault;
    struct reader in = reader_of(&client->root, "", &fault);

    buf_clear(&client->values);
    read_text(&in, "session", REQUIRED, state.session);
    read_int(&in, "seq", REQUIRED, 0, LIMIT_INT, &state.seq);
    read_phase(&in, &state.phase);
    read_int(&in, "revisable", OPTIONAL, 0, LIMIT_INT, &state.revisable);
    read_int(&in, "pending", OPTIONAL, 0, LIMIT_INT, &state.pending);
    if (!read_parts(client, &in, &state))
        return client_fail(client, THETAD_ERROR_PROTOCOL, fault.field, "malformed state: %s: %s",
                           fault.field, fault.text);
    if (client->values.failed)
        return client_fail(client, THETAD_ERROR_MEMORY, NULL, "no memory for the item's content");
    *out_state = state;
    return THETAD_OK;
}

/* Send what stands in client->fields. */
static enum thetad_status call_for_state(struct thetad *client, const char *op,
                                         struct thetad_state *out_state)
{
    enum thetad_status status;

    if (client->fields.failed)
        return client_fail(client, THETAD_ERROR_MEMORY, NULL, "no memory for the request");
    status = thetad_call(client, op, client->fields.data, client->fields.n, NULL, NULL);
    return status ? status : read_state(client, out_state);
}

static struct writer fields_of(struct thetad *client, size_t n_field)
{
    struct writer out = writer_of(&client->fields);

    buf_clear(&client->fields);
    write_map(&out, n_field);
    return out;
}

static enum thetad_status missing(struct thetad *client, const char *field)
{
    return client_fail(client, THETAD_ERROR_ARGUMENT, field, "%s is missing", field);
}

enum thetad_status thetad_session_start(struct thetad *client, const struct thetad_start *start,
                                        struct thetad_state *out_state)
{
    char made[THETAD_ID_SIZE];
    struct writer out;

    if (!start->test) return missing(client, "test");
    if (!start->examinee) return missing(client, "examinee");
    snprintf(made, sizeof(made), "%016" PRIx64 "%016" PRIx64 "-%" PRIu64, client->session_prefix[0],
             client->session_prefix[1], client->n_session++);

    out =
        fields_of(client, (size_t)3 + (start->group != NULL) + start->has_prior + start->has_seed);
    put_text(&out, "test", start->test);
    put_text(&out, "examinee", start->examinee);
    put_text(&out, "session", start->session ? start->session : made);
    if (start->group) put_text(&out, "group", start->group);
    if (start->has_prior) {
        write_text(&out, "prior");
        write_map(&out, 2);
        put_f64(&out, "mean", start->prior_mean);
        put_f64(&out, "sd", start->prior_sd);
    }
    if (start->has_seed) put_int(&out, "seed", start->seed);
    return call_for_state(client, "session.start", out_state);
}

/* Writes the response; false where the answer does not say which it is. */
static bool put_response(struct writer *out, const struct thetad_answer *answer)
{
    if (answer->kind == THETAD_SCORE) {
        put_int(out, "response", answer->score);
    } else if (answer->kind == THETAD_RAW && answer->raw) {
        put_text(out, "response", answer->raw);
    } else if (answer->kind == THETAD_OMITTED) {
        write_text(out, "response");
        write_nil(out);
    } else {
        return false;
    }
    return true;
}

static enum thetad_status send_answer(struct thetad *client, const char *op,
                                      const struct thetad_answer *answer,
                                      struct thetad_state *out_state)
{
    struct writer out;

    if (!answer->session) return missing(client, "session");
    if (!answer->item) return missing(client, "item");
    out = fields_of(client, (size_t)4 + answer->has_elapsed);
    put_text(&out, "session", answer->session);
    put_int(&out, "seq", answer->seq);
    put_text(&out, "item", answer->item);
    if (!put_response(&out, answer)) return missing(client, "response");
    if (answer->has_elapsed) put_int(&out, "elapsed_ms", answer->elapsed_ms);
    return call_for_state(client, op, out_state);
}

enum thetad_status thetad_session_answer(struct thetad *client, const struct thetad_answer *answer,
                                         struct thetad_state *out_state)
{
    return send_answer(client, "session.answer", answer, out_state);
}

enum thetad_status thetad_session_revise(struct thetad *client, const struct thetad_answer *answer,
                                         struct thetad_state *out_state)
{
    return send_answer(client, "session.revise", answer, out_state);
}

static enum thetad_status call_session(struct thetad *client, const char *op, const char *session,
                                       struct thetad_state *out_state)
{
    struct writer out;

    if (!session) return missing(client, "session");
    out = fields_of(client, 1);
    put_text(&out, "session", session);
    return call_for_state(client, op, out_state);
}

enum thetad_status thetad_session_get(struct thetad *client, const char *session,
                                      struct thetad_state *out_state)
{
    return call_session(client, "session.get", session, out_state);
}

enum thetad_status thetad_session_suspend(struct thetad *client, const char *session,
                                          struct thetad_state *out_state)
{
    return call_session(client, "session.suspend", session, out_state);
}

enum thetad_status thetad_session_resume(struct thetad *client, const char *session,
                                         struct thetad_state *out_state)
{
    return call_session(client, "session.resume", session, out_state);
}

enum thetad_status thetad_session_finish(struct thetad *client, const char *session,
                                         struct thetad_state *out_state)
{
    return call_session(client, "session.finish", session, out_state);
}
