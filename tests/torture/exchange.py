# SPDX-License-Identifier: GPL-3.0-or-later
"""B1 and B2 with the store between two builds: what one has recorded is the same to the bit when
the other replays it, goes on with it, and gives it back. Control: one build whose exp is the C
library's, with the processor's FMA and without."""

import itertools
import json
import subprocess

from support import reference
from support.daemon import state_of
from torture import crowd
from torture.programme import Tally

PROPERTY = "builds read each other's stores to the bit"
METHOD = "release and sanitizers: one writes, the other replays and goes on; both ways"
SHARE = 0.04
WITHOUT_FMA = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-AVX2_Usable"}
N_ITEM, N_SESSION, N_SHORT_OF_END = 9, 6, 3
REPLAY_S = 60  # a slice of the replay in the build with sanitizers, on two dimensions
LENGTH = {"any": [{"rule": "length", "at": N_ITEM}]}
BANKS = (("3pl", "3PL"), ("2pl", "2PL"), ("4pl", "4PL"), ("1pl", "1PL"), ("grm", "GRM"),
         ("gpcm", "GPCM"), ("pcm", "PCM"), ("rsm", "RSM"), ("mgrm", "MGRM"), ("nrm", "NRM"))
METHODS = ({"method": "EAP"}, {"method": "MAP"}, {"method": "WLE"},
           {"method": "ML", "constant": "EAP"})
CRITERIA = ("MFI", "MEPV", "KLP", "MPWI", "MEI")
EXPOSURES = ({}, {"exposure": {"rule": "sympson-hetter"}}, {"select": {"randomesque": 4}})
PRIOR = {"dist": "normal", "mean": [0, 0], "cov": [[1, 0.5], [0.5, 1]]}
DIMENSIONS = [{"estimate": {"method": method, "prior": PRIOR}, "select": {"criterion": criterion}}
              for method, criterion in itertools.product(("EAP", "MAP"), ("DPrule", "APrule"))]


class Examinee(crowd.Examinee):
    """One who takes that test."""

    def __init__(self, number, test, writer):
        super().__init__(number, f"{writer}-{test}-")
        self.test = test

    def start_fields(self):
        return {**super().start_fields(), "test": self.test}


def plane_items():
    """The items of two dimensions."""
    return [{"id": reference.item_id(row["item"]), "model": "M3PL",
             "a": [float(row["a1"]), float(row["a2"])], "d": float(row["d"]), "c": float(row["g"])}
            for row in reference.rows(reference.GOLDEN, "mcat", "m3pl_items.csv")]


def with_exposure(items):
    return [{**item, "exposure": 0.4 + i % 7 / 12} for i, item in enumerate(items)]


def documents():
    """(name, document) of every test: each model with each estimator, the rest by turns."""
    kinds = itertools.product(BANKS, METHODS)
    for i, ((bank, _), estimate) in enumerate(kinds):
        more = EXPOSURES[i % len(EXPOSURES)]
        # Criteria that look ahead or weigh want what not every model has for sure: MFI is for all.
        criterion = CRITERIA[i % len(CRITERIA)] if bank.endswith("pl") else "MFI"
        select = {"criterion": criterion, **more.get("select", {})}
        yield {"test": f"{bank}-{estimate['method']}", "bank": bank, "reveal": True, "revise": 1,
               "estimate": estimate, **more, "select": select, "stop": LENGTH}
    for i, more in enumerate(DIMENSIONS):
        yield {"test": f"plane-{i}", "bank": "plane", "reveal": True, "revise": 1, "stop": LENGTH,
               **more}


def load(daemon):
    """All banks and tests; the tests' names."""
    names = []
    with daemon.client() as client:
        for bank, model in BANKS:
            client.bank_upload(bank, with_exposure(reference.bank_items(bank, model)))
        client.bank_upload("plane", plane_items())
        for document in documents():
            client.test_put(document)
            names.append(document["test"])
    return names


def go_on(daemon, members, n_short_of_end):
    """All sessions up to so many answers before their end."""
    with daemon.client() as client:
        for examinee in members:
            while (not examinee.finished()
                   and len(examinee.items()) <= N_ITEM - n_short_of_end):
                examinee.step(client)


def verify_folder(context, kind, daemon, n_session):
    """What that build's theta says of the store that nobody has open."""
    told = subprocess.run([context.theta(kind), "verify", "--json", f"{daemon.folder}/data"],
                          capture_output=True, text=True, check=False)
    if not told.stdout:
        return [f"theta verify of {kind} ended with {told.returncode}: {told.stderr}"]
    return faults_of(f"theta verify of {kind}", json.loads(told.stdout), n_session)


def verify_daemon(daemon, n_session):
    with daemon.client(timeout=REPLAY_S) as client:
        reply = client.call("log.verify")
        while not reply["done"]:
            reply = client.call("log.verify", run=reply["run"])
    return faults_of("log.verify", reply, n_session)


def faults_of(who, reply, n_session):
    found = [f"{who}: {fault}" for fault in reply["faults"]]
    if reply["n_sessions"] != n_session:
        found.append(f"{who}: {reply['n_sessions']} of {n_session} sessions")
    return found


def same_states(daemon, members):
    """Every session is to the reader what it was to the writer."""
    with daemon.client() as client:
        pairs = [(examinee, state_of(client.call("session.get", session=examinee.id)))
                 for examinee in members]
    return [f"{examinee.id}: {examinee.states[-1]}, now {now}" for examinee, now in pairs
            if now != examinee.states[-1]]


def one_way(context, writer, reader, environment=None):
    """What went wrong, and how many sessions there were. `environment`: of the reader."""
    daemon = context.daemon(writer, idle_s=1)
    try:
        daemon.start()
        members = [Examinee(i, name, writer) for name in load(daemon) for i in range(N_SESSION)]
        go_on(daemon, members[::2], 0)  # these end, and go to the archive
        go_on(daemon, members[1::2], N_SHORT_OF_END)
        daemon.stop()
        found = verify_folder(context, reader, daemon, len(members))
        daemon.binary = context.binary(reader)
        daemon.start(environment)
        found += verify_daemon(daemon, len(members)) + same_states(daemon, members)
        go_on(daemon, members, 0)
        daemon.stop()
        found += verify_folder(context, writer, daemon, len(members))
    finally:
        daemon.close()
    return [f"{writer} to {reader}: {text}" for text in found], len(members)


def run(context):
    tally = Tally()
    ways = [("plain", "asan", None), ("asan", "plain", None)]
    if context.planted:
        ways = [("asan", "asan", WITHOUT_FMA)]
    if not all(context.has(kind) for way in ways for kind in way[:2]):
        tally.skipped = "needs a build with sanitizers and one without"
        return tally
    for way in ways:
        found, n_session = one_way(context, *way)
        tally.add(found)
        tally.faults += n_session
    tally.note = f"each fault is a session; {sum(1 for _ in documents())} tests"
    return tally
