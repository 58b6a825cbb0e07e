/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/c/keys.h"

#include <errno.h>
#include <string.h>

static bool load(const char *path, struct certificate *out)
{
    struct fault fault;
    enum status st;

    errno = 0;
    st = certificate_load(path, out, &fault);
    if (st == FORBIDDEN) errno = EACCES;
    if (st == BAD_REQUEST || (st && errno == 0)) errno = EINVAL;
    return st == OK;
}

static bool read_server(const char *text, char *out)
{
    struct certificate certificate;

    if (certificate_is_key(text)) {
        memcpy(out, text, CERTIFICATE_KEY + 1);
        return true;
    }
    if (!load(text, &certificate)) return false;
    memcpy(out, certificate.public_key, sizeof(certificate.public_key));
    explicit_bzero(&certificate, sizeof(certificate));
    return true;
}

bool keys_read(const struct thetad_options *options, struct keys *out)
{
    struct certificate certificate;
    bool good;

    *out = (struct keys){0};
    if (!options || (!options->server_key && !options->key)) return true;
    if (!options->server_key || !options->key) {
        errno = EINVAL;
        return false;
    }
    if (!read_server(options->server_key, out->server) || !load(options->key, &certificate)) {
        return false;
    }
    good = certificate.secret_key[0] != '\0';
    memcpy(out->public_key, certificate.public_key, sizeof(out->public_key));
    memcpy(out->secret_key, certificate.secret_key, sizeof(out->secret_key));
    explicit_bzero(&certificate, sizeof(certificate));
    if (!good) errno = EINVAL;
    return good;
}
