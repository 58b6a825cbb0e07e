/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A start on a store with damaged records: whose they are is refused, all others are as they were,
 * and what the journal or the archive alone has lost the other one gives back. Suite
 * `sessions_damage`. */
#include "base/bytes.h"
#include "server_test.h"

#include <stdio.h>
#include <string.h>

enum { N_SESSION = 3, N_EVENT = 10, KEY_BYTES = 8, STRIDE = 5 };

static const char *const names[N_SESSION] = {"s-1", "s-2", "s-3"};

/* What is told of every session, and what came of a start on the damaged store. */
struct ward {
    struct desk desk;
    struct buf before[N_SESSION], file;
    size_t n_refused, n_unknown, n_no_start;
};

static void file_read(struct ward *ward)
{
    char path[512];
    uint8_t part[4096];
    size_t n;
    FILE *file;

    snprintf(path, sizeof(path), "%s/data.mdb", ward->desk.scratch.path);
    file = fopen(path, "rb");
    cr_assert(file);
    while ((n = fread(part, 1, sizeof(part), file)) > 0) buf_append(&ward->file, part, n);
    fclose(file);
}

static void file_write(const struct ward *ward)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/data.mdb", ward->desk.scratch.path);
    file = fopen(path, "r+b");
    cr_assert(file);
    cr_assert_eq(fwrite(ward->file.data, 1, ward->file.n, file), ward->file.n);
    cr_assert_eq(fclose(file), 0);
}

static struct slice get(struct desk *desk, const char *session)
{
    return desk_ask(desk, ROLE_ALL, "'op': 'session.get', 'session': '%s'", session);
}

/* Three sessions whose events stand mixed, of which the first has ended. The journal has 1 to 10,
 * and with `archived` the archive has the first session too. */
static void ward_open(struct ward *ward, bool archived)
{
    struct desk *desk = &ward->desk;

    *ward = (struct ward){0};
    desk_open(desk, 16);
    desk_bank(desk, "b", 12);
    desk_test(desk, "t", "'reveal': true, 'revise': 1");
    desk_steps(desk, "s-1", "t", "s1");   // 1, 2
    desk_steps(desk, "s-2", "t", "s0");   // 3, 4
    desk_steps(desk, "s-3", "t", "s");    // 5
    desk_steps(desk, "s-1", "t", "0f");   // 6, 7
    desk_steps(desk, "s-2", "t", "R1z");  // 8 to 10
    cr_assert_eq(desk->server.journal.next_lsn, N_EVENT + 1);
    for (size_t i = 0; i < N_SESSION; i++) {
        struct slice reply = get(desk, names[i]);

        buf_append(&ward->before[i], reply.data, reply.n);
    }
    if (archived) {
        cr_assert_eq(
            sessions_tidy(desk->server.sessions, &desk->server.batch, desk->now_us + 6000000, 1),
            OK);
        desk_commit(desk);
    }
}

static void ward_close(struct ward *ward)
{
    for (size_t i = 0; i < N_SESSION; i++) buf_done(&ward->before[i]);
    buf_done(&ward->file);
    desk_close(&ward->desk);
}

/* An event as it stands in the journal: | key | seal | value |. */
static struct buf event_record_bytes(struct ward *ward, uint64_t lsn)
{
    struct env *env = ward->desk.server.env;
    struct buf value = {0}, record = {0};
    uint8_t bytes[KEY_BYTES] = {0}, seal[SEAL_BYTES];
    struct slice key = slice_of(bytes, sizeof(bytes));

    bytes_put_u64(bytes, lsn);
    cr_assert_eq(env_get(env, TABLE_JOURNAL, key, &value), OK);
    env_seal(env, TABLE_JOURNAL, key, buf_slice(&value), seal);
    buf_append(&record, bytes, sizeof(bytes));
    buf_append(&record, seal, sizeof(seal));
    buf_append(&record, value.data, value.n);
    buf_done(&value);
    return record;
}

static struct buf archive_value(struct ward *ward, const char *session)
{
    struct session_key key = session_key_of(slice_str("local"), slice_str(session));
    struct buf value = {0};

    cr_assert_eq(env_get(ward->desk.server.env, TABLE_ARCHIVE, session_key_slice(&key), &value),
                 OK);
    return value;
}

/* Start on what is in the file, and look at every session. The owner of what is damaged may be
 * refused, or be unknown where its only event is; `owner` NULL: nobody may. */
static void expect_others_served(struct ward *ward, const char *owner, const char *what)
{
    struct desk *desk = &ward->desk;
    struct fault fault = {0};
    enum status st = server_open(&desk->server, &desk->config, &fault);

    if (st) {
        cr_expect_not_null(owner, "%s: %s", what, fault.text);
        cr_expect_eq(st, CORRUPT, "%s: status %d", what, st);
        cr_expect(strstr(fault.text, "it cannot be told whose it is"), "%s: %s", what, fault.text);
        ward->n_no_start++;
        return;
    }
    for (size_t i = 0; i < N_SESSION; i++) {
        struct slice reply = get(desk, names[i]);
        const char *code = reply_code(reply);

        if (slice_equal(reply, buf_slice(&ward->before[i]))) continue;
        cr_expect(owner && strcmp(owner, names[i]) == 0, "%s: %s: %s", what, names[i], code);
        cr_expect(strcmp(code, "internal") == 0 || strcmp(code, "unknown_session") == 0, "%s: %s",
                  what, code);
        ward->n_refused += strcmp(code, "internal") == 0;
        ward->n_unknown += strcmp(code, "unknown_session") == 0;
    }
}

/* The damage as it lies on the disk, a start, and the sound file again. */
static void expect_damage_found(struct ward *ward, const char *owner, const char *what)
{
    expect_others_served(ward, owner, what);
    server_close(&ward->desk.server);
    ward->desk.server = (struct server){0};
    file_write(ward);
}

/* Every few bytes of every event, whose owners may be refused. */
static void damage_each(struct ward *ward, const char *const owner[N_EVENT])
{
    struct buf record[N_EVENT];

    for (size_t i = 0; i < N_EVENT; i++) record[i] = event_record_bytes(ward, i + 1);
    server_close(&ward->desk.server);
    file_read(ward);
    for (size_t i = 0; i < N_EVENT; i++) {
        for (size_t at = KEY_BYTES + i % STRIDE; at < record[i].n; at += STRIDE) {
            char what[64];

            snprintf(what, sizeof(what), "byte %zu of %zu of event %zu", at, record[i].n, i + 1);
            desk_flip_bytes(&ward->desk, buf_slice(&record[i]), at);
            expect_damage_found(ward, owner[i], what);
        }
        buf_done(&record[i]);
    }
}

Test(sessions_damage, is_one_sessions_alone)
{
    static const char *const owner[N_EVENT] = {"s-1", "s-1", "s-2", "s-2", "s-3",
                                               "s-1", "s-1", "s-2", "s-2", "s-2"};
    struct ward ward;

    ward_open(&ward, false);
    damage_each(&ward, owner);
    cr_expect_gt(ward.n_refused, 5 * (ward.n_unknown + ward.n_no_start));
    ward_close(&ward);
}

Test(sessions_damage, what_the_archive_has_is_not_lost)
{
    static const char *const owner[N_EVENT] = {NULL, NULL, "s-2", "s-2", "s-3",
                                               NULL, NULL, "s-2", "s-2", "s-2"};
    struct ward ward;

    ward_open(&ward, true);
    damage_each(&ward, owner);
    cr_expect_gt(ward.n_refused, 5 * (ward.n_unknown + ward.n_no_start));
    ward_close(&ward);
}

Test(sessions_damage, what_the_journal_has_is_not_lost)
{
    struct ward ward;
    struct buf archive;

    ward_open(&ward, true);
    archive = archive_value(&ward, "s-1");
    server_close(&ward.desk.server);
    file_read(&ward);
    for (size_t at = 0; at < archive.n; at += STRIDE) {
        desk_flip_bytes(&ward.desk, buf_slice(&archive), at);
        expect_damage_found(&ward, NULL, "the archive");
    }
    buf_done(&archive);
    ward_close(&ward);
}

Test(sessions_damage, of_both_is_refused)
{
    struct ward ward;
    struct buf archive, event;

    ward_open(&ward, true);
    archive = archive_value(&ward, "s-1");
    event = event_record_bytes(&ward, 6);
    server_close(&ward.desk.server);
    file_read(&ward);
    desk_flip_bytes(&ward.desk, buf_slice(&archive), archive.n / 2);
    desk_flip_bytes(&ward.desk, buf_slice(&event), event.n / 2);
    expect_damage_found(&ward, "s-1", "both");
    cr_expect_eq(ward.n_refused, 1);
    buf_done(&archive);
    buf_done(&event);
    ward_close(&ward);
}

static void flip(struct ward *ward, struct buf *bytes, size_t at)
{
    desk_flip_bytes(&ward->desk, buf_slice(bytes), at);
    bytes->data[at] ^= 0x20;  // as it does
}

/* It names a session that there never was, whose first event it is not, and follows on nobody's:
 * that it were dropped with a session of that name would hide what another one has lost. */
Test(sessions_damage, of_nobodys_event_keeps_it_from_starting)
{
    enum { RECORD = KEY_BYTES + 2 * SEAL_BYTES };
    struct event_record record;
    struct ward ward;
    struct buf event;
    size_t session;
    uint8_t *previous;

    ward_open(&ward, false);
    event = event_record_bytes(&ward, 4);
    cr_assert_eq(event_record_read(slice_of(event.data + RECORD, event.n - RECORD), &record), OK);
    cr_assert(slice_equal_str(record.session, "s-2") && record.n == 1);
    session = (size_t)(record.session.data - event.data);
    previous = memmem(event.data + RECORD, event.n - RECORD, record.previous, SEAL_BYTES);
    cr_assert(previous);
    server_close(&ward.desk.server);
    file_read(&ward);
    flip(&ward, &event, (size_t)(previous - event.data));
    flip(&ward, &event, session);
    expect_damage_found(&ward, "s-2", "twice in one event");
    cr_expect_eq(ward.n_no_start, 1);
    buf_done(&event);
    ward_close(&ward);
}
