/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which requests go into the audit, and on whom or what they act: what a row's `audit` may be. */
#ifndef SERVER_AUDITS_H
#define SERVER_AUDITS_H

#include "server/request.h"

/* Every such request; its subject is the field of that name, empty where it has none. */
bool audit_op(const struct call *call, struct audit_subject *out);  // no subject
bool audit_bank(const struct call *call, struct audit_subject *out);
bool audit_test(const struct call *call, struct audit_subject *out);
bool audit_session(const struct call *call, struct audit_subject *out);
bool audit_of_examinee(const struct call *call, struct audit_subject *out);  // as a hash
/* The test that the field `document` describes. */
bool audit_document(const struct call *call, struct audit_subject *out);
/* The bank that the field `upload` is to become. */
bool audit_upload(const struct call *call, struct audit_subject *out);
/* Only where the request names a stored bank. */
bool audit_stored_bank(const struct call *call, struct audit_subject *out);

#endif
