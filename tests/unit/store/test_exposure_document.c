/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/plan.h"
#include "store/exposure_document.h"
#include "store_test.h"

static struct exposure_spec read_exposure(const char *text, const char *faults)
{
    struct test test;
    struct trial trial;

    test_init(&test);
    trial_of_json(&trial, text);
    exposure_document_read(&trial.root, &test.exposure, &trial.faults);
    expect_faults(&trial.faults, faults, text);
    trial_done(&trial);
    return test.exposure;
}

Test(exposure_document, defaults)
{
    struct exposure_spec spec = read_exposure("{}", "");

    cr_expect(spec.rule == &exposure_none && spec.max_uses == 0 && spec.repeat_ms == 0);
    spec = read_exposure("{'rule': 'eligibility'}", "");
    cr_expect(spec.rule == &exposure_eligibility && spec.eligibility.n_cut == 0);
    expect_close(spec.eligibility.max_rate, 0.25, 0.0, "max_rate");
    expect_close(spec.eligibility.fading, 0.999, 0.0, "fading");
    expect_close(spec.eligibility.acceleration, 4.0, 0.0, "acceleration");
}

Test(exposure_document, every_field)
{
    struct exposure_spec spec = read_exposure(
        "{'rule': 'eligibility', 'max_rate': 0.2385, 'fading': 0.99, 'acceleration': 1,"
        " 'cuts': [-1.5, 0, 0.385], 'max_uses': 1700, 'repeat_after_days': 0.5}",
        "");

    expect_close(spec.eligibility.max_rate, 0.2385, 0.0, "max_rate");
    expect_close(spec.eligibility.fading, 0.99, 0.0, "fading");
    expect_close(spec.eligibility.acceleration, 1.0, 0.0, "acceleration");
    cr_assert_eq(spec.eligibility.n_cut, 3);
    expect_close(spec.eligibility.cut[2], 0.385, 0.0, "cut");
    cr_expect_eq(spec.max_uses, 1700);
    cr_expect_eq(spec.repeat_ms, 12 * 3600 * 1000);
    spec = read_exposure("{'rule': 'sympson-hetter', 'max_uses': 5, 'repeat_after_days': 365}", "");
    cr_expect(spec.rule == &exposure_sympson_hetter && spec.max_uses == 5);
    cr_expect_eq(spec.repeat_ms, 365LL * 86400 * 1000);
}

Test(exposure_document, faults)
{
    read_exposure("{'rule': 'eligible'}", "exposure.rule");
    read_exposure("{'max_rate': 0.2, 'cuts': null}", "exposure.max_rate");
    read_exposure("{'rule': 'sympson-hetter', 'fading': 0.99, 'acceleration': 2, 'cuts': [1]}",
                  "exposure.fading exposure.acceleration exposure.cuts");
    read_exposure("{'rule': 'eligibility', 'cuts': [0.5, 0.5, 'x', -30]}",
                  "exposure.cuts exposure.cuts exposure.cuts");
    read_exposure("{'rule': 'eligibility', 'max_rate': 0, 'fading': 0.5, 'acceleration': 0.5}",
                  "exposure.max_rate exposure.fading exposure.acceleration");
    read_exposure("{'max_uses': 0, 'repeat_after_days': -1, 'max_use': 3}",
                  "exposure.max_use exposure.max_uses exposure.repeat_after_days");
    read_exposure("{'max_uses': 2.5, 'repeat_after_days': 'never'}",
                  "exposure.max_uses exposure.repeat_after_days");
}
