/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clients/c/thetad.h"
#include "fake_server.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_MS = 1000, TRIES = 3 };

/* For tests in which no reply comes; the others wait for as long as a busy machine may take. */
static const struct thetad_options hasty = {.timeout_ms = TIMEOUT_MS, .tries = TRIES};
static const struct thetad_options patient = {.timeout_ms = 30000, .tries = TRIES};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool same_bytes(const struct seen *a, const struct seen *b)
{
    return slice_equal(slice_of(a->bytes, a->n), slice_of(b->bytes, b->n));
}

static bool same_peer(const struct seen *a, const struct seen *b)
{
    return slice_equal(slice_of(a->peer, a->n_peer), slice_of(b->peer, b->n_peer));
}

/* One ping against the script; the client is closed, the fake stopped and ready to look at. */
static enum thetad_status ping(struct fake *fake, const struct thetad_options *options,
                               char code[LIMIT_ID + 1])
{
    struct thetad *client;
    enum thetad_status status;

    fake_start(fake);
    client = thetad_open(fake->endpoint, options);
    cr_assert(client);
    status = thetad_ping(client);
    strcpy(code, thetad_error_code(client));
    thetad_close(client);
    fake_stop(fake);
    return status;
}

#define SCRIPT(...)                                                                                \
    .script = (const enum act[]){__VA_ARGS__},                                                     \
    .n_script = sizeof((const enum act[]){__VA_ARGS__}) / sizeof(enum act)

Test(client, sends_the_fields_with_v_id_and_op)
{
    struct fake fake = {SCRIPT(ACT_OK)};
    const uint8_t *reply = NULL;
    struct decoder decoder;
    struct thetad *client;
    msgpack_object root;
    struct fault fault;
    size_t n = 0;

    cr_assert_eq(decoder_init(&decoder), OK);
    fake_start(&fake);
    client = thetad_open(fake.endpoint, &patient);
    cr_assert_eq(thetad_call(client, "bank.get",
                             "\x82\xa4"
                             "bank\xa1"
                             "b\xa5limit\x07",
                             15, &reply, &n),
                 THETAD_OK);
    cr_assert_eq(decode(&decoder, slice_of(reply, n), &root, &fault), OK, "%s", fault.text);
    cr_expect(map_find(&root, "ok")->via.boolean);
    cr_expect_str_eq(thetad_error_code(client), "");
    cr_expect_str_eq(thetad_error_message(client), "");
    thetad_close(client);
    fake_stop(&fake);

    cr_assert_eq(fake.n_seen, 1);
    cr_assert_eq(decode(&decoder, slice_of(fake.seen[0].bytes, fake.seen[0].n), &root, &fault), OK);
    cr_expect_eq(root.via.map.size, 5);
    cr_expect_eq(map_find(&root, "v")->via.u64, 1);
    cr_expect_eq(map_find(&root, "id")->type, MSGPACK_OBJECT_STR);
    cr_expect_leq(map_find(&root, "id")->via.str.size, 64);
    cr_expect_eq(map_find(&root, "limit")->via.u64, 7);
    cr_expect(memcmp(map_find(&root, "op")->via.str.ptr, "bank.get", 8) == 0);
    cr_expect(memcmp(map_find(&root, "bank")->via.str.ptr, "b", 1) == 0);
    decoder_done(&decoder);
}

Test(client, sends_the_same_bytes_on_a_new_socket_after_silence)
{
    struct fake fake = {SCRIPT(ACT_SILENT, ACT_OK)};
    char code[LIMIT_ID + 1];

    cr_expect_eq(ping(&fake, &hasty, code), THETAD_OK);
    cr_expect_str_eq(code, "");
    cr_assert_eq(fake.n_seen, 2);
    cr_expect(same_bytes(&fake.seen[0], &fake.seen[1]));
    cr_expect(!same_peer(&fake.seen[0], &fake.seen[1]));
}

Test(client, passes_over_replies_to_other_requests)
{
    struct fake fake = {SCRIPT(ACT_WRONG_ID)};
    char code[LIMIT_ID + 1];

    cr_expect_eq(ping(&fake, &patient, code), THETAD_OK);
    cr_expect_eq(fake.n_seen, 1);
}

Test(client, tells_the_error_of_the_daemon)
{
    struct fake fake = {SCRIPT(ACT_REFUSE, ACT_OK)};
    const uint8_t *reply = NULL;
    struct thetad *client;
    size_t n = 0;

    fake_start(&fake);
    client = thetad_open(fake.endpoint, &patient);
    cr_expect_eq(thetad_call(client, "ping", NULL, 0, &reply, &n), THETAD_ERROR_REPLY);
    cr_expect_str_eq(thetad_error_code(client), "stale_seq");
    cr_expect_str_eq(thetad_error_message(client), "the message of an error");
    cr_expect_str_eq(thetad_error_field(client), "prior.sd");
    cr_expect(reply && memmem(reply, n, "stale_seq", 9));

    cr_expect_eq(thetad_ping(client), THETAD_OK);
    cr_expect_str_eq(thetad_error_code(client), "");
    cr_expect_str_eq(thetad_error_field(client), "");
    thetad_close(client);
    fake_stop(&fake);
    cr_assert_eq(fake.n_seen, 2);
    cr_expect(!same_bytes(&fake.seen[0], &fake.seen[1]));
    cr_expect(same_peer(&fake.seen[0], &fake.seen[1]));
}

Test(client, tries_again_where_the_daemon_says_so)
{
    struct fake fake = {SCRIPT(ACT_BUSY, ACT_OK)};
    char code[LIMIT_ID + 1];

    cr_expect_eq(ping(&fake, &patient, code), THETAD_OK);
    cr_expect_str_eq(code, "");
    cr_assert_eq(fake.n_seen, 2);
    cr_expect(same_bytes(&fake.seen[0], &fake.seen[1]));
    cr_expect(same_peer(&fake.seen[0], &fake.seen[1]));
}

/* Five pauses, each anywhere below its bound: 100 ms, doubled each time. All of them together stay
 * below 100 ms once in 10^5 runs. */
Test(client, pauses_before_it_tries_again)
{
    struct fake fake = {SCRIPT(ACT_BUSY, ACT_BUSY, ACT_BUSY, ACT_BUSY, ACT_BUSY, ACT_OK)};
    struct thetad_options options = {.timeout_ms = 30000};
    int64_t start_ms = now_ms();
    char code[LIMIT_ID + 1];

    cr_expect_eq(ping(&fake, &options, code), THETAD_OK);
    cr_expect_geq(now_ms() - start_ms, 100);
    cr_expect_eq(fake.n_seen, 6);
}

/* Without the look at the connection the only try would wait for all of the deadline. */
Test(client, notices_a_broken_connection)
{
    struct fake fake = {SCRIPT(ACT_HANG_UP, ACT_OK)};
    struct thetad_options options = {.timeout_ms = 20000, .deadline_ms = 20000};
    char code[LIMIT_ID + 1];

    cr_expect_eq(ping(&fake, &options, code), THETAD_OK);
    cr_assert_eq(fake.n_seen, 2);
    cr_expect(same_bytes(&fake.seen[0], &fake.seen[1]));
}

Test(client, ends_at_its_deadline)
{
    struct fake fake = {SCRIPT(ACT_SILENT)};
    struct thetad_options options = {.timeout_ms = 60000, .deadline_ms = TIMEOUT_MS};
    char code[LIMIT_ID + 1];

    cr_expect_eq(ping(&fake, &options, code), THETAD_ERROR_TIMEOUT);
    cr_expect_str_eq(code, "timeout");
    cr_expect_eq(fake.n_seen, 1);
}

Test(client, leaves_a_daemon_that_says_retry_twice)
{
    struct fake fake = {SCRIPT(ACT_RETRY, ACT_RETRY, ACT_OK)};
    char code[LIMIT_ID + 1];

    cr_expect_eq(ping(&fake, &patient, code), THETAD_OK);
    cr_assert_eq(fake.n_seen, 3);
    cr_expect(same_peer(&fake.seen[0], &fake.seen[1]));
    cr_expect(!same_peer(&fake.seen[1], &fake.seen[2]));
}

Test(client, makes_an_old_connection_anew)
{
    struct thetad_options options = {.timeout_ms = 30000, .reconnect_s = 1};
    struct fake fake = {SCRIPT(ACT_OK)};
    struct thetad *client;

    fake_start(&fake);
    client = thetad_open(fake.endpoint, &options);
    cr_expect_eq(thetad_ping(client), THETAD_OK);
    cr_expect_eq(thetad_ping(client), THETAD_OK);
    usleep(1300 * 1000);
    cr_expect_eq(thetad_ping(client), THETAD_OK);
    thetad_close(client);
    fake_stop(&fake);
    cr_assert_eq(fake.n_seen, 3);
    cr_expect(same_peer(&fake.seen[0], &fake.seen[1]));
    cr_expect(!same_peer(&fake.seen[1], &fake.seen[2]));
}

/* Where a client begins is drawn, so that there are several. */
Test(client, passes_over_an_endpoint_where_nobody_is)
{
    struct thetad_options options = {.timeout_ms = 20000, .deadline_ms = 20000};
    struct fake fake = {SCRIPT(ACT_OK)};
    char endpoints[3 * sizeof(fake.endpoint)];

    fake_start(&fake);
    snprintf(endpoints, sizeof(endpoints), "%s-nobody,%s", fake.endpoint, fake.endpoint);
    for (int i = 0; i < 4; i++) {
        struct thetad *client = thetad_open(endpoints, &options);

        cr_assert(client);
        cr_expect_eq(thetad_ping(client), THETAD_OK);
        thetad_close(client);
    }
    fake_stop(&fake);
    cr_expect_eq(fake.n_seen, 4);
}

/* 12 clients begin at the same one of two once in 2^11 runs. */
Test(client, goes_to_another_node_where_one_drains)
{
    struct fake one = {SCRIPT(ACT_DRAINING)}, other = {SCRIPT(ACT_OK)};
    char endpoints[2 * sizeof(one.endpoint)];

    fake_start(&one);
    fake_start(&other);
    snprintf(endpoints, sizeof(endpoints), "%s,%s", one.endpoint, other.endpoint);
    for (int i = 0; i < 12; i++) {
        struct thetad *client = thetad_open(endpoints, &patient);

        cr_expect_eq(thetad_ping(client), THETAD_OK);
        thetad_close(client);
    }
    fake_stop(&one);
    fake_stop(&other);
    cr_expect(one.n_seen > 0);
    cr_expect_eq(other.n_seen, 12);
}

Test(client, leaves_a_daemon_that_drains)
{
    struct fake fake = {SCRIPT(ACT_DRAINING, ACT_OK)};
    char code[LIMIT_ID + 1];

    cr_expect_eq(ping(&fake, &patient, code), THETAD_OK);
    cr_assert_eq(fake.n_seen, 2);
    cr_expect(same_bytes(&fake.seen[0], &fake.seen[1]));
    cr_expect(!same_peer(&fake.seen[0], &fake.seen[1]));
}

Test(client, gives_up_on_a_daemon_that_stays_busy)
{
    struct fake fake = {SCRIPT(ACT_BUSY)};
    char code[LIMIT_ID + 1];

    cr_expect_eq(ping(&fake, &patient, code), THETAD_ERROR_REPLY);
    cr_expect_str_eq(code, "busy");
    cr_expect_eq(fake.n_seen, TRIES);
}

/* A wait of an hour is the caller's. */
Test(client, does_not_wait_for_long)
{
    struct fake fake = {SCRIPT(ACT_BUSY_LONG, ACT_OK)};
    struct thetad *client;

    fake_start(&fake);
    client = thetad_open(fake.endpoint, &patient);
    cr_expect_eq(thetad_ping(client), THETAD_ERROR_REPLY);
    cr_expect_eq(thetad_retry_after_ms(client), 3600000);
    /* A call that cannot be sent was not asked to wait. */
    cr_expect_eq(thetad_call(client, "ping", "", 1, NULL, NULL), THETAD_ERROR_ARGUMENT);
    cr_expect_eq(thetad_retry_after_ms(client), 0);
    cr_expect_eq(thetad_ping(client), THETAD_OK);
    cr_expect_eq(thetad_retry_after_ms(client), 0);
    thetad_close(client);
    fake_stop(&fake);
    cr_expect_eq(fake.n_seen, 2);
}

#define PUBLIC "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define SECRET "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"

static void expect_keys(int error, const char *server_key, const char *key)
{
    struct thetad_options keys = {.server_key = server_key, .key = key};
    struct thetad *client;

    errno = 0;
    client = thetad_open("tcp://127.0.0.1:9", &keys);
    cr_expect(client || errno == error, "%s, %s: %s", server_key, key, strerror(errno));
    cr_expect_eq(client == NULL, error != 0);
    thetad_close(client);
}

static void write_key(const char *path, const char *secret, mode_t mode)
{
    FILE *file = fopen(path, "w");

    cr_assert(file);
    fprintf(file, "curve\n    public-key = \"%s\"\n%s", PUBLIC, secret);
    fclose(file);
    cr_assert_eq(chmod(path, mode), 0);
}

Test(client, says_what_is_wrong_with_its_keys)
{
    static const char secret[] = "    secret-key = \"" SECRET "\"\n";
    char folder[] = "/tmp/theta-client-XXXXXX", path[64];

    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/key", folder);
    expect_keys(EINVAL, PUBLIC, NULL);
    expect_keys(ENOENT, PUBLIC, path);
    write_key(path, secret, 0600);
    expect_keys(EINVAL, NULL, path);
    expect_keys(ENOENT, "no key and no file", path);
    expect_keys(0, PUBLIC, path);
    expect_keys(0, path, path);
    write_key(path, secret, 0640);
    expect_keys(EACCES, PUBLIC, path);
    write_key(path, "", 0644);
    expect_keys(EINVAL, PUBLIC, path);
    write_key(path, "nonsense\n", 0600);
    expect_keys(EINVAL, PUBLIC, path);
    unlink(path);
    rmdir(folder);
}

Test(client, gives_up_on_silence)
{
    struct fake fake = {SCRIPT(ACT_SILENT)};
    char code[LIMIT_ID + 1];
    int64_t start_ms = now_ms();

    cr_expect_eq(ping(&fake, &hasty, code), THETAD_ERROR_TIMEOUT);
    cr_expect_geq(now_ms() - start_ms, TRIES * TIMEOUT_MS);
    cr_expect_str_eq(code, "timeout");
    cr_assert_eq(fake.n_seen, TRIES);
    cr_expect(same_bytes(&fake.seen[0], &fake.seen[TRIES - 1]));
}

/* The next message is always there, so that no wait for one ever ends. */
Test(client, gives_up_on_garbage_without_end)
{
    struct fake fake = {SCRIPT(ACT_FLOOD)};
    char code[LIMIT_ID + 1];

    cr_expect_eq(ping(&fake, &hasty, code), THETAD_ERROR_PROTOCOL);
    cr_expect_geq(fake.n_seen, 1);
}

Test(client, passes_over_garbage)
{
    struct fake fake = {SCRIPT(ACT_GARBAGE)};
    char code[LIMIT_ID + 1];

    cr_expect_eq(ping(&fake, &patient, code), THETAD_OK);
    cr_expect_eq(fake.n_seen, 1);
}

Test(client, tells_of_a_peer_that_is_no_daemon)
{
    static const enum act acts[] = {ACT_ONLY_GARBAGE, ACT_NO_MAP, ACT_BAD_ERROR};
    char code[LIMIT_ID + 1];

    for (size_t i = 0; i < COUNT_OF(acts); i++) {
        struct fake fake = {.script = &acts[i], .n_script = 1};

        cr_expect_eq(ping(&fake, &hasty, code), THETAD_ERROR_PROTOCOL);
        cr_expect_str_eq(code, "protocol");
        cr_expect_eq(fake.n_seen, TRIES);
    }
}

Test(client, takes_an_error_without_an_id_for_its_own)
{
    struct fake fake = {SCRIPT(ACT_NIL_ID)};
    char code[LIMIT_ID + 1];

    cr_expect_eq(ping(&fake, &patient, code), THETAD_ERROR_REPLY);
    cr_expect_str_eq(code, "too_large");
    cr_expect_eq(fake.n_seen, 1);
}

Test(client, waits_for_a_daemon_that_comes_up_later)
{
    struct fake fake = {SCRIPT(ACT_OK), .bind_after_ms = TIMEOUT_MS + TIMEOUT_MS / 2};
    char code[LIMIT_ID + 1];

    cr_expect_eq(ping(&fake, &patient, code), THETAD_OK);
    cr_expect_eq(fake.n_seen, 1);
}

Test(client, tells_that_nobody_is_there)
{
    struct thetad *client = thetad_open("ipc:///tmp/thetad-test-nobody/socket", &hasty);

    cr_assert(client);
    cr_expect_eq(thetad_ping(client), THETAD_ERROR_TIMEOUT);
    cr_expect_str_eq(thetad_error_message(client),
                     "no connection to ipc:///tmp/thetad-test-nobody/socket within 1000 ms");
    thetad_close(client);
}

Test(client, refuses_fields_that_make_no_request)
{
    static const struct {
        const char *bytes, *field, *message;
    } bad[] = {
        {"\x93\x01\x02\x03", "", "fields must be a map"},
        {"\x81\xa2op\x03", "op", "fields must not hold op: the client adds it"},
        {"\x81\xa2id\x03", "id", "fields must not hold id: the client adds it"},
        {"\x82\xa1x\x03", "",
         "fields: not a MessagePack value within the limits: cut short at byte 0"},
    };
    struct fake fake = {SCRIPT(ACT_OK)};
    const uint8_t *reply = fake.seen[0].bytes;
    struct thetad *client;
    size_t n = 1;

    fake_start(&fake);
    client = thetad_open(fake.endpoint, &patient);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        cr_expect_eq(thetad_call(client, "ping", bad[i].bytes, strlen(bad[i].bytes), &reply, &n),
                     THETAD_ERROR_ARGUMENT);
        cr_expect(!reply && n == 0);
        cr_expect_str_eq(thetad_error_code(client), "argument");
        cr_expect_str_eq(thetad_error_field(client), bad[i].field);
        cr_expect_str_eq(thetad_error_message(client), bad[i].message);
    }
    thetad_close(client);
    fake_stop(&fake);
    cr_expect_eq(fake.n_seen, 0);
}

Test(client, uses_no_id_twice)
{
    struct fake fake = {SCRIPT(ACT_OK)};
    struct thetad *one, *two;

    fake_start(&fake);
    one = thetad_open(fake.endpoint, &patient);
    two = thetad_open(fake.endpoint, &patient);
    cr_expect_eq(thetad_ping(one), THETAD_OK);
    cr_expect_eq(thetad_ping(one), THETAD_OK);
    cr_expect_eq(thetad_ping(two), THETAD_OK);
    thetad_close(one);
    thetad_close(two);
    fake_stop(&fake);
    cr_assert_eq(fake.n_seen, 3);
    cr_expect(!same_bytes(&fake.seen[0], &fake.seen[1]));
    cr_expect(!same_bytes(&fake.seen[0], &fake.seen[2]));
}

Test(client, open_refuses_a_malformed_endpoint)
{
    errno = 0;
    cr_expect_null(thetad_open("nonsense", NULL));
    cr_expect_eq(errno, EINVAL);
    cr_expect_null(thetad_open("carrier-pigeon://roof", NULL));
    cr_expect_eq(errno, EPROTONOSUPPORT);
    cr_expect_null(thetad_open("tcp://127.0.0.1:9,nonsense", NULL));
    cr_expect_eq(errno, EINVAL);
    cr_expect_null(thetad_open("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", NULL));
    cr_expect_eq(errno, EINVAL);
    thetad_close(NULL);
}
