/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/oldest.h"
#include "server/keeping.h"

bool oldest_look(struct sessions *sessions, size_t n_most)
{
    struct oldest *oldest = &sessions->oldest;

    if (!oldest->is_under_way) {
        *oldest = (struct oldest){
            .at = sessions->table, .lsn = sessions->config.journal->next_lsn, .is_under_way = true};
    }
    for (; oldest->at && n_most > 0; n_most--) {
        struct entry *entry = oldest->at;

        oldest->at = entry->hh.next;
        if (entry->n_lsn == 0 || entry->lsn[0] >= oldest->lsn) continue;
        oldest->lsn = entry->lsn[0];
        oldest->found = entry;
    }
    oldest->is_under_way = oldest->at != NULL;
    return !oldest->is_under_way;
}

void oldest_leave(struct oldest *oldest, const struct entry *entry)
{
    if (oldest->at == entry) oldest->at = entry->hh.next;
    if (oldest->found == entry) oldest->found = NULL;
}
