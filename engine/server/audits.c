/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/audits.h"
#include "server/server.h"

/* The field of that name in a map, as far as it is an id. */
static bool take_id(const msgpack_object *map, const char *key, struct audit_subject *out)
{
    const msgpack_object *value = map_find(map, key);
    struct slice id;

    if (!value || !object_id(value, &id)) return false;
    return slice_to_text(id, out->text, sizeof(out->text));
}

bool audit_op(const struct call *call, struct audit_subject *out)
{
    (void)call;
    (void)out;
    return true;
}

bool audit_bank(const struct call *call, struct audit_subject *out)
{
    (void)take_id(&call->root, "bank", out);
    return true;
}

bool audit_test(const struct call *call, struct audit_subject *out)
{
    (void)take_id(&call->root, "test", out);
    return true;
}

bool audit_session(const struct call *call, struct audit_subject *out)
{
    (void)take_id(&call->root, "session", out);
    return true;
}

bool audit_of_examinee(const struct call *call, struct audit_subject *out)
{
    struct audit_subject id;

    if (!take_id(&call->root, "examinee", &id)) return true;
    audit_examinee(call->server->env, call->tenant, slice_str(id.text), out->text);
    return true;
}

bool audit_document(const struct call *call, struct audit_subject *out)
{
    const msgpack_object *document = map_find(&call->root, "document");

    if (document) (void)take_id(document, "test", out);
    return true;
}

bool audit_upload(const struct call *call, struct audit_subject *out)
{
    const msgpack_object *number = map_find(&call->root, "upload");
    const struct upload *upload = NULL;
    int64_t value;

    if (number && object_int(number, 1, LIMIT_INT, &value)) {
        upload = uploads_find(call->server->uploads, call->tenant, value);
    }
    if (upload && !slice_to_text(slice_str(upload->bank), out->text, sizeof(out->text))) {
        out->text[0] = '\0';
    }
    return true;
}

bool audit_stored_bank(const struct call *call, struct audit_subject *out)
{
    return take_id(&call->root, "bank", out);
}
