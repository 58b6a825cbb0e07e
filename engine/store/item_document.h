/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An item as a map: on the wire, and as it is stored. PROTOCOL.md, section 4. */
#ifndef STORE_ITEM_DOCUMENT_H
#define STORE_ITEM_DOCUMENT_H

#include "irt/bank.h"
#include "store/document.h"

/* Read one item into `out`; it points into the object and, for its content, into `content`. All
 * faults are added, by item and field. Where there is no id, `number` (from 1) names the item in
 * them. True where there is no fault. */
bool item_document_read(const msgpack_object *object, size_t number, struct item_spec *out,
                        struct buf *content, struct faults *faults);

#endif
