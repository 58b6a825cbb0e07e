/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients/c/client.h"
#include "fake_server.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static const struct thetad_options options = {.timeout_ms = 30000, .tries = 2};

static const enum act always_ok[] = {ACT_OK};

static struct fake fake;
static struct thetad *client;
static struct thetad_state state;
static struct decoder decoder;
static msgpack_object request;

/* Begin against a daemon that answers every request with these pairs. */
static void begin(size_t n_pair, void (*write_pairs)(struct writer *out))
{
    fake = (struct fake){
        .script = always_ok, .n_script = 1, .n_pair = n_pair, .write_pairs = write_pairs};
    fake_start(&fake);
    client = thetad_open(fake.endpoint, &options);
    cr_assert(client);
    cr_assert_eq(decoder_init(&decoder), OK);
}

/* End, and decode the i-th request that was seen into `request`. */
static void end(size_t i)
{
    struct fault fault;

    thetad_close(client);
    fake_stop(&fake);
    cr_assert_lt(i, fake.n_seen);
    cr_assert_eq(decode(&decoder, slice_of(fake.seen[i].bytes, fake.seen[i].n), &request, &fault),
                 OK);
}

static void drop(void)
{
    decoder_done(&decoder);
}

static bool sent_text(const char *key, const char *text)
{
    const msgpack_object *value = map_find(&request, key);
    struct slice found;

    return value && object_str(value, &found) && slice_equal_str(found, text);
}

static bool sent_int(const char *key, int64_t want)
{
    const msgpack_object *value = map_find(&request, key);
    int64_t found;

    return value && object_int(value, want, want, &found);
}

static void write_progress(struct writer *out)
{
    write_text(out, "progress");
    write_map(out, 3);
    put_int(out, "asked", 4);
    put_int(out, "min", 8);
    put_int(out, "max", 30);
}

static void write_asking(struct writer *out)
{
    put_text(out, "session", "s-1");
    put_int(out, "seq", 4);
    put_text(out, "state", "asking");
    write_text(out, "item");
    write_map(out, 4);
    put_text(out, "id", "q17");
    write_text(out, "content");
    write_raw(out, slice_of("\x81\xa4stem\xa2?!", 9));
    put_text(out, "set", "pies");
    write_text(out, "options");
    write_raw(out, slice_of("\x92\xa1x\xa1y", 5));
    write_progress(out);
    write_text(out, "ability");
    write_map(out, 2);
    put_f64(out, "theta", -0.4375);
    put_f64(out, "se", (double)NAN);
}

static void write_essay(struct writer *out)
{
    put_text(out, "session", "s-1");
    put_int(out, "seq", 4);
    put_text(out, "state", "asking");
    write_text(out, "item");
    write_map(out, 2);
    put_text(out, "id", "w17");
    put_text(out, "scored", "later");
    write_progress(out);
    put_int(out, "revisable", 2);
    put_int(out, "pending", 1);
}

static void write_suspended(struct writer *out)
{
    put_text(out, "session", "s-1");
    put_int(out, "seq", 4);
    put_text(out, "state", "suspended");
    write_progress(out);
}

static void write_finished(struct writer *out)
{
    put_text(out, "session", "s-1");
    put_int(out, "seq", 4);
    put_text(out, "state", "finished");
    write_progress(out);
    write_text(out, "result");
    write_map(out, 5);
    put_f64(out, "theta", 1.25);
    put_f64(out, "se", 0.375);
    put_int(out, "scale", 212);
    put_text(out, "classification", "proficient");
    put_text(out, "stop", "se");
}

/* Read twice: what is kept of the first state makes room for the second's. */
Test(session, reads_a_question)
{
    begin(6, write_asking);
    cr_assert_eq(thetad_session_get(client, "s-1", &state), THETAD_OK, "%s",
                 thetad_error_message(client));
    cr_assert_eq(thetad_session_get(client, "s-1", &state), THETAD_OK);
    cr_expect_str_eq(state.session, "s-1");
    cr_expect_eq(state.phase, THETAD_ASKING);
    cr_expect_eq(state.seq, 4);
    cr_expect_str_eq(state.item, "q17");
    cr_expect_str_eq(state.set, "pies");
    cr_expect(slice_equal(slice_of(state.content.data, state.content.n),
                          slice_of("\x81\xa4stem\xa2?!", 9)));
    cr_expect(
        slice_equal(slice_of(state.options.data, state.options.n), slice_of("\x92\xa1x\xa1y", 5)));
    cr_expect_eq(client->values.n, state.content.n + state.options.n);
    cr_expect(state.asked == 4 && state.min == 8 && state.max == 30);
    cr_expect(state.has_ability && state.ability_theta == -0.4375 && isnan(state.ability_se));
    cr_expect(!state.has_result && !state.has_scale);

    end(0);
    cr_expect(sent_text("op", "session.get") && sent_text("session", "s-1"));
    cr_expect_eq(request.via.map.size, 4);
    drop();
}

Test(session, reads_a_session_between_questions)
{
    begin(4, write_suspended);
    cr_assert_eq(thetad_session_suspend(client, "s-1", &state), THETAD_OK);
    cr_expect_eq(state.phase, THETAD_SUSPENDED);
    cr_expect_str_eq(state.item, "");
    cr_expect(!state.content.data && !state.options.data && !state.has_ability);
    end(0);
    cr_expect(sent_text("op", "session.suspend"));
    drop();
}

Test(session, reads_a_result)
{
    begin(5, write_finished);
    cr_assert_eq(thetad_session_finish(client, "s-1", &state), THETAD_OK);
    cr_expect_eq(state.phase, THETAD_FINISHED);
    cr_expect(state.has_result && state.result_theta == 1.25 && state.result_se == 0.375);
    cr_expect(state.has_scale && state.scale == 212.0);
    cr_expect_str_eq(state.classification, "proficient");
    cr_expect_str_eq(state.stop, "se");
    cr_expect_eq(thetad_session_resume(client, "s-1", &state), THETAD_OK);
    end(0);
    cr_expect(sent_text("op", "session.finish"));
    drop();
    cr_expect(memmem(fake.seen[1].bytes, fake.seen[1].n, "session.resume", 14));
}

Test(session, start_sends_what_is_given)
{
    struct thetad_start start = {
        .test = "algebra",
        .examinee = "pupil:1",
        .session = "mine",
        .group = "6b",
        .has_prior = true,
        .prior_mean = -0.5,
        .prior_sd = 0.75,
        .has_seed = true,
        .seed = 18,
    };
    const msgpack_object *prior;
    double mean = 0, sd = 0;

    begin(6, write_asking);
    cr_assert_eq(thetad_session_start(client, &start, &state), THETAD_OK);
    end(0);
    cr_expect(sent_text("op", "session.start") && sent_text("test", "algebra"));
    cr_expect(sent_text("examinee", "pupil:1") && sent_text("session", "mine"));
    cr_expect(sent_text("group", "6b") && sent_int("seed", 18));
    prior = map_find(&request, "prior");
    cr_expect(object_f64(map_find(prior, "mean"), -9, 9, &mean) && mean == -0.5);
    cr_expect(object_f64(map_find(prior, "sd"), -9, 9, &sd) && sd == 0.75);
    drop();
}

/* Each start has an id of its own, made by the client, so that each is safe to send again. */
Test(session, start_makes_an_id)
{
    struct thetad_start start = {.test = "algebra", .examinee = "pupil:1"};
    struct slice first, second;
    struct fault fault;
    char kept[65];

    begin(6, write_asking);
    cr_assert_eq(thetad_session_start(client, &start, &state), THETAD_OK);
    cr_assert_eq(thetad_session_start(client, &start, &state), THETAD_OK);
    end(0);
    cr_expect_eq(request.via.map.size, 6);
    cr_assert(object_id(map_find(&request, "session"), &first));
    cr_expect_geq(first.n, 32);
    cr_assert(slice_to_text(first, kept, sizeof(kept)));
    cr_assert_eq(decode(&decoder, slice_of(fake.seen[1].bytes, fake.seen[1].n), &request, &fault),
                 OK);
    cr_assert(object_id(map_find(&request, "session"), &second));
    cr_expect(!slice_equal_str(second, kept));
    drop();
}

/* Answer, and leave the request in `request`. */
static void answer(struct thetad_answer answer)
{
    answer.session = "s-1";
    answer.seq = 4;
    answer.item = "q17";
    begin(6, write_asking);
    cr_assert_eq(thetad_session_answer(client, &answer, &state), THETAD_OK, "%s",
                 thetad_error_message(client));
    end(0);
    cr_expect(sent_text("op", "session.answer") && sent_text("session", "s-1"));
    cr_expect(sent_int("seq", 4) && sent_text("item", "q17"));
}

Test(session, answers_with_a_score)
{
    answer((struct thetad_answer){
        .kind = THETAD_SCORE, .score = 3, .has_elapsed = true, .elapsed_ms = 2385});
    cr_expect(sent_int("response", 3) && sent_int("elapsed_ms", 2385));
    drop();
}

Test(session, answers_with_a_text)
{
    answer((struct thetad_answer){.kind = THETAD_RAW, .raw = "¾"});
    cr_expect(sent_text("response", "¾"));
    cr_expect_null(map_find(&request, "elapsed_ms"));
    drop();
}

Test(session, answers_with_nothing)
{
    answer((struct thetad_answer){.kind = THETAD_OMITTED});
    cr_assert(map_find(&request, "response"));
    cr_expect_eq(map_find(&request, "response")->type, MSGPACK_OBJECT_NIL);
    drop();
}

Test(session, revises_as_it_answers)
{
    struct thetad_answer other = {
        .session = "s-1", .seq = 3, .item = "q9", .kind = THETAD_SCORE, .score = 2};

    begin(6, write_asking);
    cr_assert_eq(thetad_session_revise(client, &other, &state), THETAD_OK);
    cr_expect(!state.scored_later && state.revisable == 0 && state.pending == 0);
    end(0);
    cr_expect(sent_text("op", "session.revise") && sent_text("session", "s-1"));
    cr_expect(sent_int("seq", 3) && sent_text("item", "q9") && sent_int("response", 2));
    drop();
}

Test(session, reads_what_may_change_yet)
{
    begin(7, write_essay);
    cr_assert_eq(thetad_session_get(client, "s-1", &state), THETAD_OK);
    cr_expect(state.scored_later && state.revisable == 2 && state.pending == 1);
    end(0);
    drop();
}

static void expect_argument(enum thetad_status status, const char *field)
{
    cr_expect_eq(status, THETAD_ERROR_ARGUMENT, "%s", field);
    cr_expect_str_eq(thetad_error_code(client), "argument");
    cr_expect_str_eq(thetad_error_field(client), field);
}

Test(session, refuses_what_lacks_a_part)
{
    struct thetad_start start = {.test = "algebra"};
    struct thetad_answer unsaid = {.session = "s-1", .seq = 1, .item = "q17"};

    begin(6, write_asking);
    expect_argument(thetad_session_start(client, &start, &state), "examinee");
    start = (struct thetad_start){.examinee = "pupil:1"};
    expect_argument(thetad_session_start(client, &start, &state), "test");
    expect_argument(thetad_session_answer(client, &unsaid, &state), "response");
    unsaid.kind = THETAD_RAW;
    expect_argument(thetad_session_answer(client, &unsaid, &state), "response");
    unsaid.item = NULL;
    expect_argument(thetad_session_answer(client, &unsaid, &state), "item");
    expect_argument(thetad_session_get(client, NULL, &state), "session");
    thetad_close(client);
    fake_stop(&fake);
    cr_expect_eq(fake.n_seen, 0);
    drop();
}

/* Text that is not UTF-8 is refused here, not sent for the daemon to refuse. */
Test(session, refuses_text_that_is_not_utf8)
{
    struct thetad_answer latin = {
        .session = "s-1", .seq = 1, .item = "q17", .kind = THETAD_RAW, .raw = "caf\xe9"};

    begin(6, write_asking);
    expect_argument(thetad_session_answer(client, &latin, &state), "");
    cr_expect(strstr(thetad_error_message(client), "not UTF-8"));
    thetad_close(client);
    fake_stop(&fake);
    cr_expect_eq(fake.n_seen, 0);
    drop();
}

static void write_unknown_state(struct writer *out)
{
    put_text(out, "session", "s-1");
    put_int(out, "seq", 4);
    put_text(out, "state", "on holiday");
    write_progress(out);
}

static void write_item_without_id(struct writer *out)
{
    write_suspended(out);
    write_text(out, "item");
    write_map(out, 0);
}

static void write_text_with_nul(struct writer *out)
{
    put_str(out, "session", slice_of("s\0x", 3));
    put_int(out, "seq", 4);
    put_text(out, "state", "suspended");
    write_progress(out);
}

static void expect_malformed(size_t n_pair, void (*write_pairs)(struct writer *out),
                             const char *message)
{
    static const struct thetad_state untouched = {.seq = 42};

    memcpy(&state, &untouched, sizeof(state));
    begin(n_pair, write_pairs);
    cr_expect_eq(thetad_session_get(client, "s-1", &state), THETAD_ERROR_PROTOCOL);
    cr_expect_str_eq(thetad_error_message(client), message);
    cr_expect(memcmp(&state, &untouched, sizeof(state)) == 0);
    end(0);
    drop();
}

Test(session, refuses_a_malformed_state)
{
    expect_malformed(0, NULL, "malformed state: session: missing");
    expect_malformed(4, write_unknown_state,
                     "malformed state: state: is none that this client knows");
    expect_malformed(5, write_item_without_id, "malformed state: item.id: missing");
    expect_malformed(4, write_text_with_nul, "malformed state: session: must not hold a NUL");
}
