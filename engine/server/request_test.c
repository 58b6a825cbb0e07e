/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test.*: describe a test, read it back. */
#include "server/audits.h"
#include "server/news.h"
#include "server/server.h"
#include "store/test_document.h"

#include <string.h>

/* The newest version of the test where it is this document already, else NULL. */
static struct test_version *find_same(struct call *call, struct library_name name,
                                      struct slice document)
{
    struct test_entry *entry = registry_test(call->server->registry, name);
    struct test_version *newest = entry ? test_entry_version(entry, 0) : NULL;

    return newest && slice_equal(buf_slice(&newest->document), document) ? newest : NULL;
}

/* An item is asked once, so the second time it is named is a slip. Only what comes in is held to
 * that: a test that is stored already runs as it did. */
static void check_start_items(struct call *call, const struct test *test)
{
    for (size_t i = 0; i < test->n_start; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(test->start_items[i], test->start_items[j]) != 0) continue;
            faults_add(&call->faults, NULL, "start.items", "\"%s\" stands twice",
                       test->start_items[i]);
            break;
        }
    }
}

/* The document of the request, with all that is wrong in it. */
static enum status read_document(struct call *call, const msgpack_object **out, struct test *test)
{
    read_map(&call->in, "document", REQUIRED, out);
    if (call->in.failed) return BAD_REQUEST;
    if (!test_document_read(*out, test, &call->faults)) return INVALID_TEST;
    check_start_items(call, test);
    return call->faults.total == 0 ? OK : INVALID_TEST;
}

static enum status refuse_document(struct call *call, enum status st)
{
    if (call->faults.total == 0) return st;
    return refuse(call, INVALID_TEST, NULL, "the test is refused: %zu fault%s", call->faults.total,
                  call->faults.total == 1 ? "" : "s");
}

/* The newest version of the test's bank, NULL where there is none. */
static struct bank_version *bank_of(struct call *call, const struct test *test)
{
    struct bank_entry *entry =
        registry_bank(call->server->registry, call_name(call, slice_str(test->bank)));

    return entry ? bank_entry_version(entry, 0) : NULL;
}

static enum status put_version(struct call *call, struct library_name name, struct slice document,
                               const struct test *test, struct test_version **out)
{
    struct server *server = call->server;
    struct test_header header = {.name = name,
                                 .version = registry_next_test_version(server->registry, name),
                                 .created_ms = call->now_ms,
                                 .document = document};
    enum status st = registry_add_test(server->registry, &header, test, out);

    if (st) return st;
    library_put_test(server->env, &server->batch, &header);
    log_line(LOG_INFO, "test put", "test=%s version=%u", test->name, header.version);
    return OK;
}

/* The document must fit the newest version of its bank: a helper tries, as that makes the lists
 * and tables of a plan. */
static enum status put(struct call *call)
{
    const msgpack_object *document;
    struct bank_version *bank;
    struct test test;
    enum status st = read_document(call, &document, &test);

    if (st) return refuse_document(call, st);
    bank = bank_of(call, &test);
    if (!bank) {
        return refuse(call, UNKNOWN_BANK, "document.bank", "there is no bank \"%s\"", test.bank);
    }
    st = registry_load_bank(call->server->registry, bank);
    if (st == OK) call->job->bank = bank->bank;
    return st;
}

static enum status put_work(struct call *call, struct env *env,
                            struct estimate_workspace *workspace)
{
    const msgpack_object *document;
    struct test test;
    enum status st = read_document(call, &document, &test);

    (void)env;
    (void)workspace;
    if (st == OK) st = plan_new(&test, call->job->bank, &call->job->made_plan, &call->faults);
    if (call->faults.total == 0 && st) return refuse(call, st, NULL, "the plan could not be made");
    return refuse_document(call, st);
}

/* The next version goes to the district; the request is served again when it is here. */
static enum status share_version(struct call *call, struct library_name name, struct slice document)
{
    struct test_header header = {.name = name,
                                 .version =
                                     registry_next_test_version(call->server->registry, name),
                                 .created_ms = call->now_ms,
                                 .document = document};

    if (news_waits(call->server, call->tenant)) return RETRY;
    return news_share_test(call->server, &header);
}

static enum status put_document(struct call *call, const msgpack_object *document,
                                const struct test *test, struct test_version **out)
{
    struct buf bytes = {0};
    struct writer writer = writer_of(&bytes);
    struct library_name name = call_name(call, slice_str(test->name));
    enum status st = OK;

    write_object(&writer, document);
    *out = bytes.failed ? NULL : find_same(call, name, buf_slice(&bytes));
    if (bytes.failed) st = NO_MEMORY;
    if (st == OK && !*out && call->server->district) {
        st = share_version(call, name, buf_slice(&bytes));
    }
    if (st == OK && !*out) st = put_version(call, name, buf_slice(&bytes), test, out);
    buf_done(&bytes);
    return st;
}

/* The plan is kept where the bank is the same still: the first student does not wait for it. */
static enum status put_finish(struct call *call)
{
    struct job *job = call->job;
    const msgpack_object *document;
    struct bank_version *bank;
    struct test_version *version;
    struct test test;
    enum status st = job->status ? job->status : read_document(call, &document, &test);

    if (st == OK) st = put_document(call, document, &test, &version);
    if (st) return st;
    bank = bank_of(call, &test);
    if (bank && bank->bank == job->bank) {
        registry_keep_plan(version, bank, job->made_plan);
        job->made_plan = NULL;
    }
    reply_begin(call, 2);
    put_text(&call->out, "test", test.name);
    put_int(&call->out, "version", version->version);
    return OK;
}

static enum status get(struct call *call)
{
    struct slice name;
    int64_t number = 0;
    struct test_entry *entry;
    struct test_version *version;
    struct bank_entry *bank;

    read_id(&call->in, "test", REQUIRED, &name);
    read_int(&call->in, "version", OPTIONAL, 1, UINT32_MAX, &number);
    if (call->in.failed) return BAD_REQUEST;
    entry = registry_test(call->server->registry, call_name(call, name));
    version = entry ? test_entry_version(entry, (uint32_t)number) : NULL;
    if (!version) {
        return refuse(call, UNKNOWN_TEST, entry && number > 0 ? "version" : "test",
                      "there is no such test");
    }
    bank = registry_bank(call->server->registry, call_name(call, slice_str(version->test.bank)));
    reply_begin(call, 5);
    put_str(&call->out, "test", name);
    put_int(&call->out, "version", version->version);
    put_int(&call->out, "bank_version", bank ? bank_entry_version(bank, 0)->version : 0);
    put_int(&call->out, "created_ms", version->created_ms);
    write_text(&call->out, "document");
    write_raw(&call->out, buf_slice(&version->document));
    return OK;
}

static void count_test(void *context, struct test_entry *entry)
{
    size_t *n = context;

    (void)entry;
    ++*n;
}

static void write_test(void *context, struct test_entry *entry)
{
    struct call *call = context;
    const struct test_version *version = test_entry_version(entry, 0);

    write_map(&call->out, 4);
    put_text(&call->out, "test", version->test.name);
    put_int(&call->out, "version", version->version);
    put_text(&call->out, "bank", version->test.bank);
    put_int(&call->out, "created_ms", version->created_ms);
}

static enum status list(struct call *call)
{
    size_t n = 0;

    registry_each_test(call->server->registry, call->tenant, count_test, &n);
    reply_begin(call, 1);
    write_text(&call->out, "tests");
    write_array(&call->out, n);
    registry_each_test(call->server->registry, call->tenant, write_test, call);
    return OK;
}

const struct request request_test_put = {.op = "test.put",
                                         .roles = ROLE_AUTHOR,
                                         .max_bytes = LIMIT_MESSAGE,
                                         .run = put,
                                         .work = put_work,
                                         .finish = put_finish,
                                         .audit = audit_document};
const struct request request_test_get = {.op = "test.get",
                                         .when_full = true,
                                         .roles = ROLE_AUTHOR,
                                         .max_bytes = LIMIT_REQUEST,
                                         .run = get,
                                         .audit = audit_test};
const struct request request_test_list = {.op = "test.list",
                                          .when_full = true,
                                          .roles = ROLE_AUTHOR,
                                          .max_bytes = LIMIT_REQUEST,
                                          .run = list};
