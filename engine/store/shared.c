/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One statement for many sessions, so that a commit's flush is paid once for all of them (measured:
 * 109k durable appends a second at 64 rows, 23k one by one). Rows go in sorted by key: two nodes
 * that append the same sessions then wait for each other in one order, and never in a circle. */
#include "store/shared.h"
#include "base/bytes.h"
#include "base/planted.h"
#include "store/shared_run.h"
#include "store/shared_settings.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number of an examinee's next session: that of the last one, and one more for each that the
 * same statement has of the examinee. */
#define NEXT_SITTING                                                                               \
    "coalesce((SELECT max(o.number) FROM sitting o WHERE o.tenant = w.tenant "                     \
    "AND o.examinee = w.examinee), 0) "                                                            \
    "+ row_number() OVER (PARTITION BY w.tenant, w.examinee ORDER BY w.session)"

/* Of the events, those that may be there as far as their items go. */
#define GRANTED "AND (w.most = 0 OR (w.tenant, w.session) IN (SELECT tenant, session FROM k)) "

/* Who publishes a document says so on it. */
#define CHANNEL "thetad_news"

static const struct pg_statement statements[N_STATEMENT] = {
    [SETTINGS] = {.sql = "SELECT " SHARED_SETTINGS_SQL},
    [CHECK] = {.sql = "SELECT " SHARED_SETTINGS_SQL ", format, key FROM district"},
    /* A session starts with its row in `sitting`, or not at all: where somebody else has started
     * one of the examinee's since the number was read, that is taken. */
    [APPEND] = {.sql = "WITH d AS (SELECT newest, retired FROM district), "
                       "w AS (SELECT w.* FROM unnest($1::text[], $2::text[], $3::int[], "
                       "$4::bytea[], $5::bytea[], $6::text[], $7::int[]) "
                       "AS w (tenant, session, n, seal, record, examinee, number), d "
                       "WHERE d.retired = $8), "
                       "s AS (INSERT INTO sitting (tenant, examinee, number, session) "
                       "SELECT w.tenant, w.examinee, CASE WHEN w.number > 0 THEN w.number "
                       "ELSE " NEXT_SITTING " END, w.session FROM w WHERE w.n = 0 "
                       "ON CONFLICT DO NOTHING RETURNING tenant, session), "
                       "i AS (INSERT INTO event (tenant, session, n, seal, record) "
                       "SELECT w.tenant, w.session, w.n, w.seal, w.record FROM w "
                       "WHERE w.n > 0 OR (w.tenant, w.session) IN (SELECT tenant, session FROM s) "
                       "ON CONFLICT DO NOTHING RETURNING tenant, session, n) "
                       "SELECT d.newest, d.retired, i.tenant, i.session, i.n, 0 "
                       "FROM d LEFT JOIN i ON true",
                .n_param = 8,
                .type = {PG_TEXT_ARRAY, PG_TEXT_ARRAY, PG_INT4_ARRAY, PG_BYTEA_ARRAY,
                         PG_BYTEA_ARRAY, PG_TEXT_ARRAY, PG_INT4_ARRAY, PG_INT8}},
    /* The same where an item has a limit of uses, which costs more: a question is asked with
     * its use granted (k), or not at all. c are those whose place is free still, that of a start
     * among its examinee's too, and u grants as many uses of each item as are left. */
    [APPEND_COUNTED] =
        {.sql =
             "WITH d AS (SELECT newest, retired FROM district), "
             "w AS (SELECT w.* FROM unnest($1::text[], $2::text[], $3::int[], "
             "$4::bytea[], $5::bytea[], $6::text[], $7::int[], $8::text[], $9::text[], "
             "$10::text[], $11::int[]) AS w (tenant, session, n, seal, record, examinee, "
             "number, test, bank, item, most), d WHERE d.retired = $12), "
             "c AS (SELECT w.*, row_number() OVER (PARTITION BY w.tenant, w.test, "
             "w.bank, w.item ORDER BY w.session) AS place FROM w WHERE w.most > 0 "
             "AND (SELECT e.n FROM event e WHERE e.tenant = w.tenant "
             "AND e.session = w.session AND e.n = w.n) IS NULL "
             "AND (SELECT o.number FROM sitting o WHERE o.tenant = w.tenant "
             "AND o.examinee = w.examinee AND o.number = w.number) IS NULL), "
             "u AS (INSERT INTO asked AS a "
             "(tenant, test, bank, item, before, uses, most) SELECT tenant, test, bank, "
             "item, 0, least(count(*), min(most)), min(most) FROM c "
             "GROUP BY tenant, test, bank, item ORDER BY tenant, test, bank, item "
             "ON CONFLICT (tenant, test, bank, item) DO UPDATE SET before = a.uses, "
             "uses = least(a.uses + excluded.uses, excluded.most), "
             "most = excluded.most WHERE a.uses < excluded.most "
             "RETURNING tenant, test, bank, item, before, uses), "
             "k AS (SELECT c.tenant, c.session, (u.uses >= c.most)::int AS is_last "
             "FROM c JOIN u ON u.tenant = c.tenant AND u.test = c.test "
             "AND u.bank = c.bank AND u.item = c.item "
             "WHERE c.place <= u.uses - u.before), "
             "s AS (INSERT INTO sitting (tenant, examinee, number, session) "
             "SELECT w.tenant, w.examinee, CASE WHEN w.number > 0 THEN w.number "
             "ELSE " NEXT_SITTING " END, w.session FROM w WHERE w.n = 0 " GRANTED
             "ON CONFLICT DO NOTHING RETURNING tenant, session), "
             "i AS (INSERT INTO event (tenant, session, n, seal, record) "
             "SELECT w.tenant, w.session, w.n, w.seal, w.record FROM w "
             "WHERE w.n > 0 " GRANTED "OR (w.tenant, w.session) IN (SELECT tenant, session FROM s) "
             "ON CONFLICT DO NOTHING RETURNING tenant, session, n) "
             "SELECT d.newest, d.retired, i.tenant, i.session, i.n, "
             "coalesce(k.is_last, 0) FROM d LEFT JOIN i ON true "
             "LEFT JOIN k ON k.tenant = i.tenant AND k.session = i.session",
         .n_param = 12,
         .type = {PG_TEXT_ARRAY, PG_TEXT_ARRAY, PG_INT4_ARRAY, PG_BYTEA_ARRAY, PG_BYTEA_ARRAY,
                  PG_TEXT_ARRAY, PG_INT4_ARRAY, PG_TEXT_ARRAY, PG_TEXT_ARRAY, PG_TEXT_ARRAY,
                  PG_INT4_ARRAY, PG_INT8}},
    /* The limit is beyond what a session can have: it keeps the planner from reading the whole
     * table where it thinks that it is small. */
    [FETCH] = {.sql = "SELECT d.newest, d.retired, w.i, e.n, e.seal, e.record FROM district d "
                      "CROSS JOIN unnest($1::text[], $2::text[], $3::int[]) WITH ORDINALITY "
                      "AS w (tenant, session, n, i) LEFT JOIN LATERAL "
                      "(SELECT n, seal, record FROM event WHERE event.tenant = w.tenant "
                      "AND event.session = w.session AND event.n >= w.n "
                      "ORDER BY event.n LIMIT 10000) e ON true ORDER BY w.i, e.n",
               .n_param = 3,
               .type = {PG_TEXT_ARRAY, PG_TEXT_ARRAY, PG_INT4_ARRAY}},
    [PUBLISH] = {.sql =
                     "WITH d AS (UPDATE district SET newest = newest + 1, "
                     "retired = CASE WHEN $2 = '" SHARED_ITEM "' THEN newest + 1 ELSE retired END "
                     "WHERE newest = $1 RETURNING newest) "
                     "INSERT INTO document (number, kind, tenant, name, version, head, body) "
                     "SELECT d.newest, $2, $3, $4, $5, $6, $7 FROM d RETURNING number",
                 .n_param = 7,
                 .type = {PG_INT8, PG_TEXT, PG_TEXT, PG_TEXT, PG_INT4, PG_BYTEA, PG_BYTEA}},
    [NEXT] = {.sql = "SELECT d.newest, d.retired, m.number, m.kind, m.tenant, m.name, m.version, "
                     "m.head, m.body FROM district d LEFT JOIN LATERAL (SELECT * FROM document "
                     "WHERE number > $1 ORDER BY number LIMIT 1) m ON true",
              .n_param = 1,
              .type = {PG_INT8}},
    [SCAN] = {.sql = "SELECT e.session, e.n, e.seal, e.record FROM "
                     "(SELECT session FROM event WHERE tenant = $1 AND session > $2 AND n = 0 "
                     "ORDER BY session LIMIT $3) s CROSS JOIN LATERAL "
                     "(SELECT session, n, seal, record FROM event WHERE event.tenant = $1 "
                     "AND event.session = s.session ORDER BY event.n LIMIT 10000) e "
                     "ORDER BY e.session, e.n",
              .n_param = 3,
              .type = {PG_TEXT, PG_TEXT, PG_INT8}},
    [SITTINGS] = {.sql = "SELECT session, number FROM sitting WHERE tenant = $1 AND examinee = $2 "
                         "AND session > $3 ORDER BY session LIMIT $4",
                  .n_param = 4,
                  .type = {PG_TEXT, PG_TEXT, PG_TEXT, PG_INT8}},
    /* The place behind the last event is what whoever has a copy would take next: the tombstone
     * takes it, or nothing is erased. */
    [ERASE] = {.sql = "WITH g AS (INSERT INTO event (tenant, session, n, seal, record) "
                      "VALUES ($1, $2, $3, $4, $6) ON CONFLICT DO NOTHING RETURNING n), "
                      "f AS (UPDATE event SET seal = $5, record = $6 WHERE tenant = $1 "
                      "AND session = $2 AND n = 0 AND EXISTS (SELECT 1 FROM g)), "
                      "e AS (DELETE FROM event WHERE tenant = $1 AND session = $2 AND n > 0 "
                      "AND n < $3 AND EXISTS (SELECT 1 FROM g)), "
                      "s AS (DELETE FROM sitting WHERE tenant = $1 AND session = $2 "
                      "AND EXISTS (SELECT 1 FROM g)) SELECT n FROM g",
               .n_param = 6,
               .type = {PG_TEXT, PG_TEXT, PG_INT4, PG_BYTEA, PG_BYTEA, PG_BYTEA}},
    [FORGET] = {.sql = "DELETE FROM sitting WHERE tenant = $1 AND session = $2",
                .n_param = 2,
                .type = {PG_TEXT, PG_TEXT}},
    [LAST] = {.sql = "SELECT s.tenant, s.session, e.n, e.seal, e.record FROM "
                     "(SELECT tenant, session FROM sitting WHERE (tenant, session) > ($1, $2) "
                     "ORDER BY tenant, session LIMIT $3) s LEFT JOIN LATERAL "
                     "(SELECT n, seal, record FROM event WHERE event.tenant = s.tenant "
                     "AND event.session = s.session ORDER BY n DESC LIMIT 1) e ON true "
                     "ORDER BY s.tenant, s.session",
              .n_param = 3,
              .type = {PG_TEXT, PG_TEXT, PG_INT8}},
    [ROWS] = {.sql = "SELECT tenant, session, n, seal, record FROM event "
                     "WHERE (tenant, session, n) > ($1, $2, $3) "
                     "ORDER BY tenant, session, n LIMIT $4",
              .n_param = 4,
              .type = {PG_TEXT, PG_TEXT, PG_INT4, PG_INT8}},
    [FIRSTS] = {.sql = "SELECT tenant, session, record FROM event WHERE n = 0 "
                       "AND (tenant, session) > ($1, $2) ORDER BY tenant, session LIMIT $3",
                .n_param = 3,
                .type = {PG_TEXT, PG_TEXT, PG_INT8}},
    [SEAT] = {.sql = "INSERT INTO sitting (tenant, examinee, number, session) "
                     "SELECT w.tenant, w.examinee, " NEXT_SITTING ", w.session "
                     "FROM unnest($1::text[], $2::text[], $3::text[]) "
                     "AS w (tenant, examinee, session)",
              .n_param = 3,
              .type = {PG_TEXT_ARRAY, PG_TEXT_ARRAY, PG_TEXT_ARRAY}},
    [COUNTS_LOOK] = {.sql = "SELECT w.i, coalesce(e.version, 0), coalesce(e.counts, '') "
                            "FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) "
                            "WITH ORDINALITY AS w (tenant, test, bank, known, i) "
                            "LEFT JOIN exposure e ON e.tenant = w.tenant AND e.test = w.test "
                            "AND e.bank = w.bank WHERE coalesce(e.version, 0) <> w.known "
                            "ORDER BY w.i",
                     .n_param = 4,
                     .type = {PG_TEXT_ARRAY, PG_TEXT_ARRAY, PG_TEXT_ARRAY, PG_INT8_ARRAY}},
    [COUNTS_STORE] = {.sql = "INSERT INTO exposure AS e (tenant, test, bank, version, counts) "
                             "VALUES ($1, $2, $3, $4 + 1, $5) ON CONFLICT (tenant, test, bank) "
                             "DO UPDATE SET version = $4 + 1, counts = $5 WHERE e.version = $4 "
                             "RETURNING version",
                      .n_param = 5,
                      .type = {PG_TEXT, PG_TEXT, PG_TEXT, PG_INT8, PG_BYTEA}},
    [PAST] = {.sql = "SELECT w.i, s.number, s.session, e.record FROM "
                     "unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (tenant, examinee, i) "
                     "JOIN sitting s ON s.tenant = w.tenant AND s.examinee = w.examinee "
                     "LEFT JOIN LATERAL (SELECT record FROM event WHERE event.tenant = s.tenant "
                     "AND event.session = s.session ORDER BY n DESC LIMIT 1) e ON true "
                     "ORDER BY w.i, s.number",
              .n_param = 2,
              .type = {PG_TEXT_ARRAY, PG_TEXT_ARRAY}},
    /* A lock of a row is written to the log, and its transaction ends when the standby has that.
     * Nodes hold this one side by side, and beside those who publish. */
    [CONFIRM] = {.sql = "SELECT one FROM district FOR KEY SHARE"},
    [USED] = {.sql = "SELECT item FROM asked WHERE tenant = $1 AND test = $2 AND bank = $3 "
                     "AND uses >= $4 ORDER BY item",
              .n_param = 4,
              .type = {PG_TEXT, PG_TEXT, PG_TEXT, PG_INT4}},
};

void shared_init(struct shared *shared, const char *url, const atomic_bool *quit)
{
    *shared = (struct shared){.pg = {.statements = statements, .quit = quit}};
    snprintf(shared->url, sizeof(shared->url), "%s", url);
}

void shared_done(struct shared *shared)
{
    pg_disconnect(&shared->pg);
    PQclear(shared->kept);
    for (size_t i = 0; i < COUNT_OF(shared->param); i++) buf_done(&shared->param[i]);
}

/* What CHECK has behind the settings. */
enum { FORMAT = SHARED_SETTINGS, KEY };

static enum status check_format(struct shared *shared, const PGresult *row, struct fault *fault)
{
    int64_t format = pg_int(row, 0, FORMAT);
    struct slice key = pg_bytes(row, 0, KEY);

    if (format != SHARED_FORMAT) {
        fault_set(fault, NULL, NULL, "the shared store is of version %lld, %s %d%s",
                  (long long)format, format > SHARED_FORMAT ? "newer than" : "not", SHARED_FORMAT,
                  format > SHARED_FORMAT ? "" : ": `theta district upgrade` brings it there");
        return CORRUPT;
    }
    if (key.n != SHARED_KEY) {
        fault_set(fault, NULL, NULL, "the shared store has no key");
        return CORRUPT;
    }
    memcpy(shared->key, key.data, SHARED_KEY);
    return OK;
}

static enum status check(struct shared *shared, struct fault *fault)
{
    struct pg_call call = {.number = CHECK};
    PGresult *row = NULL;
    enum status st = pg_run(&shared->pg, &call, &row, fault);

    if (st == NOT_FOUND || (st == OK && PQntuples(row) != 1)) {
        fault_set(fault, NULL, NULL,
                  "there is no shared store there: `theta district init` makes it");
        st = CORRUPT;
    }
    if (st == OK) st = shared_check_settings(row, fault);
    if (st == OK) st = check_format(shared, row, fault);
    PQclear(row);
    return st;
}

/* What a server shows may be old, where another has taken its place and it does not know; and after
 * a crash it may be on its disk alone: told to a client, and lost with that server, it would be an
 * acknowledged answer lost. A write is done when the standby has it. Then that has all that was
 * visible when the write began, and was still a standby: nothing had been taken elsewhere. */
enum status shared_confirm(struct shared *shared, struct fault *fault)
{
    struct pg_call call = {.number = CONFIRM};
    PGresult *row = NULL;
    enum status st = OK;

    if (!planted("reads not confirmed")) st = pg_run(&shared->pg, &call, &row, fault);
    PQclear(row);
    shared->has_read = false;
    return st;
}

enum status shared_connect(struct shared *shared, struct fault *fault)
{
    enum status st;

    if (shared->pg.conn) return OK;
    st = pg_connect(&shared->pg, shared->url, fault);
    if (st == OK) st = check(shared, fault);
    if (st == OK && shared->listens) st = pg_listen(&shared->pg, CHANNEL, fault);
    if (st == OK) st = shared_confirm(shared, fault);  // what a crash has left
    if (st) pg_disconnect(&shared->pg);
    return st;
}

void shared_seal(const uint8_t key[SHARED_KEY], const struct shared_event *event,
                 uint8_t out_seal[SEAL_BYTES])
{
    uint8_t head[6] = {(uint8_t)event->tenant.n, (uint8_t)event->session.n};
    crypto_generichash_state state;

    bytes_put_u32(head + 2, event->n);
    crypto_generichash_init(&state, key, SHARED_KEY, SEAL_BYTES);
    crypto_generichash_update(&state, head, sizeof(head));
    crypto_generichash_update(&state, event->tenant.data, event->tenant.n);
    crypto_generichash_update(&state, event->session.data, event->session.n);
    crypto_generichash_update(&state, event->record.data, event->record.n);
    crypto_generichash_final(&state, out_seal, SEAL_BYTES);
}

static int compare_events(const struct shared_event *a, const struct shared_event *b)
{
    int order = slice_compare(a->tenant, b->tenant);

    if (order == 0) order = slice_compare(a->session, b->session);
    if (order == 0) order = a->n < b->n ? -1 : a->n > b->n;
    return order;
}

static int by_key(const void *x, const void *y)
{
    const struct shared_event *const *a = x, *const *b = y;

    return compare_events(*a, *b);
}

void shared_begin_arrays(struct shared *shared, unsigned statement, int n_array, size_t n)
{
    for (int i = 0; i < n_array; i++) {
        enum pg_type type = statements[statement].type[i];

        buf_clear(&shared->param[i]);
        pg_array(&shared->param[i],
                 type == PG_TEXT_ARRAY   ? PG_TEXT
                 : type == PG_INT4_ARRAY ? PG_INT4
                 : type == PG_INT8_ARRAY ? PG_INT8
                                         : PG_BYTEA,
                 n);
    }
}

static struct pg_call call_of(const struct shared *shared, unsigned statement)
{
    struct pg_call call = {.number = statement};

    for (int i = 0; i < statements[statement].n_param; i++) {
        call.param[i] = buf_slice(&shared->param[i]);
    }
    return call;
}

enum status shared_run(struct shared *shared, unsigned statement, PGresult **out)
{
    struct pg_call call = call_of(shared, statement);
    enum status st = OK;

    for (int i = 0; i < statements[statement].n_param; i++) {
        if (shared->param[i].failed) st = NO_MEMORY;
    }
    if (st == OK) st = shared_connect(shared, &shared->fault);
    shared->has_read = st == OK;
    return st ? st : pg_run(&shared->pg, &call, out, &shared->fault);
}

void shared_set(struct shared *shared, int i, struct slice value)
{
    buf_clear(&shared->param[i]);
    buf_append(&shared->param[i], value.data, value.n);
}

void shared_set_int4(struct shared *shared, int i, uint32_t value)
{
    uint8_t bytes[4];

    bytes_put_u32(bytes, value);
    shared_set(shared, i, slice_of(bytes, sizeof(bytes)));
}

void shared_set_int8(struct shared *shared, int i, uint64_t value)
{
    uint8_t bytes[8];

    bytes_put_u64(bytes, value);
    shared_set(shared, i, slice_of(bytes, sizeof(bytes)));
}

static struct shared_news news_of(const PGresult *rows)
{
    if (PQntuples(rows) == 0) return (struct shared_news){0};
    return (struct shared_news){.newest = (uint64_t)pg_int(rows, 0, 0),
                                .retired = (uint64_t)pg_int(rows, 0, 1)};
}

/* The rows that came back, marked in the events; both are sorted alike. */
static void mark_taken(const PGresult *rows, const struct shared_event *events,
                       const struct shared_event **sorted, size_t n, enum shared_fate *out_fate)
{
    size_t at = 0;

    for (int row = 0; row < PQntuples(rows); row++) {
        struct shared_event key = {.tenant = pg_bytes(rows, row, 2),
                                   .session = pg_bytes(rows, row, 3),
                                   .n = (uint32_t)pg_int(rows, row, 4)};

        if (PQgetisnull(rows, row, 2)) continue;
        for (size_t looked = 0; looked < n; looked++, at = (at + 1) % n) {
            if (compare_events(sorted[at], &key) != 0) continue;
            out_fate[sorted[at] - events] = pg_int(rows, row, 5) ? SHARED_LAST_USE : SHARED_TAKEN;
            break;
        }
    }
}

static bool has_limit(const struct shared_event *events, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (events[i].most > 0) return true;
    }
    return false;
}

enum status shared_append(struct shared *shared, const struct shared_event *events, size_t n,
                          uint64_t retired, enum shared_fate *out_fate, struct shared_news *out)
{
    const struct shared_event **sorted = calloc(n + 1, sizeof(*sorted));
    bool counts = has_limit(events, n);
    PGresult *rows = NULL;
    enum status st;

    if (!sorted) return NO_MEMORY;
    for (size_t i = 0; i < n; i++) sorted[i] = &events[i];
    qsort(sorted, n, sizeof(*sorted), by_key);
    shared_begin_arrays(shared, APPEND_COUNTED, 11, n);
    for (size_t i = 0; i < n; i++) {
        pg_element(&shared->param[0], sorted[i]->tenant);
        pg_element(&shared->param[1], sorted[i]->session);
        pg_element_int4(&shared->param[2], sorted[i]->n);
        pg_element(&shared->param[3], slice_of(sorted[i]->seal, SEAL_BYTES));
        pg_element(&shared->param[4], sorted[i]->record);
        pg_element(&shared->param[5], sorted[i]->examinee);
        pg_element_int4(&shared->param[6], sorted[i]->sitting);
        pg_element(&shared->param[7], sorted[i]->test);
        pg_element(&shared->param[8], sorted[i]->bank);
        pg_element(&shared->param[9], sorted[i]->item);
        pg_element_int4(&shared->param[10], sorted[i]->most);
    }
    shared_set_int8(shared, counts ? 11 : 7, retired);
    st = shared_run(shared, counts ? APPEND_COUNTED : APPEND, &rows);
    for (size_t i = 0; i < n; i++) out_fate[i] = SHARED_REFUSED;
    if (st == OK) {
        *out = news_of(rows);
        mark_taken(rows, events, sorted, n, out_fate);
    }
    PQclear(rows);
    free(sorted);
    return st;
}

enum status shared_check_seal(const struct shared *shared, const struct shared_event *event,
                              struct slice seal)
{
    uint8_t good[SEAL_BYTES];

    if (seal.n != SEAL_BYTES) return CORRUPT;
    shared_seal(shared->key, event, good);
    return memcmp(good, seal.data, SEAL_BYTES) == 0 ? OK : CORRUPT;
}

enum status shared_fetch(struct shared *shared, const struct shared_want *wants, size_t n,
                         struct shared_visitor visitor, struct shared_news *out)
{
    PGresult *rows = NULL;
    enum status st;

    shared_begin_arrays(shared, FETCH, 3, n);
    for (size_t i = 0; i < n; i++) {
        pg_element(&shared->param[0], wants[i].tenant);
        pg_element(&shared->param[1], wants[i].session);
        pg_element_int4(&shared->param[2], wants[i].from);
    }
    st = shared_run(shared, FETCH, &rows);
    if (st) return st;
    *out = news_of(rows);
    for (int row = 0; row < PQntuples(rows); row++) {
        size_t i = (size_t)pg_int(rows, row, 2) - 1;
        uint8_t seal[SEAL_BYTES] = {0};
        struct shared_event event = {.seal = seal};

        if (PQgetisnull(rows, row, 3) || i >= n) continue;
        event.tenant = wants[i].tenant;
        event.session = wants[i].session;
        event.n = (uint32_t)pg_int(rows, row, 3);
        event.record = pg_bytes(rows, row, 5);
        st = shared_check_seal(shared, &event, pg_bytes(rows, row, 4));
        if (st == OK) memcpy(seal, PQgetvalue(rows, row, 4), SEAL_BYTES);
        visitor.visit(visitor.context, i, &event, st);
    }
    PQclear(rows);
    return OK;
}

void shared_news_add(struct shared_news *known, const struct shared_document *document)
{
    known->newest = document->number;
    if (slice_equal_str(document->kind, SHARED_ITEM)) known->retired = document->number;
}

enum status shared_publish(struct shared *shared, const struct shared_document *document,
                           uint64_t newest, bool *out_done)
{
    PGresult *rows = NULL;
    enum status st;

    shared_set_int8(shared, 0, newest);
    shared_set(shared, 1, document->kind);
    shared_set(shared, 2, document->tenant);
    shared_set(shared, 3, document->name);
    shared_set_int4(shared, 4, document->version);
    shared_set(shared, 5, document->head);
    shared_set(shared, 6, document->body);
    st = shared_run(shared, PUBLISH, &rows);
    *out_done = st == OK && PQntuples(rows) == 1;
    PQclear(rows);
    /* Nothing rests on it: every node asks by itself too. */
    if (*out_done) (void)!pg_execute(&shared->pg, "NOTIFY " CHANNEL, &shared->fault);
    return st;
}

enum status shared_next(struct shared *shared, uint64_t known, struct shared_document *out,
                        struct shared_news *out_news)
{
    const PGresult *row;
    enum status st;

    PQclear(shared->kept);
    shared->kept = NULL;
    shared_set_int8(shared, 0, known);
    st = shared_run(shared, NEXT, &shared->kept);
    if (st) return st;
    row = shared->kept;
    *out_news = news_of(row);
    *out = (struct shared_document){.number = (uint64_t)pg_int(row, 0, 2),
                                    .kind = pg_bytes(row, 0, 3),
                                    .tenant = pg_bytes(row, 0, 4),
                                    .name = pg_bytes(row, 0, 5),
                                    .version = (uint32_t)pg_int(row, 0, 6),
                                    .head = pg_bytes(row, 0, 7),
                                    .body = pg_bytes(row, 0, 8)};
    return OK;
}

enum status shared_scan(struct shared *shared, const struct shared_range *range,
                        struct shared_visitor visitor)
{
    PGresult *rows = NULL;
    size_t i = 0;
    enum status st;

    shared_set(shared, 0, range->tenant);
    shared_set(shared, 1, range->after);
    shared_set_int8(shared, 2, range->n_session);
    st = shared_run(shared, SCAN, &rows);
    if (st) return st;
    for (int row = 0; row < PQntuples(rows); row++) {
        struct slice seal = pg_bytes(rows, row, 2);
        struct shared_event event = {.tenant = range->tenant,
                                     .session = pg_bytes(rows, row, 0),
                                     .n = (uint32_t)pg_int(rows, row, 1),
                                     .seal = seal.data,
                                     .record = pg_bytes(rows, row, 3)};

        i += event.n == 0;
        visitor.visit(visitor.context, i - 1, &event, shared_check_seal(shared, &event, seal));
    }
    PQclear(rows);
    return OK;
}
