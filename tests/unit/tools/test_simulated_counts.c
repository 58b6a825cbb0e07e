/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Simulated examinees under rules that remember the examinees before them, against the same rules
 * written down plainly here: every count an array that is multiplied and added to as the papers
 * say, and the session moved step by step. */
#include "tests/unit/tools/simulate_test.h"

#include "base/rng.h"
#include "session/session.h"
#include "tests/support/expect.h"
#include "tools/exposure_fit.h"
#include "tools/simulated_counts.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { PEOPLE = 3000, ITEMS = 150, LENGTH = 15, SLOTS = 6 };

static const double cuts[] = {-1.15, -0.385, 0.385, 1.15};

/* The counts of van der Linden and Veldkamp: slot 0 is the whole test, slot k + 1 interval k. */
struct plain {
    const struct eligibility_rule *rule;
    double n[SLOTS], alpha[SLOTS][ITEMS], phi[SLOTS][ITEMS];
    bool eligible[SLOTS][ITEMS];                       // of the present session
    unsigned n_session[SLOTS], n_asked[SLOTS][ITEMS];  // not faded: what the rates are told by
};

static double plain_p(const struct plain *plain, size_t slot, size_t i)
{
    double r = plain->rule->max_rate, alpha = plain->alpha[slot][i], n = plain->n[slot];
    double p = r * plain->phi[slot][i] / alpha;

    if (alpha == 0.0) return 1.0;
    if (alpha / n > r) p = plain->phi[slot][i] / n * pow(r * n / alpha, plain->rule->acceleration);
    return p;
}

static void plain_draw(struct plain *plain, uint64_t seed)
{
    size_t n_cut = plain->rule->n_cut;

    for (size_t i = 0; i < ITEMS; i++) {
        double u = rng_uniform(seed, ((uint64_t)1 << 61) + i), whole = plain_p(plain, 0, i);

        plain->eligible[0][i] = n_cut == 0 && u < whole;
        for (size_t s = 1; s <= n_cut + 1 && n_cut > 0; s++) {
            plain->eligible[s][i] = u < whole && u < plain_p(plain, s, i);
            plain->eligible[0][i] |= plain->eligible[s][i];
        }
    }
}

static void plain_enter(struct plain *plain, size_t slot)
{
    plain->n_session[slot]++;
    plain->n[slot] = plain->n[slot] * plain->rule->fading + 1.0;
    for (size_t i = 0; i < ITEMS; i++) {
        plain->alpha[slot][i] *= plain->rule->fading;
        plain->phi[slot][i] *= plain->rule->fading;
        plain->phi[slot][i] += plain->eligible[slot][i];
    }
}

static void plain_ask(struct plain *plain, size_t slot, uint32_t item)
{
    plain->n_asked[slot][item]++;
    plain->alpha[slot][item] += 1.0;
    if (!plain->eligible[slot][item]) plain->phi[slot][item] += 1.0;
}

/* The ineligible items of the present session as an event has them. */
static uint32_t plain_kept(const struct plain *plain, struct kept_out *out)
{
    size_t first = plain->rule->n_cut > 0 ? 1 : 0;
    uint32_t n = 0;

    for (uint32_t i = 0; i < ITEMS; i++) {
        uint32_t where = 0;

        for (size_t k = 0; k <= plain->rule->n_cut; k++) {
            where |= (uint32_t)!plain->eligible[first + k][i] << k;
        }
        if (where) out[n++] = (struct kept_out){i, where};
    }
    return n;
}

static size_t slot_of(const struct plain *plain, double theta)
{
    size_t slot = 1;

    while (slot <= plain->rule->n_cut && theta >= plain->rule->cut[slot - 1]) slot++;
    return slot;
}

static void plain_count(struct plain *plain, double theta, uint32_t item, unsigned *visited)
{
    size_t slot = slot_of(plain, theta);

    if (*visited == 0) plain_enter(plain, 0);
    plain_ask(plain, 0, item);
    if (plain->rule->n_cut > 0) {
        if (!(*visited >> slot & 1)) plain_enter(plain, slot);
        plain_ask(plain, slot, item);
    }
    *visited |= 1u << slot;
}

static unsigned draw_score(const struct trial_run *run, size_t person, uint32_t item)
{
    const struct item *it = bank_item(run->bank, item);
    double p[LIMIT_CATS];

    it->model->prob(it, run->examinees.theta[person], p);
    return rng_uniform(simulate_key(run->simulation.seed, person), 1 + (uint64_t)item) >= p[0];
}

/* Examinee `person` takes the test; what was asked must be what simulate asked. */
static void sit_plainly(struct plain *plain, const struct trial_run *run, size_t person,
                        struct workspace *workspace)
{
    const uint32_t *want = run->result.items + person * run->plan->max_items;
    struct session *session = session_new(run->plan);
    struct kept_out kept[ITEMS];
    struct event event = {.kind = EVENT_STARTED,
                          .seed = simulate_session_seed(run->simulation.seed, person),
                          .kept = kept,
                          .elapsed_ms = -1};
    struct effects effects;
    unsigned visited = 0;

    plain_draw(plain, event.seed);
    event.n_kept = plain_kept(plain, kept);
    cr_assert(session && session_step(session, &event, workspace, &effects) == OK);
    event.kind = EVENT_ANSWERED;
    for (event.seq = 1; effects.outcome.item != NO_ITEM; event.seq++) {
        event.item = effects.outcome.item;
        cr_assert_eq(event.item, want[event.seq - 1], "examinee %zu, question %u", person,
                     event.seq);
        plain_count(plain, effects.outcome.theta, event.item, &visited);
        event.response.score = (uint8_t)draw_score(run, person, event.item);
        cr_assert_eq(session_step(session, &event, workspace, &effects), OK);
    }
    session_free(session);
}

/* The largest share of the sessions in a slot that were asked one item there. */
static double largest_rate(const struct plain *plain, size_t slot)
{
    double most = 0.0;

    for (size_t i = 0; i < ITEMS; i++) {
        most = fmax(most, (double)plain->n_asked[slot][i] / plain->n_session[slot]);
    }
    return most;
}

static struct test test_with_rule(double max_rate, double fading, size_t n_cut)
{
    struct test test = test_of_length(LENGTH);

    test.exposure.rule = &exposure_eligibility;
    test.exposure.eligibility.max_rate = max_rate;
    test.exposure.eligibility.fading = fading;
    test.exposure.eligibility.n_cut = n_cut;
    memcpy(test.exposure.eligibility.cut, cuts, n_cut * sizeof(*cuts));
    return test;
}

static void run_simulation(struct trial_run *run, const struct test *test)
{
    run_prepare(run, bank_spread(ITEMS), test);
    run->simulation.n_thread = 2;
    cr_assert_eq(examinees_normal(PEOPLE, 20260721, 0.0, 1.0, &run->examinees), OK);
    run_go(run);
}

static void check_rates(double max_rate, double fading, size_t n_cut)
{
    struct workspace *workspace = workspace_new(ITEMS);
    struct test test = test_with_rule(max_rate, fading, n_cut);
    struct plain *plain = calloc(1, sizeof(*plain));
    struct trial_run run;

    cr_assert(plain && workspace);
    plain->rule = &test.exposure.eligibility;
    run_simulation(&run, &test);
    for (size_t i = 0; i < PEOPLE; i++) sit_plainly(plain, &run, i, workspace);
    for (size_t slot = 0; slot <= n_cut + (n_cut > 0); slot++) {
        double n = plain->n_session[slot], sd = sqrt(max_rate * (1.0 - max_rate) / n);

        cr_assert_gt(n, 400);
        expect_true(largest_rate(plain, slot) < max_rate + 4.5 * sd,
                    "r %g, w %g, %zu cuts, slot %zu: %g of %g", max_rate, fading, n_cut, slot,
                    largest_rate(plain, slot), n);
    }
    run_done(&run);
    workspace_free(workspace);
    free(plain);
}

Test(simulated_counts, eligibility_holds_its_rates)
{
    check_rates(0.25, 0.999, 0);
    check_rates(0.2, 0.99, 4);
    check_rates(0.15, 0.999, 4);
}

/* Without the rule the same test asks everybody the same first item. */
Test(simulated_counts, no_rule_holds_nothing)
{
    struct test test = test_of_length(LENGTH);
    struct trial_run run;

    run_simulation(&run, &test);
    cr_expect_eq(run.summary.exposure_max, 1.0);
    run_done(&run);
}

Test(simulated_counts, number_of_threads_changes_nothing)
{
    struct test test = test_with_rule(0.25, 0.999, 4);
    struct trial_run one, three;

    test.exposure.max_uses = 300;
    run_prepare(&one, bank_spread(ITEMS), &test);
    run_prepare(&three, bank_spread(ITEMS), &test);
    three.simulation.n_thread = 3;
    cr_assert_eq(examinees_normal(500, 7, 0.0, 1.0, &one.examinees), OK);
    cr_assert_eq(examinees_normal(500, 7, 0.0, 1.0, &three.examinees), OK);
    run_go(&one);
    run_go(&three);
    cr_expect_arr_eq(one.result.items, three.result.items, 500 * LENGTH * sizeof(uint32_t));
    run_done(&one);
    run_done(&three);
}

/* An item is asked exactly so often, and when all are used up nobody can be asked anything. */
Test(simulated_counts, nothing_is_asked_oftener_than_max_uses)
{
    enum { USES = 37, N = 600 };
    struct test test = test_of_length(LENGTH);
    struct trial_run run;

    test.exposure.max_uses = USES;
    run_prepare(&run, bank_spread(ITEMS), &test);
    cr_assert_eq(examinees_normal(N, 7, 0.0, 1.0, &run.examinees), OK);
    run_go(&run);
    for (size_t i = 0; i < ITEMS; i++) {
        expect_true(run.result.item_count[i] == USES, "item %zu: %llu uses", i,
                    (unsigned long long)run.result.item_count[i]);
    }
    cr_expect_geq(run.summary.dim[0].all.n, ITEMS * USES / LENGTH);
    cr_expect_gt(run.summary.n_empty, 0);
    run_done(&run);
}

static void make_with_k(size_t i, void *context, struct item_spec *spec)
{
    (void)context;
    spec->model = &model_2pl;
    spec->value[SLOT_A] = 0.8 + 1.2 * (double)(i * 7 % 13) / 12.0;
    spec->value[SLOT_B] = -3.0 + 6.0 * (double)i / (double)(ITEMS - 1);
    spec->exposure = i == 75 ? 0.25 : 1.0;
}

/* Where the bank says a k, eligibility begins with it: of the first sessions about as many see the
 * item. 40 sessions under p = 0.25 see it 10 times, SD 2.7, and more than 20 times with chance
 * 2e-4; and without the k the rule has to learn it, with the first session. */
Test(simulated_counts, eligibility_begins_where_the_bank_says)
{
    struct test test = test_with_rule(0.25, 0.999, 0);
    struct simulated_counts counts;
    struct faults faults = {0};
    struct bank *bank = bank_make(ITEMS, make_with_k, NULL);
    struct event event = {.kind = EVENT_STARTED};
    struct plan *plan;
    unsigned n_kept = 0;

    cr_assert_eq(plan_new(&test, bank, &plan, &faults), OK);
    cr_assert_eq(simulated_counts_init(&counts, &(struct simulation){.plan = plan}), OK);
    expect_close(eligibility_probability(counts.eligibility, 75, 0), 0.25, 1e-12, "k");
    expect_close(eligibility_probability(counts.eligibility, 74, 0), 1.0, 0.0, "no k");
    for (event.seed = 0; event.seed < 40; event.seed++) {
        simulated_counts_draw(&counts, &event);
        n_kept += event.n_kept;
        if (event.n_kept > 0) cr_expect(event.n_kept == 1 && event.kept[0].item == 75);
    }
    cr_expect(n_kept >= 20 && n_kept < 40, "kept out of %u of 40", n_kept);
    simulated_counts_done(&counts);
    plan_free(plan);
    bank_free(bank);
}

static void make_with_ks(size_t i, void *context, struct item_spec *spec)
{
    make_with_k(i, NULL, spec);
    spec->exposure = ((const double *)context)[i];
}

/* The k of the fit for tests of LENGTH items of bank_spread. */
static void fit_k(double rate, double k[ITEMS])
{
    struct exposure_fit_round rounds[EXPOSURE_FIT_ROUNDS];
    struct test test = test_of_length(LENGTH);
    struct exposure_fit fit = {.rate = rate, .n_round = 25};
    struct trial_run run;
    unsigned n;

    run_prepare(&run, bank_spread(ITEMS), &test);
    cr_assert_eq(examinees_normal(PEOPLE, 5, 0.0, 1.0, &run.examinees), OK);
    fit.simulation = run.simulation;
    fit.simulation.n_examinee = PEOPLE;
    fit.simulation.theta = fit.theta = run.examinees.theta;
    cr_assert_eq(exposure_fit(&fit, k, rounds, &n), OK);
    run_done(&run);
}

enum { CLASS = 1000 };

/* A class of sessions side by side: all start before the first answers, then all are at question 2,
 * and so on. The kept items and questions in `counts` are those of the session at hand. */
struct crowd {
    struct trial_run *run;
    struct simulated_counts counts;
    struct session *session[CLASS];
    struct kept_out *kept[CLASS];
    uint32_t n_kept[CLASS];
    struct eligibility_pick pick[CLASS][LENGTH];
    size_t n_pick[CLASS];
    struct event event[CLASS];
    struct workspace *workspace;
    unsigned n_asked[ITEMS];
};

static void crowd_step(struct crowd *crowd, size_t s)
{
    struct event *event = &crowd->event[s];
    struct effects effects;

    crowd->counts.kept = crowd->kept[s];
    crowd->counts.n_kept = crowd->n_kept[s];
    crowd->counts.pick = crowd->pick[s];
    crowd->counts.n_pick = crowd->n_pick[s];
    if (event->kind == EVENT_STARTED) {
        simulated_counts_draw(&crowd->counts, event);
        crowd->n_kept[s] = event->n_kept;
    }
    cr_assert_eq(session_step(crowd->session[s], event, crowd->workspace, &effects), OK);
    simulated_counts_take(&crowd->counts, session_news(crowd->session[s]), event);
    crowd->n_pick[s] = crowd->counts.n_pick;
    if (effects.outcome.item == NO_ITEM) return;
    crowd->n_asked[effects.outcome.item]++;
    event->kind = EVENT_ANSWERED;
    event->seq++;
    event->item = effects.outcome.item;
    event->response.score = (uint8_t)draw_score(crowd->run, s, event->item);
}

/* The largest exposure of a class under r = 0.25 whose bank has these k; NULL: it has none. */
static double class_rate(double *k)
{
    struct test test = test_with_rule(0.25, 0.999, 0);
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    struct simulated_counts own;
    struct trial_run run;
    double most = 0.0;

    run_prepare(&run, k ? bank_make(ITEMS, make_with_ks, k) : bank_spread(ITEMS), &test);
    cr_assert_eq(examinees_normal(CLASS, 77, 0.0, 1.0, &run.examinees), OK);
    cr_assert(crowd &&
              simulated_counts_init(&crowd->counts, &(struct simulation){.plan = run.plan}) == OK);
    own = crowd->counts;
    crowd->run = &run;
    crowd->workspace = workspace_new(ITEMS);
    for (size_t s = 0; s < CLASS; s++) {
        crowd->session[s] = session_new(run.plan);
        crowd->kept[s] = calloc(ITEMS, sizeof(*crowd->kept[s]));
        crowd->event[s] = (struct event){
            .kind = EVENT_STARTED, .seed = simulate_session_seed(78, s), .elapsed_ms = -1};
    }
    for (size_t step = 0; step < (LENGTH + 1) * CLASS; step++) crowd_step(crowd, step % CLASS);
    for (size_t i = 0; i < ITEMS; i++) most = fmax(most, crowd->n_asked[i] / (double)CLASS);
    for (size_t s = 0; s < CLASS; s++) {
        session_free(crowd->session[s]);
        free(crowd->kept[s]);
    }
    crowd->counts.kept = own.kept;
    crowd->counts.pick = own.pick;
    simulated_counts_done(&crowd->counts);
    workspace_free(crowd->workspace);
    run_done(&run);
    free(crowd);
    return most;
}

/* Nothing is known when they all start: only the first question, which is counted as it is asked,
 * is held. With the bank's k there is something to draw by. Draws by k have the SD of a share,
 * 0.0137: that one of some 40 items at the rate passes it by 0.06 has chance 3e-4. */
Test(simulated_counts, a_class_that_starts_at_once_needs_k)
{
    double k[ITEMS], without = class_rate(NULL), with;

    fit_k(0.25, k);
    with = class_rate(k);
    cr_expect_lt(with, 0.25 + 0.06, "%g", with);
    cr_expect_gt(without, 0.3, "%g", without);
}
