# SPDX-License-Identifier: GPL-3.0-or-later
"""Every op of the protocol with its fields, and for each field what must be refused."""

LARGEST_INT = 2**53 - 1
NAN, INF = float("nan"), float("inf")

SAMPLES = {"bool": True, "int": 7, "float": 2.385, "str": "text", "bin": b"bytes", "array": [7],
           "map": {"k": 7}}
# Which samples are of the field's own type.
TAKES = {"id": {"str"}, "str": {"str"}, "int": {"int"}, "signed": {"int"},
         "number": {"int", "float"}, "array": {"array"}, "map": {"map"}, "response": {"int", "str"},
         "bool": {"bool"}}
BAD_IDS = ["", "x" * 65, "a b", "a/b", "a\0b", "\u00e4", "\n"]
BAD_INTS = [-1, LARGEST_INT + 1, -LARGEST_INT - 1, 2**64 - 1]
BAD_NUMBERS = [NAN, INF, -INF]
BAD_OF_KIND = {"id": BAD_IDS, "int": BAD_INTS, "signed": BAD_INTS[1:], "number": BAD_NUMBERS}


class Field:
    """`bad` lists further values that are refused at `at` (this field's name by default)."""

    def __init__(self, kind, required=True, bad=()):
        self.kind = kind
        self.required = required
        self.bad = [(case if isinstance(case, At) else At(case)) for case in bad]

    def wrong_types(self):
        return [value for name, value in SAMPLES.items() if name not in TAKES[self.kind]]

    def out_of_range(self):
        return [At(value) for value in BAD_OF_KIND.get(self.kind, [])] + self.bad


class At:
    """A value, below the field where the daemon must point, and other codes that are right too."""

    def __init__(self, value, below="", codes=()):
        self.value = value
        self.below = below
        self.codes = ("bad_request", *codes)


def optional(kind, *bad):
    return Field(kind, required=False, bad=bad)


def needed(kind, *bad):
    return Field(kind, bad=bad)


SESSION = {"session": needed("id")}
PRIOR = [At({"sd": 1}, "mean"), At({"mean": 0}, "sd"), At({"mean": "x", "sd": 1}, "mean"),
         At({"mean": INF, "sd": 1}, "mean"),
         *[At({"mean": 0, "sd": sd}, "sd") for sd in (0, -1.5, NAN, [], "1")]]
ITEMS = [At(["i1", 7]), At([{"id": "x"}], codes=("invalid_bank",)), At(["nope"],
         codes=("unknown_item",)), At([[]])]
MEASURE = {
    "method": optional("str", "NOPE", "eap", ""),
    "prior": optional("map", At({"dist": "nope"}, "dist"), At({"dist": "normal", "sd": 0}, "sd"),
                      At({"dist": "uniform", "min": 2, "max": 1}), At({"dist": 7}, "dist"),
                      At({"dist": "table", "theta": [0, NAN], "weight": [1, 1]}, "theta"),
                      At({"dist": "table", "theta": [0, 1], "weight": [1, -1]}, "weight"),
                      At({"dist": "table", "theta": [7, 8], "weight": [1, 1]})),
    "grid": optional("map", At({"nodes": 1}, "nodes"), At({"nodes": 513}, "nodes"),
                     At({"nodes": 2.385}, "nodes"), At({"min": 3, "max": -3}),
                     At({"rule": "nope"}, "rule"), At({"min": NAN}, "min")),
    "bounds": optional("map", At({"min": 4, "max": -4}), At({"max": "x"}, "max"),
                       At({"min": -INF}, "min"))}
RESPONSES = [At([["i1"]]), At([["i1", 1, 1]]), At([[7, 1]]), At(["i1"]),
             At([["nope", 1]], codes=("unknown_item",)),
             At([["i1", 2]], codes=("bad_response",)), At([["i1", -1]], codes=("bad_response",)),
             At([["i1", 2.385]], codes=("bad_response",)), At([["i1", "x"]],
                                                             codes=("bad_response",))]
THETA_LIST = [["x"], [NAN], [1, INF], [0.5] * 1001, [[0.5]], [True]]
VERSION = optional("int", At(0, codes=("unknown_bank",)), At(99, codes=("unknown_bank",)))
IRT_BANK = {"bank": optional("id", At("nope", codes=("unknown_bank",))), "version": VERSION,
            "items": optional("array", *ITEMS)}

OPS = {
    "hello": {},
    "ping": {},
    "stats": {},
    "bank.begin": {"bank": needed("id"), "D": optional("number", 0, -1.702)},
    "bank.add": {"upload": needed("int", At(10**6, codes=("unknown_bank",))),
                 "items": needed("array", At([{"id": f"x{i}"} for i in range(501)],
                                             codes=("too_large",)))},
    "bank.publish": {"upload": needed("int", At(10**6, codes=("unknown_bank",)))},
    "bank.abort": {"upload": needed("int")},
    "bank.get": {"bank": needed("id", At("nope", codes=("unknown_bank",))), "version": VERSION,
                 "offset": optional("int"), "limit": optional("int", 501)},
    "bank.list": {},
    "bank.retire": {"bank": needed("id", At("nope", codes=("unknown_bank",))),
                    "item": needed("id", At("nope", codes=("unknown_item",)))},
    "test.put": {"document": needed("map")},
    "test.get": {"test": needed("id", At("nope", codes=("unknown_test",))),
                 "version": optional("int", At(99, codes=("unknown_test",)))},
    "test.list": {},
    "session.start": {"test": needed("id", At("nope", codes=("unknown_test",))),
                      "examinee": needed("id"), "session": optional("id"),
                      "group": optional("id"), "prior": optional("map", *PRIOR),
                      "seed": optional("signed")},
    "session.answer": {
        **SESSION,
        "seq": needed("int", At(0, codes=("stale_seq",)), At(1001, codes=("stale_seq",))),
        "item": needed("id", At("nope", codes=("wrong_item", "unknown_item"))),
        "response": Field("response", required=False, bad=[
            At(99, codes=("bad_response",)), At(-1, codes=("bad_response",)),
            At(2, codes=("bad_response",)), At(LARGEST_INT + 1, codes=("bad_response",)),
            At("Z", codes=("bad_response",)), At("x" * 257, codes=("bad_response", "too_large"))]),
        "elapsed_ms": optional("int")},
    "session.revise": {
        **SESSION,
        "seq": needed("int", At(0, codes=("stale_seq",)), At(1001, codes=("stale_seq",))),
        "item": needed("id", At("nope", codes=("wrong_item", "unknown_item"))),
        "response": Field("response", required=False, bad=[
            At(99, codes=("bad_response",)), At(-1, codes=("bad_response",)),
            At("Z", codes=("bad_response",)), At("x" * 257, codes=("bad_response", "too_large"))]),
        "elapsed_ms": optional("int")},
    "session.score": {**SESSION, "seq": needed("int", At(0)), "score": needed("int", 16)},
    "session.answers": {**SESSION, "offset": optional("int", 1001),
                        "limit": optional("int", 0, 1001)},
    "session.list": {"test": optional("id"), "examinee": optional("id"),
                     "state": optional("str", "", "new", "Asking", "x" * 65),
                     "after": optional("id"), "limit": optional("int", 0, 501)},
    "session.get": SESSION,
    "session.suspend": SESSION,
    "session.resume": SESSION,
    "session.finish": SESSION,
    "session.void": {**SESSION, "reason": optional("str", At("x" * 257, codes=("too_large",)))},
    "session.explain": {**SESSION, "seq": optional("int", At(1001, codes=("bad_request",))),
                        "offset": optional("int"), "limit": optional("int")},
    "log.verify": {"run": optional("int", At(0), At(7, codes=("conflict",))),
                   "head": optional("map", At({"event": 0, "seal": "ab" * 16}, "event"),
                                    At({"event": 1}, "seal"), At({"event": 1, "seal": 7}, "seal"),
                                    At({"event": 1, "seal": "ab" * 15}, "seal"),
                                    At({"event": 1, "seal": "xy" * 16}, "seal"))},
    "admin.backup": {"name": optional("id", ".x")},
    "admin.drain": {"on": optional("bool")},
    "examinee.export": {"examinee": needed("id"), "after": optional("id"),
                        "reason": optional("str", At("x" * 257, codes=("bad_request",)))},
    "examinee.erase": {"examinee": needed("id"), "after": optional("id"),
                       "reason": optional("str", At("x" * 257, codes=("bad_request",)))},
    "audit.list": {"from": optional("int", 0), "limit": optional("int", 0, 1001),
                   "subject": optional("id"), "examinee": optional("id")},
    "irt.curve": {**IRT_BANK, "theta": needed("array", *THETA_LIST)},
    "irt.estimate": {**IRT_BANK, "responses": needed("array", *RESPONSES), **MEASURE},
    "irt.rank": {**IRT_BANK, "theta": optional("number", 1e6), **MEASURE,
                 "responses": optional("array", *RESPONSES), "criterion": optional("str", "NOPE"),
                 "pace": optional("map", At({"by": "se"}, "at"), At({"by": "x"}, "by"),
                                  At({"at": 0}, "at"), At({"acceleration": -1}, "acceleration")),
                 "max_items": optional("int", 0, 1001),
                 "exclude": optional("array", [7], [[]]), "top": optional("int")},
}

# Which roles may use an op; "any" is every one.
ROLES = ("frontend", "proctor", "teacher", "author", "admin", "metrics")
MAY = {
    "hello": ROLES, "ping": ROLES, "stats": ("metrics",),
    "session.start": ("frontend",), "session.answer": ("frontend",), "session.void": ("proctor",),
    **{op: ("frontend", "proctor") for op in
       ("session.get", "session.suspend", "session.resume", "session.finish")},
    "session.explain": ("author",), "session.revise": ("frontend",),
    "session.score": ("proctor", "teacher", "admin"),
    **{op: ("proctor", "teacher", "author", "admin") for op in
       ("session.answers", "session.list")},
    **{op: ("admin",) for op in
       ("log.verify", "audit.list", "admin.backup", "admin.drain", "examinee.export",
        "examinee.erase")},
    **{op: ("author",) for op in OPS if op.startswith(("bank.", "test.", "irt."))},
}

# These are of all tenants, and so of the operator's alone.
WHOLE = ("stats", "admin.backup", "admin.drain")

# A change to a sound test document (dotted path, value) and where a fault must stand.
DELETE = object()
DOCUMENT_FAULTS = [
    ("test", DELETE, "test"), ("test", "a b", "test"), ("test", 7, "test"),
    ("bank", DELETE, "bank"), ("bank", "nope", "bank"), ("bank", 7, "bank"),
    ("reveal", 1, "reveal"), ("revael", True, "revael"), ("start", 7, "start"),
    ("start.theta", "x", "start.theta"), ("start.theta", NAN, "start.theta"),
    ("start.theta", 1e6, "start.theta"), ("start.thetta", 0, "start.thetta"),
    ("estimate", [], "estimate"), ("estimate.method", "NOPE", "estimate.method"),
    ("estimate.methd", "EAP", "estimate.methd"), ("estimate.method", 7, "estimate.method"),
    ("estimate.prior", 7, "estimate.prior"),
    ("estimate.prior.dist", "nope", "estimate.prior.dist"),
    ("estimate.prior.sd", 0, "estimate.prior.sd"),
    ("estimate.prior.sd", -1.5, "estimate.prior.sd"),
    ("estimate.prior.mean", INF, "estimate.prior.mean"),
    ("estimate.prior.sdd", 1, "estimate.prior.sdd"),
    ("estimate.prior", {"dist": "uniform", "min": 2, "max": 1}, "estimate.prior"),
    ("estimate.prior", {"dist": "table"}, "estimate.prior.theta"),
    ("estimate.prior", {"dist": "table", "theta": [1, 0], "weight": [1, 1]},
     "estimate.prior.theta"),
    ("estimate.prior", {"dist": "table", "theta": [0, 1], "weight": [1]}, "estimate.prior.weight"),
    ("estimate.grid.nodes", 1, "estimate.grid.nodes"),
    ("estimate.grid.nodes", 513, "estimate.grid.nodes"),
    ("estimate.grid.nodes", 2.385, "estimate.grid.nodes"),
    ("estimate.grid", {"min": 2, "max": 1}, "estimate.grid"),
    ("estimate.grid.rule", "simpson", "estimate.grid.rule"),
    ("estimate.grid.step", 1, "estimate.grid.step"),
    ("estimate.bounds", {"min": 2, "max": 1}, "estimate.bounds"),
    ("estimate.bounds.min", "x", "estimate.bounds.min"),
    ("final.method", "NOPE", "final.method"), ("final.grid.nodes", 0, "final.grid.nodes"),
    ("select.criterion", "NOPE", "select.criterion"),
    ("select.randomesque", 0, "select.randomesque"),
    ("select.randomesque", 65, "select.randomesque"), ("select.randomness", 5, "select.randomness"),
    ("blueprint.enemies", 1, "blueprint.enemies"), ("blueprint.sets", 7, "blueprint.sets"),
    ("blueprint.sets", "apart", "blueprint.sets"),
    ("blueprint.max_per_set", 2, "blueprint.max_per_set"),
    ("blueprint.proportions", 7, "blueprint.proportions"),
    ("blueprint.proportions.tag", DELETE, "blueprint.proportions.tag"),
    ("blueprint.proportions.targets", [], "blueprint.proportions.targets"),
    ("blueprint.proportions.targets.0.proportion", 0.7, "blueprint.proportions"),
    ("blueprint.proportions.targets.0.proportion", 0, "blueprint.proportions.targets"),
    ("blueprint.proportions.targets.0.value", 7, "blueprint.proportions.targets.0.value"),
    ("blueprint.proportions.targets.1.value", "one", "blueprint.proportions.targets"),
    ("omit", "sometimes", "omit"), ("omit", 7, "omit"),
    ("revise", -1, "revise"), ("revise", 1001, "revise"), ("revise", "2", "revise"),
    ("stop", 7, "stop"), ("stop.any", 7, "stop.any"), ("stop.any", [7], "stop.any.0"),
    ("stop.min_items", -1, "stop.min_items"), ("stop.min_itmes", 1, "stop.min_itmes"),
    ("stop.any.0.rule", "nope", "stop.any.0.rule"), ("stop.any.0.rule", DELETE, "stop.any.0"),
    ("stop.any.0.at", DELETE, "stop.any.0.at"), ("stop.any.0.at", 0, "stop.any.0.at"),
    ("stop.any.0.at", 2.385, "stop.any.0.at"), ("stop.any.0.att", 9, "stop.any.0.att"),
    ("stop.any.1.at", 0, "stop.any.1.at"), ("stop.any.1.at", "x", "stop.any.1.at"),
    ("stop.any.1.at", NAN, "stop.any.1.at"),
    ("stop.any.2.at_ms", -1, "stop.any.2.at_ms"), ("stop.any.2.at_ms", "x", "stop.any.2.at_ms"),
    ("stop.any.3.all.0.rule", "nope", "stop.any.3.all.0.rule"),
    ("scale.slope", "x", "scale.slope"), ("scale.min", 400, "scale"),
    ("scale.slpoe", 1, "scale.slpoe"), ("cuts", 7, "cuts"), ("cuts", [7], "cuts.0"),
    ("cuts.0.theta", "x", "cuts.0.theta"), ("cuts.0.theta", NAN, "cuts.0.theta"),
    ("cuts.0.name", 7, "cuts.0.name"), ("cuts.0.naem", "x", "cuts.0.naem"),
]
DOCUMENT = {
    "test": "sound", "bank": "bank", "reveal": False, "start": {"theta": 0.1},
    "estimate": {"method": "EAP", "prior": {"dist": "normal", "mean": 0.1, "sd": 1.2},
                 "grid": {"min": -6, "max": 6, "nodes": 61, "rule": "trapezoid"},
                 "bounds": {"min": -4, "max": 4}},
    "final": {"method": "WLE", "grid": {"nodes": 61}},
    "select": {"criterion": "MFI", "randomesque": 2},
    "blueprint": {"proportions": {"tag": "strand", "targets": [
        {"value": "one", "proportion": 0.4}, {"value": "two", "proportion": 0.6}]}},
    "omit": "wrong",
    "stop": {"min_items": 2, "any": [
        {"rule": "length", "at": 8}, {"rule": "se", "at": 0.3}, {"rule": "time", "at_ms": 10**6},
        {"all": [{"rule": "se", "at": 0.4}, {"rule": "length", "at": 4}]}]},
    "scale": {"slope": 10, "intercept": 200, "min": 100, "max": 350},
    "cuts": [{"name": "low", "theta": -0.8}, {"name": "high", "theta": 0.2}],
}
