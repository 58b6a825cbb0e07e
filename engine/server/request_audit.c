/* SPDX-License-Identifier: GPL-3.0-or-later */
/* audit.list: who did or saw what. */
#include "server/audits.h"
#include "server/server.h"

#include <string.h>

enum { DEFAULT_ENTRIES = 100, MOST_ENTRIES = 1000, LOOKED_AT = 20000 };

/* Which entries are wanted. */
struct filter {
    struct slice tenant, subject;  // subject empty: any
    int64_t from, limit;
};

static bool read_filter(struct call *call, struct filter *out)
{
    *out = (struct filter){.from = 1, .limit = DEFAULT_ENTRIES};
    read_int(&call->in, "from", OPTIONAL, 1, LIMIT_INT, &out->from);
    read_int(&call->in, "limit", OPTIONAL, 1, MOST_ENTRIES, &out->limit);
    read_id(&call->in, "subject", OPTIONAL, &out->subject);
    return !call->in.failed;
}

/* In the loop: an examinee's entries are found by what stands for them. */
static enum status prepare(struct call *call)
{
    struct buf *extra = &call->server->extra;
    char subject[AUDIT_EXAMINEE] = "";
    uint8_t n_tenant = (uint8_t)call->tenant.n;
    struct slice examinee = {0};
    struct filter filter;

    if (!read_filter(call, &filter)) return BAD_REQUEST;
    if (read_id(&call->in, "examinee", OPTIONAL, &examinee)) {
        audit_examinee(call->server->env, call->tenant, examinee, subject);
    }
    if (call->in.failed) return BAD_REQUEST;
    buf_append(extra, &n_tenant, 1);
    buf_append(extra, call->tenant.data, call->tenant.n);
    buf_append(extra, subject, strlen(subject));
    return OK;
}

struct listing {
    struct filter filter;
    struct decoder decoder;
    struct buf entries;  // encoded
    struct writer out;
    int64_t n, n_seen;
    uint64_t next;  // where the list goes on, 0 at its end
};

static void write_roles(struct writer *out, unsigned bits)
{
    char names[CONFIG_ROLES];

    put_text(out, "roles", config_roles_text(bits, names));
}

static void write_entry(struct writer *out, uint64_t number, const struct audit_entry *entry)
{
    write_map(out, 7);
    put_int(out, "entry", (int64_t)number);
    put_int(out, "time_ms", entry->time_ms);
    put_str(out, "who", entry->who);
    write_roles(out, entry->roles);
    put_str(out, "op", entry->op);
    put_str(out, "subject", entry->subject);
    put_str(out, "code", entry->code);
}

static enum status on_entry(void *context, struct slice key, struct slice value)
{
    struct listing *listing = context;
    const struct filter *filter = &listing->filter;
    struct audit_entry entry;
    const uint8_t *link;
    uint64_t number;
    enum status st = audit_read(&listing->decoder, key, value, &number, &link, &entry);

    if (st) return st;
    if (listing->n == filter->limit || listing->n_seen++ == LOOKED_AT) {
        listing->next = number;
        return NOT_FOUND;
    }
    if (!slice_equal(entry.tenant, filter->tenant)) return OK;
    if (filter->subject.n > 0 && !slice_equal(entry.subject, filter->subject)) return OK;
    write_entry(&listing->out, number, &entry);
    listing->n++;
    return OK;
}

static enum status list(struct call *call, struct env *env, struct listing *listing)
{
    struct filter *filter = &listing->filter;
    const uint8_t *extra = call->extra.data;
    struct slice hashed = slice_of(extra + 1 + extra[0], call->extra.n - 1 - extra[0]);
    enum status st;

    if (!read_filter(call, filter)) return BAD_REQUEST;
    filter->tenant = slice_of(extra + 1, extra[0]);
    if (hashed.n > 0) filter->subject = hashed;
    st = audit_each(env, (uint64_t)filter->from, (struct visitor){on_entry, listing});
    if (st) return st;
    if (listing->entries.failed) return NO_MEMORY;
    reply_begin(call, listing->next > 0 ? 2 : 1);
    write_text(&call->out, "entries");
    write_array(&call->out, (size_t)listing->n);
    write_raw(&call->out, buf_slice(&listing->entries));
    if (listing->next > 0) put_int(&call->out, "next", (int64_t)listing->next);
    return OK;
}

static enum status work(struct call *call, struct env *env, struct estimate_workspace *workspace)
{
    struct listing listing = {0};
    enum status st = decoder_init(&listing.decoder);

    (void)workspace;
    if (st) return st;
    listing.out = writer_of(&listing.entries);
    st = list(call, env, &listing);
    decoder_done(&listing.decoder);
    buf_done(&listing.entries);
    return st;
}

const struct request request_audit_list = {.op = "audit.list",
                                           .roles = ROLE_ADMIN,
                                           .max_bytes = LIMIT_REQUEST,
                                           .when_full = true,
                                           .run = prepare,
                                           .work = work,
                                           .audit = audit_op};
