/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way of an answer (engine/README.md): frontends send answers, again and late; the daemon steps
 * sessions in memory, commits once for many requests, then sends all replies; it crashes at any
 * moment and starts again from the disk. Two clients, each with a session and two frontends that
 * speak for it: those of the first give the same answers, those of the second different ones.
 *
 * The network loses, repeats, delays and reorders: whatever a frontend may have sent so far may
 * come to the daemon now, and so may what the daemon has sent it, or never. So no letter has to be
 * kept on its way: a request is known by its question, which is the one that its frontend is at or
 * an earlier one, and of the replies only that to the question it is at can do anything. That is
 * what makes the states few enough to try all of them, and it leaves out no order of steps.
 *
 * What must hold: who was told that an answer is taken finds it on the disk, then and after every
 * crash; nobody is told otherwise; a session's answers have no gap.
 *
 * FAULT plants what must be found: 1 replies before the commit, 2 a second answer taken in place of
 * the first, 3 a repeated answer confirmed before the first is on disk. 4 plants none, but claims
 * that nobody comes to the last answer after the last crash: a model of which that were true would
 * show nothing. */
#ifndef FAULT
#define FAULT 0
#endif
#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef ANSWERS
#define ANSWERS 3
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#define FRONTENDS 2
#define PEERS (CLIENTS * FRONTENDS)

#define AT(s, k) ((s) * (ANSWERS + 1) + (k))
#define VALUE(me) ((me) < FRONTENDS -> 1 : 1 + (me) % FRONTENDS)
#define NOTHING 0
#define TAKEN 1
#define CONFLICT 2

typedef letter { byte seq; byte code };

byte memory[CLIENTS * (ANSWERS + 1)], disk[CLIENTS * (ANSWERS + 1)];  /* answers; 0: none */
byte told[CLIENTS * (ANSWERS + 1)];  /* the answer that somebody was told is taken; 0: nobody was */
byte at[PEERS];                      /* the question that a frontend is at; ANSWERS: it is through */
byte reply[PEERS];                   /* to that question, on its way to the frontend */
letter held[PEERS];                  /* what the daemon has for it behind the commit */
bool committed;                      /* the cycle's replies are on their way out */
byte n_crash;
hidden byte i, s, before;  /* of one atomic step */

/* What has been told of a client's session is on the disk, and no answer lacks those before it. */
inline look(client) {
    i = 0;
    do
    :: i < ANSWERS ->
        assert(told[AT(client, i)] == NOTHING || disk[AT(client, i)] == told[AT(client, i)]);
        assert(disk[AT(client, i + 1)] == NOTHING || disk[AT(client, i)] != NOTHING);
        i++
    :: else -> break
    od;
    i = 0
}

/* A reply to an earlier question does nothing. */
inline send(me, q, what) {
    if
    :: q == at[me] -> reply[me] = what
    :: else
    fi
}

/* The answer of a frontend to question k comes to the daemon. One whose session has not come so far
 * is refused, of which there is nothing to keep. */
inline serve(me, k) {
    s = me / FRONTENDS;
    before = memory[AT(s, k)];
    if
    :: before == NOTHING && k > 0 && memory[AT(s, k - (k > 0))] == NOTHING -> skip
    :: else ->
        held[me].seq = k;
        held[me].code = TAKEN;
        if
        :: before != NOTHING && before != VALUE(me) && FAULT != 2 -> held[me].code = CONFLICT
        :: else -> memory[AT(s, k)] = VALUE(me)
        fi;
        if
        :: FAULT == 1 || (FAULT == 3 && before == VALUE(me)) ->
            send(me, k, held[me].code);
            held[me].seq = 0;
            held[me].code = NOTHING
        :: else
        fi
    fi
}

active proctype daemon() {
end:
    do
    :: d_step { !committed ->
        i = 0;
        do
        :: i < CLIENTS * (ANSWERS + 1) ->
            assert(FAULT == 2 || disk[i] == NOTHING || disk[i] == memory[i]);
            disk[i] = memory[i];
            i++
        :: else -> break
        od;
        committed = true }
    :: d_step { committed ->
        i = 0;
        do
        :: i < PEERS ->
            if
            :: held[i].code != NOTHING -> send(i, held[i].seq, held[i].code)
            :: else
            fi;
            held[i].seq = 0;
            held[i].code = NOTHING;
            i++
        :: else -> break
        od;
        committed = false }
    :: d_step { n_crash < CRASHES ->
        n_crash++;
        committed = false;
        i = 0;
        do
        :: i < CLIENTS * (ANSWERS + 1) -> memory[i] = disk[i]; i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < PEERS -> held[i].seq = 0; held[i].code = NOTHING; i++
        :: else -> break
        od;
        s = 0;
        do
        :: s < CLIENTS -> look(s); s++
        :: else -> break
        od;
        s = 0 }
    od
}

#define COMES(k) \
    :: d_step { k < ANSWERS && k <= at[me] && !committed && held[me].code == NOTHING -> serve(me, k) }

proctype frontend(byte me) {
end:
    do
    COMES(0)
    COMES(1)
    COMES(2)
    COMES(3)
    :: d_step { reply[me] != NOTHING ->
        s = me / FRONTENDS;
        if
        :: reply[me] == TAKEN ->
            assert(told[AT(s, at[me])] == NOTHING || told[AT(s, at[me])] == VALUE(me));
            told[AT(s, at[me])] = VALUE(me)
        :: else ->
            assert(disk[AT(s, at[me])] != NOTHING && disk[AT(s, at[me])] != VALUE(me))
        fi;
        reply[me] = NOTHING;
        at[me]++;
        assert(FAULT != 4 || n_crash < CRASHES || at[me] < ANSWERS);
        look(s) }
    od
}

init {
    atomic {
        i = 0;
        do
        :: i < PEERS -> run frontend(i); i++
        :: else -> break
        od
    }
}
