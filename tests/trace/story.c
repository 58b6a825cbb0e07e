/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "story.h"

#include "tests/support/banks.h"
#include "tests/support/expect.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static void make(size_t i, void *context, struct item_spec *spec)
{
    static const double b[STORY_ITEMS] = {-2.1, -1.05, 0.12, 0.98, 1.9, 3.2};

    const struct company *company = context;

    spec->is_later = company->later && strchr(company->later, '1' + (int)i);
    spec->model = &model_1pl;
    spec->value[SLOT_A] = 1.0;
    spec->value[SLOT_B] = b[i];
    if (company->enemy[i]) spec->enemies[spec->n_enemy++] = slice_str(company->enemy[i]);
    if (company->set[i]) spec->set = slice_str(company->set[i]);
    if (i == 5) return;
    spec->n_tag = 1;
    spec->tags[0] = (struct tag){slice_str("strand"), slice_str(i % 2 ? "shape" : "number")};
}

void story_begin(struct story *story, unsigned length)
{
    story_begin_in(story, length, &(struct company){0});
}

void story_begin_later(struct story *story, unsigned length, const char *later)
{
    story_begin_in(story, length, &(struct company){.later = later});
}

void story_begin_in(struct story *story, unsigned length, const struct company *company)
{
    *story = (struct story){.bank = bank_make(STORY_ITEMS, make, (void *)(uintptr_t)company)};
    test_init(&story->test);
    story->test.stop = (struct stop_tree){0};
    if (length > 0) stop_any(&story->test, (struct stop_node[]){stop_at(&stop_length, length)}, 1);
}

void story_end(struct story *story)
{
    sitting_close(&story->sitting);
    bank_free(story->bank);
}

static const char *id_of(const struct story *story, uint32_t item)
{
    return item == NO_ITEM ? "none" : bank_id(story->bank, item);
}

static uint32_t item_of(const struct story *story, const char *id)
{
    long item = bank_find(story->bank, slice_str(id));

    cr_assert(item >= 0, "the story's bank has no item %s", id);
    return (uint32_t)item;
}

static void take(struct story *story, const struct event *event)
{
    enum status st = sitting_take(&story->sitting, event);

    cr_assert(st == OK, "event %d is refused with status %d", event->kind, st);
    cr_assert(story->sitting.effects.changed, "event %d changes nothing", event->kind);
}

static void happens(struct story *story, enum event_kind kind)
{
    struct event event = sitting_event(&story->sitting, kind);

    take(story, &event);
}

void starts(struct story *story)
{
    struct event event;
    uint32_t n_retired = story->sitting.n_retired;

    sitting_open(&story->sitting, &story->test, story->bank);
    story->start_ms = story->sitting.now_ms;
    story->sitting.retired = story->retired;
    story->sitting.n_retired = n_retired;
    event = sitting_event(&story->sitting, EVENT_STARTED);
    event.seed = 2385;
    event.has_prior = story->has_prior;
    event.prior_mean = story->prior_mean;
    event.prior_sd = story->prior_sd;
    take(story, &event);
}

void answers(struct story *story, unsigned score)
{
    struct event event = sitting_answer_event(&story->sitting, score);

    take(story, &event);
}

void omits(struct story *story)
{
    struct event event = sitting_answer_event(&story->sitting, 0);

    event.response = (struct response){.kind = RESPONSE_OMITTED};
    take(story, &event);
}

void writes(struct story *story, const char *text)
{
    struct event event = sitting_answer_event(&story->sitting, 0);

    event.response = (struct response){.kind = RESPONSE_LATER, .raw = slice_str(text)};
    take(story, &event);
}

/* An answer to question `seq` once more, or a person's score for it. */
static struct event afterwards(const struct story *story, enum event_kind kind, uint32_t seq,
                               unsigned score)
{
    struct event event = sitting_event(&story->sitting, kind);

    event.seq = seq;
    event.item = seq >= 1 && seq <= session_n_answer(story->sitting.session)
                     ? session_answered_item(story->sitting.session, seq)
                     : 0;
    event.response = (struct response){.kind = RESPONSE_SCORE, .score = (uint8_t)score};
    return event;
}

/* The question on the screen stays there, whatever becomes of the answers before it. */
static void takes_afterwards(struct story *story, const struct event *event)
{
    struct session_view before = sitting_view(&story->sitting), after;

    take(story, event);
    after = sitting_view(&story->sitting);
    cr_expect(after.state == before.state && after.item == before.item && after.seq == before.seq);
    cr_expect(after.stop == before.stop && after.asked == before.asked);
}

void revises(struct story *story, uint32_t seq, unsigned score)
{
    struct event event = afterwards(story, EVENT_REVISED, seq, score);

    takes_afterwards(story, &event);
}

void rewrites(struct story *story, uint32_t seq, const char *text)
{
    struct event event = afterwards(story, EVENT_REVISED, seq, 0);

    event.response = (struct response){.kind = RESPONSE_LATER, .raw = slice_str(text)};
    takes_afterwards(story, &event);
}

void is_scored(struct story *story, uint32_t seq, unsigned score)
{
    struct event event = afterwards(story, EVENT_SCORED, seq, score);

    takes_afterwards(story, &event);
}

void suspends(struct story *story)
{
    happens(story, EVENT_SUSPENDED);
}

void resumes(struct story *story)
{
    happens(story, EVENT_RESUMED);
}

void finishes(struct story *story)
{
    happens(story, EVENT_FINISHED);
}

void is_voided(struct story *story)
{
    happens(story, EVENT_VOIDED);
    cr_expect(sitting_view(&story->sitting).state == SESSION_VOIDED);
}

void retires(struct story *story, const char *id)
{
    story->retired[story->sitting.n_retired++] = item_of(story, id);
    story->sitting.retired = story->retired;
}

void clock_is_at(struct story *story, double seconds)
{
    story->sitting.now_ms = story->start_ms + (int64_t)(seconds * 1000.0);
}

void asks(struct story *story, const char *id)
{
    struct session_view view = sitting_view(&story->sitting);

    cr_expect(view.state == SESSION_ASKING, "question %u: the session is %s", view.seq,
              session_state_name(view.state));
    cr_expect_str_eq(id_of(story, view.item), id, "question %u is %s, not %s", view.seq,
                     id_of(story, view.item), id);
    cr_expect(view.seq == session_n_answer(story->sitting.session) + 1 && view.asked == view.seq);
    cr_expect(view.stop == NULL);
}

void has_asked(struct story *story, unsigned asked)
{
    struct session_view view = sitting_view(&story->sitting);

    cr_expect(view.asked == asked, "%u questions asked, not %u", view.asked, asked);
}

void theta_is(struct story *story, double theta, double se)
{
    struct session_view view = sitting_view(&story->sitting);
    const struct outcome *outcome = &story->sitting.effects.outcome;

    cr_expect(fabs(view.theta - theta) < 5e-4, "theta is %.4f, not %.4f", view.theta, theta);
    if (isnan(se))
        cr_expect(isnan(view.se), "SE is %.4f, not unknown", view.se);
    else
        cr_expect(view.se == se || fabs(view.se - se) < 5e-4, "SE is %.4f, not %.4f", view.se, se);
    expect_bits(outcome->theta, view.theta, "theta of the outcome");
    expect_bits(outcome->se, view.se, "SE of the outcome");
}

void has_ended_by(struct story *story, const char *stop)
{
    struct session_view view = sitting_view(&story->sitting);

    cr_expect(view.state == SESSION_FINISHED, "the session is %s", session_state_name(view.state));
    cr_assert(view.stop, "there is no reason");
    cr_expect_str_eq(view.stop, stop, "it ended by %s, not %s", view.stop, stop);
    cr_expect(view.item == NO_ITEM && view.seq == session_n_answer(story->sitting.session));
    cr_expect_str_eq(story->sitting.effects.outcome.stop, stop);
    cr_expect(story->sitting.effects.outcome.item == NO_ITEM);
}

void is_suspended(struct story *story)
{
    struct session_view view = sitting_view(&story->sitting);

    cr_expect(view.state == SESSION_SUSPENDED && view.item == NO_ITEM);
    cr_expect(view.seq == session_n_answer(story->sitting.session) + 1);
}

void waits_for(struct story *story, unsigned n_score)
{
    struct session_view view = sitting_view(&story->sitting);

    cr_expect(view.n_pending == n_score, "%u scores are awaited, not %u", view.n_pending, n_score);
}

static void refuses(struct story *story, const struct event *event, enum status status)
{
    struct session_view before = sitting_view(&story->sitting), after;
    enum status st = sitting_take(&story->sitting, event);

    after = sitting_view(&story->sitting);
    cr_expect(st == status, "question %u: status %d, not %d", event->seq, st, status);
    cr_expect(view_equal(&before, &after));
}

void refuses_revision(struct story *story, uint32_t seq, unsigned score, enum status status)
{
    struct event event = afterwards(story, EVENT_REVISED, seq, score);

    refuses(story, &event, status);
}

void refuses_score(struct story *story, uint32_t seq, unsigned score, enum status status)
{
    struct event event = afterwards(story, EVENT_SCORED, seq, score);

    refuses(story, &event, status);
}

void revises_again(struct story *story, uint32_t seq, unsigned score)
{
    struct event event = afterwards(story, EVENT_REVISED, seq, score);

    refuses(story, &event, OK);
    cr_expect(!story->sitting.effects.changed);
}

static enum status tries(struct story *story, uint32_t seq, const char *id, unsigned score)
{
    struct event event = sitting_event(&story->sitting, EVENT_ANSWERED);

    event.seq = seq;
    event.item = item_of(story, id);
    event.response = (struct response){.kind = RESPONSE_SCORE, .score = (uint8_t)score};
    return sitting_take(&story->sitting, &event);
}

void refuses_answer(struct story *story, uint32_t seq, const char *id, unsigned score,
                    enum status status)
{
    struct session_view before = sitting_view(&story->sitting), after;
    enum status st = tries(story, seq, id, score);

    after = sitting_view(&story->sitting);
    cr_expect(st == status, "answer %u to %s to question %u: status %d, not %d", score, id, seq, st,
              status);
    cr_expect(view_equal(&before, &after));
}

void takes_again(struct story *story, uint32_t seq, const char *id, unsigned score)
{
    struct session_view before = sitting_view(&story->sitting), after;
    enum status st = tries(story, seq, id, score);

    after = sitting_view(&story->sitting);
    cr_expect(st == OK && !story->sitting.effects.changed, "status %d", st);
    cr_expect(view_equal(&before, &after));
}
