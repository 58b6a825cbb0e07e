/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every allocation of the core fails in turn: what was being made is not made, nothing leaks, and
 * the status says so.
 *
 * The linker puts the functions below in the place of malloc and its kin in our objects, and of the
 * functions of GSL by which the core takes memory (GSL's own objects are not ours to break). They
 * work under AddressSanitizer, which looks for leaks a second time. */
#include "base/arena.h"
#include "session/session.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <gsl/gsl_eigen.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_roots.h>
#include <stdlib.h>
#include <string.h>

/* Which allocation fails, counted from 1; `and_on` makes all later ones fail too. */
static struct {
    bool armed, and_on;
    long nth, n;
    long balance;  // allocations less releases while armed
} fault;

static bool fails(void)
{
    if (!fault.armed) return false;
    fault.n++;
    return fault.n == fault.nth || (fault.and_on && fault.n > fault.nth);
}

static void *counted(void *memory)
{
    if (fault.armed && memory) fault.balance++;
    return memory;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
gsl_root_fsolver *__real_gsl_root_fsolver_alloc(const gsl_root_fsolver_type *type);
void __real_gsl_root_fsolver_free(gsl_root_fsolver *solver);
gsl_integration_glfixed_table *__real_gsl_integration_glfixed_table_alloc(size_t n);
void __real_gsl_integration_glfixed_table_free(gsl_integration_glfixed_table *table);
gsl_eigen_symm_workspace *__real_gsl_eigen_symm_alloc(size_t n);
void __real_gsl_eigen_symm_free(gsl_eigen_symm_workspace *workspace);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
gsl_root_fsolver *__wrap_gsl_root_fsolver_alloc(const gsl_root_fsolver_type *type);
void __wrap_gsl_root_fsolver_free(gsl_root_fsolver *solver);
gsl_integration_glfixed_table *__wrap_gsl_integration_glfixed_table_alloc(size_t n);
void __wrap_gsl_integration_glfixed_table_free(gsl_integration_glfixed_table *table);
gsl_eigen_symm_workspace *__wrap_gsl_eigen_symm_alloc(size_t n);
void __wrap_gsl_eigen_symm_free(gsl_eigen_symm_workspace *workspace);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : counted(__real_calloc(n, size));
}

void *__wrap_realloc(void *memory, size_t size)
{
    void *larger;

    if (fails()) return NULL;
    larger = __real_realloc(memory, size);
    return memory ? larger : counted(larger);
}

void __wrap_free(void *memory)
{
    if (fault.armed && memory) fault.balance--;
    __real_free(memory);
}

/* GSL tells its error handler before it returns NULL; its own handler ends the process. */
gsl_root_fsolver *__wrap_gsl_root_fsolver_alloc(const gsl_root_fsolver_type *type)
{
    if (fails()) GSL_ERROR_NULL("no memory", GSL_ENOMEM);
    return counted(__real_gsl_root_fsolver_alloc(type));
}

void __wrap_gsl_root_fsolver_free(gsl_root_fsolver *solver)
{
    if (fault.armed && solver) fault.balance--;
    __real_gsl_root_fsolver_free(solver);
}

gsl_integration_glfixed_table *__wrap_gsl_integration_glfixed_table_alloc(size_t n)
{
    if (fails()) GSL_ERROR_NULL("no memory", GSL_ENOMEM);
    return counted(__real_gsl_integration_glfixed_table_alloc(n));
}

void __wrap_gsl_integration_glfixed_table_free(gsl_integration_glfixed_table *table)
{
    if (fault.armed && table) fault.balance--;
    __real_gsl_integration_glfixed_table_free(table);
}

gsl_eigen_symm_workspace *__wrap_gsl_eigen_symm_alloc(size_t n)
{
    if (fails()) GSL_ERROR_NULL("no memory", GSL_ENOMEM);
    return counted(__real_gsl_eigen_symm_alloc(n));
}

void __wrap_gsl_eigen_symm_free(gsl_eigen_symm_workspace *workspace)
{
    if (fault.armed && workspace) fault.balance--;
    __real_gsl_eigen_symm_free(workspace);
}

static void arm(long nth, bool and_on)
{
    fault.nth = nth;
    fault.and_on = and_on;
    fault.n = fault.balance = 0;
    fault.armed = true;
}

/* What a try made of its failing allocation. */
enum result { MADE, NOT_MADE, WRONG };

/* Run `attempt` with its first, second, .. allocation failing until none is left to fail. It makes
 * something, releases it again, and says whether it was made. `least` is how many allocations it is
 * known to need. */
static void each_allocation(const char *what, enum result (*attempt)(void), long least, bool and_on)
{
    for (long nth = 1; nth < 10000; nth++) {
        enum result result;
        bool struck;

        arm(nth, and_on);
        result = attempt();
        fault.armed = false;
        struck = fault.n >= nth;
        expect_true(fault.balance == 0, "%s, allocation %ld: %ld not released", what, nth,
                    fault.balance);
        expect_true(result == (struck ? NOT_MADE : MADE), "%s, allocation %ld: result %d", what,
                    nth, result);
        if (struck) continue;
        expect_true(nth > least, "%s: %ld allocations, at least %ld were due", what, nth - 1,
                    least);
        return;
    }
    cr_assert_fail("%s never comes to an end", what);
}

static void all_ways(const char *what, enum result (*attempt)(void), long least)
{
    each_allocation(what, attempt, least, false);
    each_allocation(what, attempt, least, true);
}

static enum result made(const void *thing)
{
    return thing ? MADE : NOT_MADE;
}

static enum result try_root_finder(void)
{
    struct root_finder *finder = root_finder_new();
    enum result result = made(finder);

    root_finder_free(finder);
    return result;
}

static enum result try_quadrature(void)
{
    struct quadrature *quadrature = quadrature_new(8);
    enum result result = made(quadrature);

    quadrature_free(quadrature);
    return result;
}

static enum result try_eigen(void)
{
    struct eigen *eigen = eigen_new();
    enum result result = made(eigen);

    eigen_free(eigen);
    return result;
}

static enum result try_estimate_workspace(void)
{
    struct estimate_workspace *workspace = estimate_workspace_new();
    enum result result = made(workspace);

    estimate_workspace_free(workspace);
    return result;
}

static enum result try_workspace(void)
{
    struct workspace *workspace = workspace_new(1000);
    enum result result = made(workspace);

    workspace_free(workspace);
    return result;
}

/* Each in a process of its own, so that none has turned off GSL's handler for another. */
Test(memory, root_finder_new)
{
    all_ways("root_finder_new", try_root_finder, 2);
}

Test(memory, quadrature_new)
{
    all_ways("quadrature_new", try_quadrature, 2);
}

Test(memory, eigen_new)
{
    all_ways("eigen_new", try_eigen, 1 + MATRIX_MOST);
}

Test(memory, estimate_workspace_new)
{
    each_allocation("estimate_workspace_new", try_estimate_workspace, 5, true);
    each_allocation("estimate_workspace_new", try_estimate_workspace, 5, false);
}

Test(memory, workspace_new)
{
    each_allocation("workspace_new", try_workspace, 8, true);
    each_allocation("workspace_new", try_workspace, 8, false);
}

/* Texts of all kinds, and more than one chunk of the arena. */
static void fill(size_t i, struct item_spec *spec)
{
    static const char *const ids[] = {"q1", "q2", "q3", "q4", "q5", "q6"};
    static char content[30000];

    memset(content, 'x', sizeof(content));
    spec->id = slice_str(ids[i]);
    spec->model = i % 2 ? &model_gpcm : &model_2pl;
    spec->value[SLOT_A] = 1.1;
    spec->value[SLOT_B] = 0.385;
    spec->n_step = 2;
    spec->steps[1] = 1.1;
    spec->content = slice_of(content, sizeof(content));
    spec->n_tag = 1;
    spec->tags[0] = (struct tag){slice_str("strand"), slice_str(i % 3 ? "shape" : "number")};
    spec->n_enemy = 1;
    spec->enemies[0] = slice_str(i ? "q1" : "q2");
    if (i % 2) return;
    spec->key = slice_str("Wien");
}

enum { N_ITEM = 6 };

static struct bank *build(enum status *out_status, struct faults *faults)
{
    struct bank *bank = bank_new(N_ITEM, 1.702);

    *out_status = NO_MEMORY;
    if (!bank) return NULL;
    for (size_t i = 0; i < N_ITEM; i++) {
        struct item_spec spec = {0};

        fill(i, &spec);
        bank_add(bank, &spec, faults);
    }
    *out_status = bank_seal(bank, faults);
    return bank;
}

static enum result try_bank(void)
{
    struct faults faults = {0};
    enum status st;
    struct bank *bank = build(&st, &faults);
    enum result result = st == OK ? MADE : NOT_MADE;

    if (st != OK && st != NO_MEMORY) result = WRONG;
    if (faults.total > 0) result = WRONG;
    if (st == OK && bank_n_item(bank) != N_ITEM) result = WRONG;
    bank_free(bank);
    faults_done(&faults);
    return result;
}

Test(memory, bank_new_to_bank_seal)
{
    all_ways("bank", try_bank, 6 + 3);
}

/* A faulty item is refused even where there is no memory to say why. */
static enum result try_faulty_bank(void)
{
    struct faults faults = {0};
    struct bank *bank = bank_new(1, 1.0);
    struct item_spec spec = {0};
    enum status st = NO_MEMORY;

    fill(0, &spec);
    spec.value[SLOT_A] = -1.0;
    spec.n_enemy = 0;
    if (bank) {
        bank_add(bank, &spec, &faults);
        st = bank_seal(bank, &faults);
    }
    bank_free(bank);
    faults_done(&faults);
    return st == OK ? WRONG : st == INVALID_BANK ? MADE : NOT_MADE;
}

Test(memory, a_faulty_bank_is_never_taken)
{
    for (long nth = 1; nth < 20; nth++) {
        for (int and_on = 0; and_on < 2; and_on++) {
            enum result result;

            arm(nth, and_on);
            result = try_faulty_bank();
            fault.armed = false;
            cr_expect(result != WRONG && fault.balance == 0, "allocation %ld", nth);
        }
    }
}

static struct bank *the_bank;

static struct test balanced(void)
{
    struct test test;

    test_init(&test);
    strcpy(test.content_tag, "strand");
    test.sets_together = true;
    test.n_target = 2;
    test.targets[0] = (struct target){"shape", 0.5};
    test.targets[1] = (struct target){"number", 0.5};
    return test;
}

static enum result try_proportions(void)
{
    struct test test = balanced();
    struct proportions *proportions =
        proportions_new(the_bank, slice_str("strand"), test.targets, test.n_target);
    enum result result = made(proportions);

    proportions_free(proportions);
    return result;
}

static enum result try_plan(void)
{
    struct test test = balanced();
    struct faults faults = {0};
    struct plan *plan = NULL;
    enum status st = plan_new(&test, the_bank, &plan, &faults);
    enum result result = st == OK ? MADE : NOT_MADE;

    if ((st == OK) != (plan != NULL) || (st != OK && st != NO_MEMORY)) result = WRONG;
    plan_free(plan);
    faults_done(&faults);
    return result;
}

static struct plan *the_plan;

static enum result try_session(void)
{
    struct session *session = session_new(the_plan);
    enum result result = made(session);

    session_free(session);
    return result;
}

Test(memory, proportions_plan_and_session_new)
{
    struct test test = balanced();
    struct faults faults = {0};
    enum status st;

    the_bank = build(&st, &faults);
    cr_assert(st == OK);
    all_ways("proportions_new", try_proportions, 3);
    all_ways("plan_new", try_plan, 4);
    cr_assert(plan_new(&test, the_bank, &the_plan, &faults) == OK);
    all_ways("session_new", try_session, 1);
    plan_free(the_plan);
    bank_free(the_bank);
}

/* A whole session takes no memory: every allocation would fail. */
Test(memory, a_session_takes_none_after_it_was_made)
{
    struct test test = balanced();
    struct faults faults = {0};
    struct event event = {.kind = EVENT_STARTED};
    struct effects effects;
    enum status st;
    struct bank *bank = build(&st, &faults);
    struct workspace *workspace = workspace_new(N_ITEM);
    struct session *session;
    struct plan *plan;

    cr_assert(st == OK && workspace && plan_new(&test, bank, &plan, &faults) == OK);
    session = session_new(plan);
    cr_assert(session);
    arm(1, true);
    st = session_step(session, &event, workspace, &effects);
    for (uint32_t seq = 1; st == OK && !effects.outcome.stop; seq++) {
        event = (struct event){.kind = EVENT_ANSWERED, .seq = seq, .item = effects.outcome.item};
        st = session_step(session, &event, workspace, &effects);
    }
    fault.armed = false;
    cr_expect(st == OK && fault.n == 0, "%ld allocations", fault.n);
    session_free(session);
    plan_free(plan);
    workspace_free(workspace);
    bank_free(bank);
}

static enum result try_arena(void)
{
    struct arena arena = {0};
    bool all = true;

    for (int i = 0; i < 5; i++) all = arena_alloc(&arena, 50000) && all;
    if (all == arena.failed) {
        arena_done(&arena);
        return WRONG;
    }
    arena_done(&arena);
    return all ? MADE : NOT_MADE;
}

static enum result try_buf(void)
{
    struct buf buf = {0};
    bool failed;

    for (int i = 0; i < 3000; i++) buf_append(&buf, "2.385", 5);
    failed = buf.failed;
    if (!failed && buf.n != 15000) return WRONG;
    buf_done(&buf);
    return failed ? NOT_MADE : MADE;
}

Test(memory, arena_and_buf)
{
    all_ways("arena_alloc", try_arena, 5);
    all_ways("buf_append", try_buf, 6);
}

static enum result try_faults(void)
{
    struct faults faults = {0};
    size_t kept;

    for (int i = 0; i < 100; i++) faults_add(&faults, "q17", "a", "fault %d", i);
    kept = faults.n;
    if (faults.total != 100) return WRONG;
    faults_done(&faults);
    return kept == 100 ? MADE : NOT_MADE;
}

/* Faults are counted even where they cannot be kept; with one failure the next tries again. */
Test(memory, faults_are_counted)
{
    each_allocation("faults_add", try_faults, 4, true);
}
