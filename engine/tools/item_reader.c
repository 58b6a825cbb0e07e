/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/item_reader.h"
#include "store/item_document.h"

#include <stdlib.h>

struct item_reader {
    struct bank *bank;
    struct item_spec spec;  // of the item being read
    struct buf content;     // and its content
    struct decoder decoder;
    bool has_decoder;
    size_t n_item, cap;
};

struct item_reader *item_reader_new(size_t n_item, double D)
{
    struct item_reader *reader = calloc(1, sizeof(*reader));

    if (!reader) return NULL;
    reader->cap = n_item;
    reader->bank = bank_new(n_item, D);
    reader->has_decoder = decoder_init(&reader->decoder) == OK;
    if (reader->bank && reader->has_decoder) return reader;
    item_reader_free(reader);
    return NULL;
}

void item_reader_free(struct item_reader *reader)
{
    if (!reader) return;
    bank_free(reader->bank);
    buf_done(&reader->content);
    if (reader->has_decoder) decoder_done(&reader->decoder);
    free(reader);
}

void item_reader_add(struct item_reader *reader, const msgpack_object *item, struct faults *faults)
{
    if (reader->n_item == reader->cap) {
        faults_add(faults, NULL, NULL, "there are more than the %zu items promised", reader->cap);
        return;
    }
    reader->n_item++;
    if (item_document_read(item, reader->n_item, &reader->spec, &reader->content, faults)) {
        bank_add(reader->bank, &reader->spec, faults);
    }
}

void item_reader_add_bytes(struct item_reader *reader, struct slice bytes, struct faults *faults)
{
    msgpack_object item;
    struct fault fault;

    if (decode(&reader->decoder, bytes, &item, &fault)) {
        faults_add(faults, NULL, NULL, "item %zu is %s", reader->n_item + 1, fault.text);
        return;
    }
    item_reader_add(reader, &item, faults);
}

enum status item_reader_finish(struct item_reader *reader, struct bank **out_bank,
                               struct faults *faults)
{
    enum status st = faults->total > 0 ? INVALID_BANK : bank_seal(reader->bank, faults);

    if (st) return st;
    *out_bank = reader->bank;
    reader->bank = NULL;  // the caller owns it now
    return OK;
}
