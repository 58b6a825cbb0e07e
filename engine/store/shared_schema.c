/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plain SQL, so that engines which speak as PostgreSQL does can take its place. Names compare by
 * their bytes, as they do in LMDB.
 *
 *   district   one row: the version of the tables, the key of the seals, the number of the newest
 *              document and of the newest one that withdraws an item
 *   event      what store/event_record.h says, with its seal; n is its number in its session
 *   document   banks, tests and withdrawn items, in the order they were published
 *   sitting    the sessions of each examinee, numbered as they were started
 *   exposure   how often the items of a test were asked of late (store/shared_counts.h)
 *   asked      how often each item of a test with a limit of uses was asked (store/shared_uses.h);
 *              `before` is what it was when the last statement came, which had so many uses granted
 *
 * A session that was erased has a tombstone (store/erased.h) instead of its first event, and the
 * same one behind its last, so that neither place can be taken; nothing stands between them, and
 * there is no sitting. */
#include "store/shared_schema.h"

const char *const shared_schema[SHARED_FORMAT] = {
    "CREATE TABLE district ("
    " one boolean PRIMARY KEY DEFAULT true CHECK (one),"
    " format integer NOT NULL,"
    " key bytea NOT NULL,"
    " newest bigint NOT NULL DEFAULT 0,"
    " retired bigint NOT NULL DEFAULT 0);"
    "CREATE TABLE event ("
    " tenant text COLLATE \"C\" NOT NULL,"
    " session text COLLATE \"C\" NOT NULL,"
    " n integer NOT NULL,"
    " seal bytea NOT NULL,"
    " record bytea NOT NULL,"
    " PRIMARY KEY (tenant, session, n));"
    "CREATE TABLE document ("
    " number bigint PRIMARY KEY,"
    " kind text NOT NULL,"
    " tenant text COLLATE \"C\" NOT NULL,"
    " name text COLLATE \"C\" NOT NULL,"
    " version integer NOT NULL,"
    " head bytea NOT NULL,"
    " body bytea NOT NULL,"
    " UNIQUE (kind, tenant, name, version));"
    "INSERT INTO district (format, key) VALUES (1, '\\x')",
    "CREATE TABLE sitting ("
    " tenant text COLLATE \"C\" NOT NULL,"
    " examinee text COLLATE \"C\" NOT NULL,"
    " number integer NOT NULL,"
    " session text COLLATE \"C\" NOT NULL,"
    " PRIMARY KEY (tenant, examinee, number),"
    " UNIQUE (tenant, session))",
    "CREATE TABLE exposure ("
    " tenant text COLLATE \"C\" NOT NULL,"
    " test text COLLATE \"C\" NOT NULL,"
    " bank text COLLATE \"C\" NOT NULL,"
    " version bigint NOT NULL,"
    " counts bytea NOT NULL,"
    " PRIMARY KEY (tenant, test, bank))",
    "CREATE TABLE asked ("
    " tenant text COLLATE \"C\" NOT NULL,"
    " test text COLLATE \"C\" NOT NULL,"
    " bank text COLLATE \"C\" NOT NULL,"
    " item text COLLATE \"C\" NOT NULL,"
    " before integer NOT NULL,"
    " uses integer NOT NULL,"
    " most integer NOT NULL,"
    " PRIMARY KEY (tenant, test, bank, item))",
};
