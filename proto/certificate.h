/* SPDX-License-Identifier: Apache-2.0 */
/* CURVE certificates: key files as zmq.auth of pyzmq and zcert of czmq write them.
 *
 *     metadata
 *         name = "quiz-7"
 *         role = "frontend proctor"
 *     curve
 *         public-key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
 *         secret-key = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
 *
 * The format is ZPL (rfc.zeromq.org/spec/4): four spaces a level, # begins a comment. */
#ifndef PROTO_CERTIFICATE_H
#define PROTO_CERTIFICATE_H

#include "base/fault.h"
#include "base/slice.h"

enum {
    CERTIFICATE_KEY = 40,       // characters of a key in Z85
    CERTIFICATE_PAIRS = 32,     // of metadata
    CERTIFICATE_VALUE = 255,    // bytes of a value
    CERTIFICATE_BYTES = 16384,  // of a file
};

struct certificate {
    char public_key[CERTIFICATE_KEY + 1];
    char secret_key[CERTIFICATE_KEY + 1];  // "" where the file has none
    size_t n_pair;
    struct certificate_pair {
        char name[LIMIT_ID + 1], value[CERTIFICATE_VALUE + 1];
    } pair[CERTIFICATE_PAIRS];  // the metadata, in the order of the file
};

/* Read a certificate; BAD_REQUEST with line and field in `fault`. What is not understood is
 * refused: a misspelt word could be the one that limits the key. */
MUST_CHECK enum status certificate_read(struct slice text, struct certificate *out,
                                        struct fault *fault);

/* Read a file. NOT_FOUND where it cannot be read; FORBIDDEN where everybody may write to it, or it
 * has a secret key and others than its owner may read it. */
MUST_CHECK enum status certificate_load(const char *path, struct certificate *out,
                                        struct fault *fault);

/* The same of a file that somebody else keeps from others, whatever its mode: a credential that
 * systemd hands over, which it may have opened to us by an access list. */
MUST_CHECK enum status certificate_load_guarded(const char *path, struct certificate *out,
                                                struct fault *fault);

/* The value of a metadata field, NULL where it is absent. */
const char *certificate_value(const struct certificate *certificate, const char *name);

/* Add a metadata field. False where there is no room, or the value holds a control character or a
 * double quote. */
MUST_CHECK bool certificate_add(struct certificate *certificate, const char *name,
                                const char *value);

/* Append the file's text, with or without the secret key. A failure sticks to `out`. */
void certificate_write(const struct certificate *certificate, bool secret, struct buf *out);

/* Whether `text` has the form of a key in Z85. */
bool certificate_is_key(const char *text);

#endif
