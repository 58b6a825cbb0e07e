#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the seeds again: tests/fuzz/make_corpus.py.

They come from proto/vectors, from the banks of tests/golden and from what is written here. Files
named found-* are inputs that once broke something; they are kept as they are. Those of `event` and
`archive` are made by make_seeds for each run; what is kept of them is of an older format.
"""

import json
import struct
from pathlib import Path

import msgpack

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CORPUS = HERE / "corpus"
MADE = ("archive", "event")

BAD_BYTES = {
    "map32-of-16-million": b"\xdf\x01\x00\x00\x00",
    "array32-of-4-billion": b"\xdd\xff\xff\xff\xff",
    "str32-of-4-billion": b"\xdb\xff\xff\xff\xff",
    "deep": b"\x91" * 40 + b"\x01",
    "deepest": b"\x91" * 15 + b"\x90",
    "ext": b"\xc7\x01\x01\x00",
    "never": b"\xc1",
    "long-int": b"\xcf\x00\x00\x00\x00\x00\x00\x00\x01",
    "twice": b"\x82\xa1a\x01\xa1a\x02",
    "bad-utf8": b"\xa2\xc0\xaf",
    "behind": b"\x01\x01",
    "nan": b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
    "bin": b"\xc4\x03abc",
    "empty": b"",
}

ITEMS = [
    {"id": "q1", "model": "1PL", "b": 0},
    {"id": "q1", "model": "2PL", "a": 1.1, "b": -0.7, "options": ["x", "y"], "key": "x",
     "tags": {"strand": "a"}, "set": "s", "enemies": ["q2"], "content": {"text": "one"}},
    {"id": "q1", "model": "3PL", "a": 0.9, "b": 0.385, "c": 0.2, "key": "7", "exposure": 0.3},
    {"id": "q1", "model": "4PL", "a": 0.9, "b": 0.385, "c": 0.2, "d": 0.9, "rapid_ms": 800},
    {"id": "q1", "model": "GRM", "a": 1.4, "b": [-1, 0.2, 1.5]},
    {"id": "q1", "model": "MGRM", "a": 1.4, "b": 0.1, "steps": [-1, 0.2, 1.5]},
    {"id": "q1", "model": "GPCM", "a": 0.8, "b": [0.4, -0.3]},
    {"id": "q1", "model": "PCM", "b": [0.4, -0.3]},
    {"id": "q1", "model": "RSM", "b": 0.3, "steps": [-0.5, 0.5]},
    {"id": "q1", "model": "NRM", "a": [0.5, 1.1], "c": [0.2, -0.6]},
    {"id": "q1", "model": "2PL", "a": -1, "b": 1e9},
    {"id": "", "model": "5PL", "unknown": None},
]

TESTS = [
    {"test": "t", "bank": "b"},
    {"test": "t", "bank": "b", "reveal": True, "start": {"theta": 0.5, "items": ["q3"]},
     "estimate": {"method": "MAP", "prior": {"dist": "normal", "mean": 0.1, "sd": 1.2}},
     "final": {"method": "WLE", "bounds": {"min": -4, "max": 4}},
     "select": {"criterion": "MFI", "randomesque": 3}, "omit": "ignored",
     "stop": {"min_items": 2, "any": [{"rule": "se", "at": 0.4}, {"rule": "length", "at": 6}]},
     "scale": {"slope": 10, "intercept": 200, "min": 100, "max": 350},
     "cuts": [{"name": "basic", "theta": -0.8}, {"name": "good", "theta": 0.2}]},
    {"test": "t", "bank": "b", "estimate": {"method": "EAP", "prior": {
        "dist": "uniform", "min": -3, "max": 3}, "grid": {
        "min": -3, "max": 3, "nodes": 11, "rule": "sum"}},
     "stop": {"all": [{"rule": "change", "at": 0.2}, {"any": [
         {"rule": "min_info", "at": 0.1}, {"rule": "time", "at_ms": 9000}]}]}},
    {"test": "t", "bank": "b", "blueprint": {"proportions": {"tag": "strand", "targets": [
        {"value": "a", "share": 0.5}, {"value": "b", "share": 0.5}]}}},
    {"test": "t", "bank": "b", "exposure": {"rule": "sympson-hetter"}},
    {"test": "t", "bank": "b", "exposure": {"rule": "a-stratified", "strata": 3}},
    {"test": "t", "bank": "b", "cuts": [{"name": "c", "theta": 0}], "stop": {"any": [
        {"rule": "classify", "z": 1.96}, {"rule": "sprt", "alpha": 0.05, "beta": 0.05,
                                          "delta": 0.2}, {"rule": "glr", "alpha": 0.05,
                                                          "beta": 0.05, "delta": 0.2}]}},
    {"test": "t", "bank": "b", "estimate": {"method": "ML", "constant": "fence"}},
    {"test": "t", "bank": "b", "estimate": {"method": "ROB", "tuning": 1.0}},
]
CRITERIA = ("MFI", "random", "bOpt", "thOpt", "proportional", "progressive", "MPWI", "MLWI",
            "KL", "KLP", "GDI", "GDIP", "MEI", "MEPV")

SESSION = [
    {"op": "session.get", "session": "s1"},
    {"op": "session.answer", "session": "s1", "seq": 3, "item": "q4", "response": 1},
    {"op": "session.answer", "session": "s1", "seq": 2, "item": "q7", "response": None},
    {"op": "session.answer", "session": "s2", "seq": 2, "item": "q1", "response": "x",
     "elapsed_ms": 12},
    {"op": "session.resume", "session": "s3"},
    {"op": "session.suspend", "session": "s1"},
    {"op": "session.finish", "session": "s1"},
    {"op": "session.void", "session": "s1", "reason": "torn"},
    {"op": "session.explain", "session": "s1", "seq": 2, "limit": 5},
    {"op": "session.start", "test": "t", "examinee": "f", "session": "s5", "group": "6b",
     "prior": {"mean": 0.2, "sd": 0.9}, "seed": 4},
    {"op": "session.start", "test": "r", "examinee": "f"},
]
AUTHOR = [
    {"op": "bank.begin", "bank": "c", "D": 1.702},
    {"op": "bank.add", "upload": 2, "items": ITEMS[:3]},
    {"op": "bank.publish", "upload": 2},
    {"op": "bank.get", "bank": "b", "first": 1},
    {"op": "bank.list"},
    {"op": "bank.retire", "bank": "b", "item": "q3"},
    {"op": "bank.abort", "upload": 2},
    {"op": "test.get", "test": "t"},
    {"op": "test.list"},
    {"op": "irt.curve", "bank": "b", "items": ["q1", "q3"], "theta": [-1, 0, 1.5]},
    {"op": "irt.curve", "items": [ITEMS[4]], "theta": [0.3]},
    {"op": "irt.estimate", "bank": "b", "responses": [["q1", 1], ["q4", 2], ["q2", None]],
     "method": "WLE", "se": "exact"},
    {"op": "irt.rank", "bank": "b", "responses": [["q1", 1]], "criterion": "MEPV", "top": 3},
    {"op": "hello"}, {"op": "ping"}, {"op": "stats"},
]

CSV = {
    "native": "id,model,a,b,c,key,options,strand\nq1,2PL,1.1,-0.7,,x,x|y,a\nq2,3PL,.9,1,.2,,,b\n",
    "native-lists": "id\tmodel\ta\tb1\tb2\nq1\tGRM\t1.1\t-0.7\t1\n",
    "mirt": "\"\",\"a1\",\"d\",\"g\",\"u\"\n\"i1\",1.1,-.5,0.2,1\n\"i2\",.9,.3,0,1\n",
    "mirt-slopes": "item a b g u\ni1 1.1 -.5 0 1\n",
    "testdesign": "ID,MODEL,PAR1,PAR2,PAR3\nq1,3PL,1.1,-.3,.2\nq2,GPC,1,-.5,.5\nq3,1PL,.2,,\n",
    "testdesign-attributes":
        "ID,MODEL,PAR1,PAR2,PAR3\nq1,2PL,1.1,-.3,\n\n%%\nID,STRAND,STID\nq1,a,s1\n",
    "quotes": "id,model,b,text\nq1,1PL,0,\"a \"\"b\"\"\nc\"\nq2,1PL,1,x\r\n",
    "semicolons": "\ufeffid;model;b\nq1;1PL;0,5\n",
    "no-end": "id,model,b\nq1,1PL,\"0",
    "uneven": "id,model,b\nq1,1PL\nq2,1PL,1,2,3\n,,\n",
}

CONFIG = {
    "all": (ROOT / "systemd" / "thetad.conf").read_text(encoding="utf-8"),
    "roles": "[ipc]\nendpoint=ipc:///tmp/x\nroles = frontend, proctor\n[tcp]\nendpoint=\n",
    "limits": "[store]\nmap_size_mib = 0\n",
    "twice": "[thetad]\nlog_level = warn\nlog_level = info\n",
    "indented": "[thetad]\ndata_dir = a\n  b\n",
    "long": "[thetad]\ndata_dir = " + "x" * 600 + "\n",
    "off": "[ipc]\nendpoint=\n[tcp]\nendpoint=\n",
    "no-section": "x = 1\n; comment\n[open\n",
}


PUBLIC = 'public-key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"'
SECRET = 'secret-key = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"'
CERTIFICATES = {
    "public": f"metadata\n    name = \"n\"\n    role = \"author\"\ncurve\n    {PUBLIC}\n",
    "secret": f"# made\n\nmetadata\ncurve\n    {PUBLIC}\n    {SECRET}\n",
    "forms": f"metadata\r\n\ta = 'one # two' # x\r\n    b=x#y # z\n    c = \"\"\ncurve\n {PUBLIC}",
    "open-quote": "curve\n    public-key = \"Yne@$w\n",
    "unknown": f"metadata\n    na me = x\nsecrets\ncurve\n    {PUBLIC}\n",
    "nul": f"metadata\n    name = a\0b\ncurve\n    {PUBLIC}\n",
}


def save(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def sequence(messages, roles=0):
    """The peer's roles, then each message behind its length."""
    bodies = [msgpack.packb(message) for message in messages]
    return bytes([roles]) + b"".join(struct.pack(">H", len(b)) + b for b in bodies)


def request(fields, number=1):
    return {"v": 1, "id": number, **fields}


def make_wire():
    vectors = json.loads((ROOT / "proto" / "vectors" / "vectors.json").read_text(encoding="utf-8"))
    for i, vector in enumerate(vectors):
        if vector["kind"] == "request":
            save("request", f"vector-{vector['name']}-{i}", sequence([vector["message"]]))
        elif i % 5 == 0:
            save("prescan", f"vector-{vector['name']}-{i}", bytes.fromhex(vector["hex"]))
    for name, data in BAD_BYTES.items():
        save("prescan", name, data)
        save("request", name, b"\0" + struct.pack(">H", len(data)) + data)


def make_requests():
    for i, fields in enumerate(SESSION):
        save("request", f"session-{i}", sequence([request(fields)], 1))
    for i, fields in enumerate(AUTHOR):
        save("request", f"author-{i}", sequence([request(fields)]))
    save("request", "a-whole-bank", sequence([request(f, i) for i, f in enumerate(AUTHOR[:5])]))
    save("request", "a-whole-session", sequence([request(f, i) for i, f in enumerate(SESSION)]))
    for i, test in enumerate(TESTS):
        fields = {"op": "test.put", "document": test}
        save("request", f"test-{i}", sequence([request(fields)]))


def make_documents():
    for i, item in enumerate(ITEMS):
        save("item", f"item-{i}", msgpack.packb(item))
    for i, test in enumerate(TESTS):
        save("test", f"test-{i}", msgpack.packb(test))
    for name in CRITERIA:
        save("test", name, msgpack.packb({**TESTS[0], "select": {"criterion": name}}))
    demo = json.loads((ROOT / "clients" / "cli" / "demo-test.json").read_text(encoding="utf-8"))
    save("test", "demo", msgpack.packb(demo))


def make_tables():
    for name, text in CSV.items():
        save("import", name, b"\0\0" + text.encode())
    for path in sorted((ROOT / "tests" / "golden" / "banks").glob("*.csv")):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        table = [line for line in lines if not line.startswith("#")][:4]
        save("import", f"golden-{path.stem}", b"\0\2" + "".join(table).encode())
    for name, text in CONFIG.items():
        save("config", name, text.encode())
    for name, text in CERTIFICATES.items():
        save("certificate", name, text.encode())


def words(value):
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (key, *words(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from words(inner)


def make_dictionary():
    """What libFuzzer puts into an input: words of the protocol, with the byte of their length."""
    known = set(words([ITEMS, TESTS, SESSION, AUTHOR, list(CRITERIA)]))
    lines = [f"\"\\x{0xa0 + len(word):02x}{word}\"" for word in sorted(known)
             if 0 < len(word) < 32 and word.isascii() and word.isprintable() and word != "\\"]
    (HERE / "wire.dict").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    for old in CORPUS.glob("*/*"):
        if old.parent.name not in MADE and not old.name.startswith("found-"):
            old.unlink()
    make_wire()
    make_requests()
    make_documents()
    make_tables()
    make_dictionary()


if __name__ == "__main__":
    main()
