/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bank from the maps of its items, as bank.get gives them and an import makes them. */
#ifndef TOOLS_ITEM_READER_H
#define TOOLS_ITEM_READER_H

#include "base/fault.h"
#include "base/slice.h"

#include <msgpack.h>

struct bank;
struct item_reader;

/* Room for n_item items whose slopes are to be multiplied by D. NULL without memory. */
struct item_reader *item_reader_new(size_t n_item, double D);
void item_reader_free(struct item_reader *reader);  // NULL is fine; the bank with it

/* Add an item map. Everything wrong with it goes to `faults`. */
void item_reader_add(struct item_reader *reader, const msgpack_object *item, struct faults *faults);
/* Add an item map that is still bytes. */
void item_reader_add_bytes(struct item_reader *reader, struct slice bytes, struct faults *faults);

/* All items are there. OK where there is no fault: *out_bank is the caller's. */
MUST_CHECK enum status item_reader_finish(struct item_reader *reader, struct bank **out_bank,
                                          struct faults *faults);

#endif
