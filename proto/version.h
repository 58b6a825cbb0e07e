/* SPDX-License-Identifier: Apache-2.0 */
/* The version of PROTOCOL.md that daemon and clients speak: `v` of every message. */
#ifndef PROTO_VERSION_H
#define PROTO_VERSION_H

enum { PROTOCOL_VERSION = 1 };

#endif
