/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a session is not to be asked because of other sessions: by how often they were asked it, by
 * how often it may be asked at all, or because its examinee has seen it. The sessions tell of what
 * they ask; the loop owns it. */
#ifndef SERVER_EXPOSURE_H
#define SERVER_EXPOSURE_H

#include "server/past.h"
#include "server/tallies.h"
#include "store/event_record.h"

struct exposure;
struct live;

/* What a live session has to do with it. */
struct exposed {
    struct tally_plan *tally;  // NULL: the test counts nothing
    struct kept_out *kept;     // [n_kept], its own
    uint32_t n_kept;
    /* In a district: the items used up that its events have told, and behind those, until the next
     * event is recorded, n_fresh more; n_known of the tally's are among them all. */
    struct used_list used;
    uint32_t n_fresh, n_known;
    struct eligibility_pick *pick;  // [n_pick] its questions, where the tally draws by them
    size_t n_pick, cap_pick;
    struct live *prev, *next;  // sessions of the same examinee in memory
};

MUST_CHECK enum status exposure_open(struct env *env, struct exposure **out);
void exposure_close(struct exposure *exposure);  // NULL is fine

/* A session comes into memory, and leaves it. NO_MEMORY; leaving is fine in any case. */
MUST_CHECK enum status exposure_enter(struct exposure *exposure, struct live *live);
void exposure_leave(struct exposure *exposure, struct live *live);

/* Draw what a session that starts is not to be asked, into event->kept. `past`: what its examinee
 * was asked before, NULL: memory and the store have it. EXHAUSTED where that would be more than
 * LIMIT_KEPT items; CORRUPT. */
MUST_CHECK enum status exposure_begin(struct exposure *exposure, struct live *live,
                                      struct event *event, struct batch *batch,
                                      const struct past *past);
/* The same for a start that is replayed: what its record says. CORRUPT. */
MUST_CHECK enum status exposure_replay(struct live *live, const struct event_record *record,
                                       struct event *event);

/* The items that are used up now into the event, and room to count what it will ask. */
MUST_CHECK enum status exposure_prepare(struct live *live, struct event *event);
/* The event is being recorded: with those that none of its session has told, in a district. */
void exposure_record(struct live *live, struct event_record *record);
/* The same as exposure_prepare for an event that is replayed, whose record says how many there
 * were, or which. CORRUPT, NO_MEMORY. */
MUST_CHECK enum status exposure_prepare_again(struct live *live, const struct event_record *record,
                                              struct event *event);
/* The shared store has told that an item is used up by the limit of the session's test. */
void exposure_learn(struct exposure *exposure, const struct live *live, struct slice item,
                    struct batch *batch);

/* Count what the session's last event, of that number, brought about; and where it was replayed. */
void exposure_count(struct exposure *exposure, struct live *live, uint64_t lsn,
                    struct batch *batch);
MUST_CHECK enum status exposure_recount(struct exposure *exposure, struct live *live, uint64_t lsn);

/* Its counts, to be shared. */
struct tallies *exposure_tallies(struct exposure *exposure);

/* The journal has been replayed. */
void exposure_ready(struct exposure *exposure);

/* A session is written to the archive: so is what its examinee has seen. */
void exposure_archive(struct exposure *exposure, const struct live *live, struct batch *batch);

/* Before the journal is trimmed: write what would hold it. Returns the first event that it must
 * keep. Pre: every event before `next_lsn` is on disk or in the batch. */
uint64_t exposure_trim(struct exposure *exposure, struct batch *batch, uint64_t next_lsn);

/* A session is about to be taken out of the journal, or there is none: what was asked stays
 * counted. The same condition. */
void exposure_erase(struct exposure *exposure, struct batch *batch, uint64_t next_lsn);

#endif
