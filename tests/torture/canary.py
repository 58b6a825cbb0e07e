# SPDX-License-Identifier: GPL-3.0-or-later
"""C6: answer keys and parameters stay in. Every key, parameter and not yet asked item of a bank is
something unique; nothing that a frontend is told, right or wrong or refused, holds any of it, and
the length of a reply does not tell a right answer from a wrong one. Then thousands of students at
once, every reply searched; whether the time of a reply tells right from wrong is said, not judged.
"""

import contextlib
import pathlib
import struct

from support.wire import Peer
from thetad.client import pack, unpack
from torture.overload import faults_of, swarm
from torture.programme import Tally

PROPERTY = "no reply to a frontend holds a key or a parameter"
METHOD = "unique keys and parameters, every op of a frontend, good and refused, searched"
SHARE = 0.03
N_ITEM, N_ASK = 40, 12
FLOOD_S = 1  # in the short form; else most of the time there is
FIELDS = {"v": 1, "id": 1}


def canary_items():
    """Ids and contents of one length; parameters whose bytes are found nowhere else."""
    return [{"id": f"item-{i:03}", "model": "3PL", "a": 0.7654321 + 0.0123456789 * i,
             "b": -1.9191919 + 0.0987654321 * i, "c": 0.1234567 + 0.00112233445 * i,
             "key": f"CANARY-KEY-{i:03}", "rapid_ms": 770000 + i,
             "tags": {"strand": f"CANARY-TAG-{i:03}"}, "exposure": 0.5151515 + 0.00987654 * i,
             "content": {"text": f"CONTENT-{i:03}"}} for i in range(N_ITEM)]


def canaries(items):
    found = {b"CANARY": "a key or tag"}
    for item in items:
        for name in ("a", "b", "c", "exposure"):
            for form in (">d", "<d"):
                found[struct.pack(form, item[name])] = f"{name} of {item['id']}"
            found[repr(item[name])[:12].encode()] = f"{name} of {item['id']} as text"
        found[struct.pack(">I", item["rapid_ms"])] = f"rapid_ms of {item['id']}"
    return found


class Frontend:
    """Sends as a frontend would and looks at every byte that comes back."""

    def __init__(self, peer, items):
        self.peer = peer
        self.canaries = canaries(items)
        self.found = []
        self.n_reply = 0

    def ask(self, **fields):
        self.peer.send(pack({**FIELDS, **fields}))
        reply = self.peer.receive_raw()[-1]
        self.n_reply += 1
        for canary, what in self.canaries.items():
            if canary in reply:
                self.found.append(f"{what} is in the reply to {fields}")
        state = unpack(reply)
        own = state.get("item", {}).get("id", "item-none")[-3:].encode()
        if reply.replace(b"CONTENT-" + own, b"").count(b"CONTENT-"):
            self.found.append(f"the content of another item is in the reply to {fields}")
        return state, len(reply)

    def refused(self, session, state):
        """Requests that are refused tell nothing either."""
        item = state["item"]["id"]
        answer = {"op": "session.answer", "session": session}
        for fields in (
                {**answer, "seq": state["seq"], "item": item, "response": 7},
                {**answer, "seq": state["seq"], "item": "item-999", "response": "x"},
                {**answer, "seq": 99, "item": item, "response": 1},
                {**answer, "seq": state["seq"], "item": item, "response": {}},
                {"op": "session.start", "session": session, "test": "canary", "examinee": "o"},
                {"op": "session.explain", "session": session}, {"op": "bank.get", "bank": "canary"},
                {"op": "test.get", "test": "canary"}, {"op": "stats"}, {"op": "hello"},
                {"op": "irt.curve", "bank": "canary", "items": [item], "theta": [0]}):
            self.ask(**fields)

    def take(self, session, right):
        """A whole test; the lengths of its replies."""
        state, _ = self.ask(op="session.start", session=session, test="canary", examinee="e",
                            seed=7)
        lengths = []
        while "item" in state:
            self.refused(session, state)
            item = state["item"]["id"]
            key = f"CANARY-KEY-{item[-3:]}"
            given = key if right else key.replace("KEY", "NOT")
            state, n = self.ask(op="session.answer", session=session, seq=state["seq"], item=item,
                                response=given)
            lengths.append(n)
            self.ask(op="session.get", session=session)
        return lengths


def load(daemon, items):
    with daemon.client() as client:
        client.bank_upload("canary", items)
        client.test_put({"test": "canary", "bank": "canary", "stop": {
            "any": [{"rule": "length", "at": N_ASK}]}})


def spilled(daemon, items):
    """What the log, and the kernel of the process, tell."""
    found = []
    log = daemon.log().encode()
    if any(canary in log for canary in canaries(items)):
        found.append("the log holds a key or a parameter")
    for name in ("cmdline", "environ", "maps", "status", "stat", "io", "limits", "mountinfo"):
        with contextlib.suppress(OSError):
            view = pathlib.Path(f"/proc/{daemon.process.pid}/{name}").read_bytes()
            if any(canary in view for canary in canaries(items)):
                found.append(f"/proc/{name} holds a key or a parameter")
    return found


def one_round(context, i):
    items = canary_items()
    daemon = context.daemon(tcp_roles="frontend")
    try:
        daemon.start()
        load(daemon, items)
        with Peer(daemon.tcp_endpoint) as peer:
            frontend = Frontend(peer, items)
            right = frontend.take(f"right-{i}", True)
            wrong = frontend.take(f"wrong-{i}", False)
        if right[:-1] != wrong[:-1]:
            frontend.found.append(f"lengths tell right from wrong: {right} and {wrong}")
        frontend.found += spilled(daemon, items)
        daemon.stop()
    finally:
        daemon.close()
    return frontend.found, frontend.n_reply


def flood(context):
    """Many students answer right and wrong. What was found, and what the generator says."""
    items = canary_items()
    daemon = context.daemon(tcp_roles="frontend", map_mib=8192, log_level="debug",
                            settings=("[sessions] max_live = 1000000",))
    try:
        daemon.start()
        load(daemon, items)
        needles = f"{daemon.folder}/needles"
        pathlib.Path(needles).write_text("\n".join(c.hex() for c in canaries(items)) + "\n",
                                         encoding="ascii")
        said = swarm(context, daemon, endpoint=daemon.tcp_endpoint, test="canary", raw=True,
                     needles=needles, students=2000, window=64,
                     seconds=FLOOD_S if context.short else max(FLOOD_S, 0.8 * context.left()))
        found = faults_of(said) + spilled(daemon, items)
        daemon.stop()
    finally:
        daemon.close()
    if said["canaries"]:
        found.append(f"{said['canaries']} replies hold a key or a parameter")
    if said["sizes_apart"]:
        found.append(f"replies to {said['sizes_apart']} questions tell right from wrong by length")
    return found, said


def run(context):
    tally = Tally()
    for i in context.rounds(1):
        found, n = one_round(context, i)
        tally.faults += n
        tally.add(found)
        if i == 0:
            found, said = flood(context)
            tally.faults += said["replies"]
            tally.add(found)
    tally.note = (f"each fault is a reply searched; by time right and wrong are told apart by "
                  f"t = {said['welch_t']:.1f} of {said['n_right'] + said['n_wrong']:,.0f} answers "
                  f"(the bar is 4.5)")
    return tally
