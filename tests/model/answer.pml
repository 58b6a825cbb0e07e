/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way of an answer (engine/README.md): frontends send answers, again and late; the daemon steps
 * sessions in memory, commits once for many requests, then sends all replies; it crashes at any
 * moment and starts again from the disk. Two sessions, two frontends on each: on the first they
 * give the same answers, on the second different ones.
 *
 * What must hold: who was told that an answer is taken finds it on the disk, then and after every
 * crash; nobody is told otherwise; a session's answers have no gap.
 *
 * FAULT plants what must be found: 1 replies before the commit, 2 a second answer taken in place of
 * the first, 3 a repeated answer confirmed before the first is on disk. */
#ifndef FAULT
#define FAULT 0
#endif
#ifndef SESSION  /* 1, 2: that one alone; 0: both */
#define SESSION 0
#endif
#ifndef ANSWERS
#define ANSWERS 3
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#define FRONTENDS 2

#define AT(s, k) ((s) * (ANSWERS + 1) + (k))
#define NOTHING 0
#define TAKEN 1
#define CONFLICT 2
#define STALE 3

typedef letter { byte seq; byte code };

byte memory[8], disk[8], told[8];    /* answers by session and question; 0: none */
byte request[4];                     /* by session and frontend: the question answered; 0: none */
letter held[4], reply[4];
bool committed;                      /* the cycle's replies are on their way out */
byte n_crash;
hidden byte i, k, s, seq, value, before;  /* of one atomic step */

inline look(s) {
    k = 1;
    do
    :: k <= ANSWERS ->
        assert(told[AT(s, k)] == NOTHING || disk[AT(s, k)] == told[AT(s, k)]);
        assert(k == 1 || disk[AT(s, k)] == NOTHING || disk[AT(s, k - 1)] != NOTHING);
        k++
    :: else -> break
    od
}

/* Serve the request of frontend i: what it answers depends on the session alone, or on it too. */
inline serve(me) {
    s = me / FRONTENDS;
    value = (s == 0 -> 1 : 1 + me % FRONTENDS);
    seq = request[me];
    before = memory[AT(s, seq)];
    request[me] = 0;
    held[me].seq = seq;
    if
    :: before != NOTHING && before != value && FAULT != 2 -> held[me].code = CONFLICT
    :: before != NOTHING && before == value -> held[me].code = TAKEN
    :: else ->
        if
        :: seq > 1 && memory[AT(s, seq - 1)] == NOTHING -> held[me].code = STALE
        :: else -> memory[AT(s, seq)] = value; held[me].code = TAKEN
        fi
    fi;
    if
    :: FAULT == 1 || (FAULT == 3 && before == value) ->
        reply[me].seq = held[me].seq;
        reply[me].code = held[me].code;
        held[me].seq = 0;
        held[me].code = NOTHING
    :: else
    fi
}

active proctype daemon() {
    do
    :: atomic { !committed && request[0] != 0 && held[0].code == NOTHING -> serve(0) }
    :: atomic { !committed && request[1] != 0 && held[1].code == NOTHING -> serve(1) }
    :: atomic { !committed && request[2] != 0 && held[2].code == NOTHING -> serve(2) }
    :: atomic { !committed && request[3] != 0 && held[3].code == NOTHING -> serve(3) }
    :: atomic { !committed ->
        i = 0;
        do
        :: i < 8 ->
            assert(FAULT == 2 || disk[i] == NOTHING || disk[i] == memory[i]);
            disk[i] = memory[i];
            i++
        :: else -> break
        od;
        committed = true }
    :: atomic { committed ->
        i = 0;
        do
        :: i < 4 ->
            if
            :: held[i].code != NOTHING ->
                reply[i].seq = held[i].seq;
                reply[i].code = held[i].code;
                held[i].seq = 0;
                held[i].code = NOTHING
            :: else
            fi;
            i++
        :: else -> break
        od;
        committed = false }
    :: atomic { n_crash < CRASHES ->
        n_crash++;
        committed = false;
        i = 0;
        do
        :: i < 8 -> memory[i] = disk[i]; i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < 4 -> held[i].seq = 0; held[i].code = NOTHING; i++
        :: else -> break
        od;
        look(0);
        look(1) }
    od
}

inline forget(me) {
    reply[me].seq = 0;
    reply[me].code = NOTHING
}

/* Its requests may be sent again at any time and come late; a reply may get lost. */
proctype frontend(byte me) {
    byte at = 1;
end:
    do
    :: atomic { at <= ANSWERS && request[me] == 0 -> request[me] = at }
    :: atomic { reply[me].code == TAKEN && reply[me].seq == at ->
        s = me / FRONTENDS;
        value = (s == 0 -> 1 : 1 + me % FRONTENDS);
        assert(told[AT(s, at)] == NOTHING || told[AT(s, at)] == value);
        told[AT(s, at)] = value;
        forget(me);
        look(s);
        at++ }
    :: atomic { reply[me].code == CONFLICT && reply[me].seq == at ->
        s = me / FRONTENDS;
        value = (s == 0 -> 1 : 1 + me % FRONTENDS);
        assert(disk[AT(s, at)] != NOTHING && disk[AT(s, at)] != value);
        forget(me);
        at++ }
    :: atomic { reply[me].code != NOTHING -> forget(me) }
    od
}

init {
    atomic {
#if SESSION != 2
        run frontend(0);
        run frontend(1);
#endif
#if SESSION != 1
        run frontend(2);
        run frontend(3)
#endif
    }
}
