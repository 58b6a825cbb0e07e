/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a client, for a daemon that asks for them. */
#ifndef CLIENTS_C_KEYS_H
#define CLIENTS_C_KEYS_H

#include "clients/c/thetad.h"
#include "proto/certificate.h"

/* In Z85; all are "" where there are none. */
struct keys {
    char server[CERTIFICATE_KEY + 1];
    char public_key[CERTIFICATE_KEY + 1], secret_key[CERTIFICATE_KEY + 1];
};

/* What the options name, which may be NULL. False, and errno: EINVAL where one of the two keys is
 * missing or malformed, EACCES where others may read the secret one, ENOENT and the like where a
 * file cannot be read. */
MUST_CHECK bool keys_read(const struct thetad_options *options, struct keys *out);

#endif
