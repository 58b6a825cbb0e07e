# SPDX-License-Identifier: Apache-2.0
"""One request, one reply, over a DEALER socket.

No reply leaves the outcome of a request unknown. The protocol makes the same bytes safe to send
again, so a try that fails closes its socket and the next one sends the same bytes, with the same
request id, on a new socket: whatever was queued on the old one is gone with it. Of several
endpoints, nodes of one district, one is used until it fails us; the new socket goes to the next.
"""

import os
import random
import secrets
import time
import uuid

import msgpack
import zmq
import zmq.auth

UPLOADS = 3  # tries of an upload, where another node is in the way
BATCH_ITEMS = 500  # the daemon takes so many items in one bank.add
BATCH_BYTES = 1000000  # and 1 MiB in one message; the rest is room for the other fields
KEY_CHARACTERS = 40
BACKOFF_FIRST_S = 0.1
BACKOFF_MAX_S = 2.0
CONNECT_S = 1.0  # the wait for a connection where there are other endpoints

# libzmq tells of a broken connection only by having none, until it has made a new one: whoever
# waits must look more often than that takes.
LOOK_S = 0.1
RECONNECT_MS = 250
RECONNECT_MAX_MS = 5000

# A peer that is gone without a word, as by a power cut, is found out by these. They also keep a
# balancer from cutting a connection that is idle.
HEARTBEAT_MS = 10000
HEARTBEAT_TIMEOUT_MS = 30000


class ThetadError(Exception):
    """The daemon refused a request. `code` is one of the protocol's error codes."""

    def __init__(self, code, message, field=None, item=None, retry=False, reply=None,
                 retry_after_ms=None):
        where = "".join(f" [{name} {value}]" for name, value in (("item", item), ("field", field))
                        if value)
        super().__init__(f"{code}: {message}{where}")
        self.code = code
        self.message = message
        self.field = field
        self.item = item
        self.retry = retry
        self.retry_after_ms = retry_after_ms
        self.reply = reply or {}

    @property
    def faults(self):
        """What is wrong with a refused bank or test: maps of item, field and message."""
        return self.reply.get("error", {}).get("faults") or []

    @classmethod
    def of_reply(cls, reply):
        error = reply.get("error")
        if not isinstance(error, dict):
            error = {}
        return cls(error.get("code", "internal"), error.get("message", "no reason given"),
                   error.get("field"), error.get("item"), bool(error.get("retry")), reply,
                   error.get("retry_after_ms"))


class NoReply(TimeoutError):
    """No reply after every try. Whether the request was carried out is unknown."""


def pack(message):
    """The bytes of a request."""
    return msgpack.packb(message, use_bin_type=True)


def unpack(body):
    """The map in the bytes of a reply; None where they hold no map."""
    try:
        message = msgpack.unpackb(body, raw=False)
    except (ValueError, msgpack.UnpackException):
        return None
    return message if isinstance(message, dict) else None


def read_keys(server_key, key):
    """(server's public key, our public key, our secret key) for CURVE.

    `server_key` is the key itself, 40 characters, or the daemon's public certificate; `key` the
    file of our secret certificate, which must be nobody else's to read.
    """
    if len(os.fspath(server_key)) == KEY_CHARACTERS:
        server = os.fspath(server_key).encode("ascii")
    else:
        server, _ = zmq.auth.load_certificate(server_key)
    public, secret = zmq.auth.load_certificate(key)
    if secret is None:
        raise ValueError(f"{key} holds no secret key")
    if os.stat(key).st_mode & 0o077:
        raise PermissionError(f"{key} holds a secret key and others may use it; say chmod 0600")
    return server, public, secret


def batches(items, max_items):
    """Split `items` so that each part fits one bank.add."""
    part, size = [], 0
    for item in items:
        n = len(pack(item))
        if part and (len(part) >= max_items or size + n > BATCH_BYTES):
            yield part
            part, size = [], 0
        part.append(item)
        size += n
    if part:
        yield part


class Client:
    """A connection to one daemon, or to a district of them. Use one client per thread.

    `endpoint` is one, or several nodes of one district: a list, or a text with commas between them.
    `timeout` is the wait for a reply to one try and `deadline` (five times that by default) the
    longest that a call takes with its pauses, in seconds; `tries` says how often a request is sent
    at most, the first time counted. A connection older than `reconnect` seconds, give or take a
    quarter, is made anew before a request, so that a node that comes back gets its share.
    `server_key` and `key` are for a daemon that asks for keys: see read_keys.
    """

    def __init__(self, endpoint, timeout=3.0, tries=None, context=None, server_key=None, key=None,
                 deadline=None, reconnect=900.0):
        if (server_key is None) != (key is None):
            raise ValueError("server_key and key go together")
        self.endpoints = endpoint.split(",") if isinstance(endpoint, str) else list(endpoint)
        if not self.endpoints:
            raise ValueError("there is no endpoint")
        self.timeout = timeout
        self.tries = tries
        self.deadline = 5 * timeout if deadline is None else deadline
        self.reconnect = reconnect
        self._at = random.randrange(len(self.endpoints))
        self._context = context or zmq.Context.instance()
        self._keys = None if key is None else read_keys(server_key, key)
        self._socket = None
        self._renew = 0.0  # when the connection that stands is to be made anew
        # The daemon knows a repeated bank.add by its id: no two clients may make the same one.
        self._id_prefix = secrets.token_hex(8)
        self._n_request = 0

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        if self._socket is not None:
            self._socket.close(linger=0)
            self._socket = None

    @property
    def endpoint(self):
        """The endpoint in use."""
        return self.endpoints[self._at]

    def _leave(self):
        """Give up the connection; the next one goes to the endpoint after this one."""
        self.close()
        self._at = (self._at + 1) % len(self.endpoints)

    def _open(self):
        if self._socket is None:
            self._socket = self._context.socket(zmq.DEALER)
            self._socket.linger = 0
            self._socket.immediate = 1
            self._socket.sndtimeo = int(self.timeout * 1000)
            self._socket.reconnect_ivl = RECONNECT_MS
            self._socket.reconnect_ivl_max = RECONNECT_MAX_MS
            self._socket.heartbeat_ivl = HEARTBEAT_MS
            self._socket.heartbeat_timeout = HEARTBEAT_TIMEOUT_MS
            self._socket.tcp_keepalive = 1
            self._socket.ipv6 = True
            if self._keys is not None:
                (self._socket.curve_serverkey, self._socket.curve_publickey,
                 self._socket.curve_secretkey) = self._keys
            self._socket.connect(self.endpoint)
            self._renew = time.monotonic() + self.reconnect * random.uniform(0.75, 1.25)
        return self._socket

    def call(self, op, **fields):
        """Send a request and return the reply's map. Raises ThetadError or NoReply."""
        self._n_request += 1
        request_id = f"{self._id_prefix}-{self._n_request}"
        body = pack({"v": 1, "id": request_id, "op": op, **fields})
        if self._socket is not None and time.monotonic() > self._renew:
            self._leave()
        reply, n_tried = self._exchange(body, request_id)
        if reply is None:
            raise NoReply(f"{op}: no reply from {', '.join(self.endpoints)} in {n_tried} tries of "
                          f"{self.timeout} s")
        if reply.get("ok") is not True:
            raise ThetadError.of_reply(reply)
        return reply

    def _exchange(self, body, request_id):
        """(reply to the last try, or None, number of tries)."""
        end = time.monotonic() + self.deadline
        n_tried = 0
        while True:
            reply = self._try(body, request_id, min(time.monotonic() + self.timeout, end))
            n_tried += 1
            if reply is not None and not self._wants_retry(reply):
                return reply, n_tried
            if self._is_to_leave(reply, n_tried):
                self._leave()
            pause = self._pause(n_tried, reply)
            if n_tried == self.tries or time.monotonic() + pause >= end:
                return reply, n_tried
            time.sleep(pause)

    @staticmethod
    def _pause(n_tried, reply):
        # Full jitter: anywhere below a bound that doubles, so that clients that were cut off
        # together come back spread over all of it. Where the daemon says when, that comes after.
        bound = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** (n_tried - 1))
        after_ms = (reply or {}).get("error", {}).get("retry_after_ms")
        is_told = isinstance(after_ms, (int, float)) and after_ms > 0  # and no NaN
        return (after_ms / 1000 if is_told else 0.0) + random.uniform(0.0, bound)

    @staticmethod
    def _wants_retry(reply):
        error = reply.get("error")
        return reply.get("ok") is not True and isinstance(error, dict) and bool(error.get("retry"))

    @staticmethod
    def _is_to_leave(reply, n_tried):
        # Behind a balancer another connection is another daemon. One that says `retry` twice may be
        # cut off from what the others reach.
        code = None if reply is None else reply["error"].get("code")
        return reply is None or code == "draining" or (n_tried > 1 and code == "retry")

    def _try(self, body, request_id, deadline):
        """Send once and wait; None where no reply to this request came in time."""
        socket = self._open()
        if not self._wait_connected(socket, deadline):
            return None
        try:
            socket.send(body)
        except zmq.Again:  # the daemon went away between the poll and the send
            return None
        while self._wait_reply(socket, deadline):
            try:
                reply = unpack(socket.recv_multipart(zmq.NOBLOCK)[-1])
            except zmq.Again:  # it went with its connection, between the poll and here
                return None
            if reply is not None and self._is_answer(reply, request_id):
                return reply
            if time.monotonic() >= deadline:  # there may always be one more
                break
        return None

    def _wait_connected(self, socket, deadline):
        if len(self.endpoints) > 1:
            deadline = min(deadline, time.monotonic() + CONNECT_S)
        return self._poll(socket, zmq.POLLOUT, deadline)

    def _wait_reply(self, socket, deadline):
        """Whether something came in time; not where the connection breaks before."""
        while True:
            look = time.monotonic() + LOOK_S
            if self._poll(socket, zmq.POLLIN, min(look, deadline)):
                return True
            # A socket with ZMQ_IMMEDIATE can be written to while it has a connection, only then.
            connected = socket.getsockopt(zmq.EVENTS) & (zmq.POLLIN | zmq.POLLOUT)
            if look >= deadline or not connected:
                return False

    @staticmethod
    def _poll(socket, events, deadline):
        left_ms = max(0, int((deadline - time.monotonic()) * 1000))
        return socket.poll(left_ms, events) != 0

    @staticmethod
    def _is_answer(reply, request_id):
        # A daemon that could not read the id says nil. This socket has one request at a time, and
        # a new one replaces it after a lost reply, so such an error can only be about this one.
        unread = reply.get("id") is None and reply.get("ok") is False
        return unread or reply.get("id") == request_id

    def hello(self):
        return self.call("hello")

    def ping(self):
        return self.call("ping")

    def stats(self):
        return self.call("stats")

    def bank_upload(self, bank, items, D=1.0, batch=BATCH_ITEMS):
        """Publish a version of a bank, whole or not at all; the reply names the version. Behind a
        balancer a new connection may come to another node, which knows nothing of the upload: then
        it is begun again."""
        for _ in range(UPLOADS - 1):
            try:
                return self._upload(bank, items, D, batch)
            except ThetadError as error:
                if (error.code, error.field) != ("bad_request", "upload"):
                    raise
        return self._upload(bank, items, D, batch)

    def _upload(self, bank, items, D, batch):
        upload = self.call("bank.begin", bank=bank, D=D)["upload"]
        try:
            for part in batches(items, batch):
                self.call("bank.add", upload=upload, items=part)
            return self.call("bank.publish", upload=upload)
        except ThetadError:
            self._abort(upload)
            raise

    def _abort(self, upload):
        """Give up an upload. One that stays open is dropped by the daemon, so failing is fine."""
        try:
            self.call("bank.abort", upload=upload)
        except (ThetadError, NoReply):
            pass

    def test_put(self, document):
        return self.call("test.put", document=document)

    def session_start(self, test, examinee, session=None, **fields):
        """Start a session, or take up the one of this id. `fields`: group, prior, seed."""
        # The id is made here, so that a retry cannot start a second session.
        session = session or uuid.uuid4().hex
        return Session(self, self.call("session.start", test=test, examinee=examinee,
                                       session=session, **fields))

    def session(self, session):
        """A session that was started before."""
        return Session(self, self.call("session.get", session=session))

    def session_score(self, session, seq, score):
        """A person's score for an answer that waits for one, or another in its place."""
        return self.call("session.score", session=session, seq=seq, score=score)

    def session_answers(self, session):
        """All that session.answers tells of a session, its pages put together."""
        whole = self.call("session.answers", session=session)
        while len(whole["answers"]) < whole["n_answers"]:
            page = self.call("session.answers", session=session, offset=len(whole["answers"]))
            if not page["answers"]:
                break
            whole["answers"] += page["answers"]
        return whole

    def sessions(self, **fields):
        """The sessions one after the other, by id. `fields`: test, examinee, state, after."""
        while True:
            page = self.call("session.list", **fields)
            yield from page["sessions"]
            if "next" not in page:
                return
            fields["after"] = page["next"]

    def irt_curve(self, theta, bank=None, items=None, **fields):
        return self._irt("irt.curve", bank, items, theta=list(theta), **fields)["curves"]

    def irt_estimate(self, responses, bank=None, items=None, **fields):
        return self._irt("irt.estimate", bank, items, responses=list(responses), **fields)

    def irt_rank(self, bank=None, items=None, **fields):
        return self._irt("irt.rank", bank, items, **fields)

    def _irt(self, op, bank, items, **fields):
        for name, value in (("bank", bank), ("items", items)):
            if value is not None:
                fields[name] = value
        return self.call(op, **fields)


class Session:
    """One examinee's test. `state` is the protocol's state map as the daemon last told it."""

    def __init__(self, client, state):
        self.client = client
        self.state = state

    @property
    def id(self):
        return self.state["session"]

    @property
    def seq(self):
        return self.state["seq"]

    @property
    def item(self):
        """The question being asked, a map with its `id`; None where none is."""
        return self.state.get("item")

    @property
    def revisable(self):
        """How many of the last answers may be revised now."""
        return self.state.get("revisable", 0)

    @property
    def pending(self):
        """How many answers wait for a person's score."""
        return self.state.get("pending", 0)

    @property
    def result(self):
        """The result's map; None before the session has finished."""
        return self.state.get("result")

    def answers(self):
        """What was answered so far; for proctors, teachers, authors and admins."""
        return self.client.session_answers(self.id)

    def answer(self, score=None, raw=None, elapsed_ms=None):
        """Answer the present question: a score, a raw answer, or neither for an omitted one."""
        if self.item is None:
            raise ValueError(f"session {self.id} asks nothing: it is {self.state['state']}")
        return self._answer("session.answer", self.seq, self.item["id"], score, raw, elapsed_ms)

    def revise(self, seq, item, score=None, raw=None, elapsed_ms=None):
        """Another answer to question `seq`, which asked `item`: one of the last `revisable`.

        `elapsed_ms` is the time spent on the question in all; left out, the one told before stays.
        """
        return self._answer("session.revise", seq, item, score, raw, elapsed_ms)

    def _answer(self, op, seq, item, score, raw, elapsed_ms):
        if score is not None and raw is not None:
            raise ValueError("an answer is a score or a raw answer, not both")
        fields = {} if elapsed_ms is None else {"elapsed_ms": elapsed_ms}
        response = score if raw is None else raw
        return self._move(op, seq=seq, item=item, response=response, **fields)

    def get(self):
        return self._move("session.get")

    def suspend(self):
        return self._move("session.suspend")

    def resume(self):
        return self._move("session.resume")

    def finish(self):
        return self._move("session.finish")

    def _move(self, op, **fields):
        self.state = self.client.call(op, session=self.id, **fields)
        return self.state
