#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes proto/vectors/vectors.json: for every op of the protocol a request and its reply, and some
error replies, as JSON and as the bytes that stand for it on the wire.

    tests/support/make_vectors.py > proto/vectors/vectors.json

The bytes come from python3-msgpack, so they check msgpack-c and every client independently. An
integer is written without, a float with a decimal point.
"""

import json
import sys

import msgpack

ITEM = {
    "id": "frac-017",
    "model": "2PL",
    "a": 1.3,
    "b": -0.25,
    "options": ["1/2", "2/3", "¾"],
    "key": "2/3",
    "tags": {"strand": "fractions"},
    "set": "pie-charts",
    "enemies": ["frac-018"],
    "content": {"stem": "Which is larger, 1/2 or 2/3?", "points": [1, 2.0, None, True]},
}
GRADED = {"id": "essay:1", "model": "GRM", "a": 1, "b": [-1.2, 0.0, 2.385]}
DOCUMENT = {
    "test": "algebra-6",
    "bank": "algebra",
    "reveal": True,
    "estimate": {"method": "EAP", "prior": {"dist": "normal", "mean": 0.0, "sd": 1.0}},
    "final": {"method": "WLE", "bounds": {"min": -4, "max": 4}},
    "select": {"criterion": "MFI", "randomesque": 5},
    "blueprint": {
        "proportions": {
            "tag": "strand",
            "targets": [
                {"value": "fractions", "proportion": 0.4},
                {"value": "ratios", "proportion": 0.6},
            ],
        }
    },
    "stop": {"min_items": 8, "any": [{"rule": "se", "at": 0.3}, {"rule": "length", "at": 30}]},
    "scale": {"slope": 10.0, "intercept": 200.0, "min": 100.0, "max": 350.0},
    "cuts": [{"name": "basic", "theta": -0.8}, {"name": "proficient", "theta": 0.2}],
}
CREATED_MS = 1718000000000
ASKING = {
    "session": "s-20240610.7",
    "seq": 1,
    "state": "asking",
    "item": {key: ITEM[key] for key in ("id", "content", "set", "options")},
    "progress": {"asked": 1, "min": 8, "max": 30},
}
SECOND = ASKING | {
    "seq": 2,
    "item": {"id": "essay:1"},
    "progress": {"asked": 2, "min": 8, "max": 30},
    "ability": {"theta": 0.437512, "se": 0.881204},
}
SUSPENDED = {key: SECOND[key] for key in ("session", "seq", "progress")} | {"state": "suspended"}
FINISHED = SUSPENDED | {
    "state": "finished",
    "result": {
        "theta": 0.437512,
        "se": 0.881204,
        "scale": 204.37512,
        "classification": "proficient",
        "stop": "request",
    },
}
UNMEASURED = FINISHED | {"result": {"theta": 0.0, "se": None, "stop": "request"}}
SESSION = {"session": ASKING["session"]}
ANSWER = SESSION | {"seq": 1, "item": ITEM["id"]}

# name, request, reply
OPS = [
    ("hello", {}, {
        "version": "0.1.0",
        "protocol": 1,
        "features": [],
        "kinds": {
            "models": ["1PL", "2PL", "3PL", "4PL", "GRM", "GPCM"],
            "estimators": ["EAP", "MAP", "ML", "WLE"],
            "priors": ["normal", "uniform", "jeffreys"],
            "criteria": ["MFI", "random"],
            "stop_rules": ["length", "se", "time"],
        },
        "server_time_ms": CREATED_MS,
        "draining": False,
    }),
    ("ping", {}, {"server_time_ms": CREATED_MS, "draining": True}),
    ("stats", {}, {
        "uptime_ms": 86400000,
        "counters": {"requests": 65536, "errors": 3, "answers": 65535, "sessions_started": 256,
                     "sessions_finished": 255, "commits": 4294967296},
        "gauges": {"sessions_live": 1, "banks": 2, "tests": 128, "uploads": 0},
        "latency_us": {"p50": 319, "p99": 881, "p999": 1375.5, "max": 9007199254740991},
    }),
    ("bank.begin", {"bank": "algebra", "D": 1.702}, {"upload": 127}),
    ("bank.add", {"upload": 127, "items": [ITEM, GRADED]}, {"n_items": 2}),
    ("bank.publish", {"upload": 127}, {"bank": "algebra", "version": 3, "n_items": 2}),
    ("bank.abort", {"upload": 128}, {}),
    ("bank.get", {"bank": "algebra", "version": 3, "offset": 0, "limit": 2}, {
        "bank": "algebra",
        "version": 3,
        "D": 1.702,
        "n_items": 2,
        "created_ms": CREATED_MS,
        "retired": ["essay:1"],
        "items": [ITEM, GRADED],
    }),
    ("bank.list", {}, {"banks": [
        {"bank": "algebra", "version": 3, "n_items": 2, "D": 1.702, "created_ms": CREATED_MS},
    ]}),
    ("bank.retire", {"bank": "algebra", "item": "essay:1"}, {"n_retired": 1}),
    ("test.put", {"document": DOCUMENT}, {"test": "algebra-6", "version": 1}),
    ("test.get", {"test": "algebra-6", "version": None}, {
        "test": "algebra-6",
        "version": 1,
        "bank_version": 3,
        "created_ms": CREATED_MS,
        "document": DOCUMENT,
    }),
    ("test.list", {}, {"tests": [
        {"test": "algebra-6", "version": 1, "bank": "algebra", "created_ms": CREATED_MS},
    ]}),
    ("session.start", {
        "test": "algebra-6",
        "examinee": "pupil:4711",
        "session": ASKING["session"],
        "group": "6b",
        "prior": {"mean": -0.5, "sd": 0.75},
        "seed": 18,
    }, ASKING),
    ("session.answer", ANSWER | {"response": 1, "elapsed_ms": 23456}, SECOND),
    ("session.answer raw", ANSWER | {"response": "2/3"}, SECOND),
    ("session.answer omitted", ANSWER | {"response": None}, SECOND),
    ("session.get", SESSION, ASKING),
    ("session.suspend", SESSION, SUSPENDED),
    ("session.resume", SESSION, SECOND),
    ("session.finish", SESSION, FINISHED),
    ("session.finish before the first answer", SESSION, UNMEASURED),
    ("session.void", SESSION | {"reason": "fire alarm"}, SUSPENDED | {"state": "voided"}),
    ("irt.curve", {"bank": "algebra", "items": ["frac-017"], "theta": [-0.25, 1]}, {
        "curves": [{"id": "frac-017", "p": [[0.5, 0.5], [0.164516, 0.835484]],
                    "info": [0.4225, 0.232289]}],
    }),
    ("irt.estimate", {
        "items": [ITEM, GRADED],
        "D": 1.0,
        "responses": [["frac-017", 1], ["essay:1", None]],
        "method": "MAP",
        "prior": {"dist": "normal", "mean": 0, "sd": 1},
        "bounds": {"min": -4.0, "max": 4.0},
    }, {"theta": 0.39, "se": 0.852, "boundary": "none", "iterations": 7}),
    ("irt.rank", {"bank": "algebra", "version": 3, "theta": -0.25, "criterion": "MFI",
                  "exclude": ["essay:1"], "top": 10},
     {"theta": -0.25, "ranked": [["frac-017", 0.4225]]}),
]

# name, request id, error
ERRORS = [
    ("bad_request", None, {"code": "bad_request", "retry": False,
                           "message": "not a MessagePack value within the limits: "
                                      "cut short at byte 17"}),
    ("bad_request with a field", "e-2", {
        "code": "bad_request", "field": "prior.sd", "retry": False,
        "message": "must be a finite number between 0.001 and 100"}),
    ("wrong_item", "e-3", {"code": "wrong_item", "item": "frac-018", "retry": False,
                           "message": "the question being asked is another"}),
    ("busy", 4, {"code": "busy", "message": "too many live sessions", "retry": True}),
]
FAULTS = [
    {"item": "frac-017", "field": "a", "message": "must be a finite number between 0 and 100"},
    {"item": "frac-019", "field": "difficulty", "message": "unknown key"},
]


def vector(name, kind, message):
    return {"name": name, "kind": kind, "message": message, "hex": msgpack.packb(message).hex()}


def vectors():
    for number, (name, fields, reply) in enumerate(OPS):
        message_id = 1 << number if number % 3 else f"c0ffee-{number}"
        head = {"v": 1, "id": message_id}
        yield vector(name, "request", head | {"op": name.split()[0]} | fields)
        yield vector(name, "reply", head | {"ok": True} | reply)
    for name, message_id, error in ERRORS:
        yield vector(name, "reply", {"v": 1, "id": message_id, "ok": False, "error": error})
    error = {"code": "invalid_bank", "message": "2 items are refused", "retry": False}
    yield vector("invalid_bank", "reply", {
        "v": 1, "id": "e-5", "ok": False, "error": error, "faults": FAULTS, "n_faults": 2})


def main():
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in vectors())
    sys.stdout.write(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
