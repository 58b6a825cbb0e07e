/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Item documents: an item that is taken makes a bank whose numbers are finite everywhere. */
#include "store/item_document.h"
#include "tests/fuzz/fuzz.h"

#include <math.h>

static void check_item(const struct item *item, double theta)
{
    double p[LIMIT_CATS], sum = 0.0, info = item->model->info(item, theta);

    item->model->prob(item, theta, p);
    for (unsigned k = 0; k < item->n_cat; k++) {
        MUST(p[k] >= 0.0 && p[k] <= 1.0 + 1e-9);
        MUST(isfinite(item->model->log_prob(item, k, theta)));
        sum += p[k];
    }
    MUST(fabs(sum - 1.0) < 1e-9);
    MUST(isfinite(info) && info >= 0.0);
}

static void check_bank(const struct item_spec *spec)
{
    static const double theta[] = {-LIMIT_THETA, -3.385, 0.0, 0.7, LIMIT_THETA};
    struct faults faults = {0};
    struct bank *bank = bank_new(1, 1.702);
    enum status st;

    MUST(bank);
    bank_add(bank, spec, &faults);
    st = bank_seal(bank, &faults);
    MUST((st == OK) == (faults.total == 0));
    if (st == OK) {
        unsigned score;

        for (size_t i = 0; i < COUNT_OF(theta); i++) check_item(bank_item(bank, 0), theta[i]);
        fuzz_taken();
        if (bank_score(bank, 0, spec->key, &score) == OK) MUST(score < bank_item(bank, 0)->n_cat);
    }
    bank_free(bank);
    faults_done(&faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct buf content = {0};
    struct faults faults = {0};
    struct decoder decoder;
    struct item_spec spec;
    struct fault fault;
    msgpack_object root;

    MUST(decoder_init(&decoder) == OK);
    if (decode(&decoder, slice_of(data, n), &root, &fault) == OK) {
        bool good = item_document_read(&root, 1, &spec, &content, &faults);

        MUST(good == (faults.total == 0));
        if (good) check_bank(&spec);
    }
    decoder_done(&decoder);
    buf_done(&content);
    faults_done(&faults);
    return 0;
}
