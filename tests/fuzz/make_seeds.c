/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The seeds that only the engine itself can make: make_seeds FOLDER writes the records of whole
 * sessions to FOLDER/event, as sequences of messages, and to FOLDER/archive. They are made anew for
 * each run, as those of an older format would all be refused at the door. */
#include "tests/fuzz/counter.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

struct records {
    struct env *env;
    struct slice session;
    struct buf sequence, archive;
};

static enum status on_event(void *context, const struct stored_event *event)
{
    struct records *records = context;
    struct slice record = journal_record(records->env, event->lsn, event->bytes);
    uint8_t length[2] = {(uint8_t)(record.n >> 8), (uint8_t)record.n};

    if (!slice_equal(event->record->session, records->session)) return OK;
    buf_append(&records->sequence, length, sizeof(length));
    buf_append(&records->sequence, record.data, record.n);
    archive_append(&records->archive, event->lsn, event->bytes);
    return OK;
}

static void save(const char *folder, const char *target, const char *name, const struct buf *bytes)
{
    char path[PATH_MAX];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, target);
    MUST(mkdir(path, 0777) == 0 || errno == EEXIST);
    snprintf(path, sizeof(path), "%s/%s/%s", folder, target, name);
    file = fopen(path, "wb");
    MUST(file && bytes->n > 0 && !bytes->failed);
    MUST(fwrite(bytes->data, 1, bytes->n, file) == bytes->n && fclose(file) == 0);
}

static void save_session(struct counter *counter, const char *session, const char *folder)
{
    struct records records = {.env = counter->server.env, .session = slice_str(session)};

    MUST(journal_each(counter->server.env, 1, (struct event_visitor){on_event, &records}) == OK);
    save(folder, "event", session, &records.sequence);
    save(folder, "archive", session, &records.archive);
    buf_done(&records.sequence);
    buf_done(&records.archive);
}

int main(int argc, char **argv)
{
    struct counter *counter = counter_open();

    MUST(argc == 2);
    counter_session(counter, "archived", "t", 6);
    counter_session(counter, "archived.short", "r", 1);
    save_session(counter, "s1", argv[1]);
    save_session(counter, "s2", argv[1]);
    save_session(counter, "s3", argv[1]);
    save_session(counter, "s4", argv[1]);
    save_session(counter, "archived", argv[1]);
    save_session(counter, "archived.short", argv[1]);
    return EXIT_SUCCESS;
}
