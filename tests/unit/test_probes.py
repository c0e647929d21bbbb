# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Probes against small servers on this machine's loopback address."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from scs.engine.pki import Authority
from scs.engine.vault import Vault
from scs.resources import QueueAccounts, observe, probe

LOCAL = "127.0.0.1"


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate of a CA that the probes trust."""
    authority = Authority(tmp_path / "pki.age", "test", Vault(tmp_path / "identity", own=True))
    crt, key = authority.issue("server", (LOCAL, "localhost"))
    (tmp_path / "ca.pem").write_text(authority.certificate)
    (tmp_path / "server.pem").write_text(crt + key)
    monkeypatch.setattr(probe, "CA", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return context


@pytest.fixture
def closed_port() -> int:
    with socket.create_server((LOCAL, 0)) as server:
        return int(server.getsockname()[1])


# --- tcp, unix


def test_tcp(closed_port: int) -> None:
    with socket.create_server((LOCAL, 0)) as server:
        port = server.getsockname()[1]
        assert probe.ask({"type": "tcp", "host": LOCAL, "port": port}) == ""
    assert "refused" in probe.ask({"type": "tcp", "host": LOCAL, "port": closed_port})


def test_some_of_several(closed_port: int) -> None:
    dead = {"type": "tcp", "host": "127.0.0.1", "port": closed_port}
    with socket.create_server(("127.0.0.1", 0)) as server:
        alive = {"type": "tcp", "host": "127.0.0.1", "port": server.getsockname()[1]}
        assert probe.ask({"type": "some", "of": [dead, alive]}) == ""
    told = probe.ask({"type": "some", "of": [dead, dead]})
    assert told.count("refused") == 2
    assert probe.ask({"type": "some", "of": []}) == "nobody is asked"


def test_unix(tmp_path: Path) -> None:
    question = {"type": "unix", "path": str(tmp_path / "socket")}
    assert "No such file" in probe.ask(question)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(question["path"])
        assert "refused" in probe.ask(question)
        server.listen()
        assert probe.ask(question) == ""


# --- http, Keystone's login


class Handler(BaseHTTPRequestHandler):
    """Answers with the state that the path names; lets one user in."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        user = body["auth"]["identity"]["password"]["user"]
        project = body["auth"]["scope"]["project"]["name"]
        right = (user["name"], user["password"], project) == ("nova", "right", "service")
        self.send_response(201 if right and self.path == "/v3/auth/tokens" else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@contextmanager
def http_server(context: ssl.SSLContext | None = None) -> Iterator[str]:
    with ThreadingHTTPServer((LOCAL, 0), Handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"{'https' if context else 'http'}://{LOCAL}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("state", "wrong"), [(200, False), (300, False), (204, False), (202, True), (503, True)]
)
def test_http(state: int, wrong: bool) -> None:
    with http_server() as url:
        answer = probe.ask({"type": "http", "url": f"{url}/{state}"})
    assert answer == (f"{url}/{state} answered {state}" if wrong else "")


def test_http_with_other_states() -> None:
    with http_server() as url:
        assert probe.ask({"type": "http", "url": f"{url}/401", "status": [401]}) == ""


def test_https_trusts_the_clouds_own_ca_and_no_other(
    tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_server(tls) as url:
        assert probe.ask({"type": "http", "url": f"{url}/200"}) == ""
        other = Authority(tmp_path / "other.age", "other", Vault(tmp_path / "identity", own=True))
        (tmp_path / "other.pem").write_text(other.certificate)
        monkeypatch.setattr(probe, "CA", str(tmp_path / "other.pem"))
        assert "CERTIFICATE_VERIFY_FAILED" in probe.ask({"type": "http", "url": f"{url}/200"})


def test_http_without_a_server(closed_port: int) -> None:
    url = f"http://{LOCAL}:{closed_port}/"
    assert probe.ask({"type": "http", "url": url}).startswith("http: ")


@pytest.mark.parametrize(("password", "wrong"), [("right", ""), ("wrong", "401 for user nova")])
def test_login(tls: ssl.SSLContext, password: str, wrong: str) -> None:
    with http_server(tls) as url:
        question = {"type": "login", "url": url, "user": "nova", "project": "service"}
        answer = probe.ask({**question, "password": password})
    assert answer == (f"{url} answered {wrong}" if wrong else "")


# --- AMQP


class Broker:
    """As much of RabbitMQ as a login needs: one user, one virtual host, AMQP 0-9-1 over TLS."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._listener = socket.create_server((LOCAL, 0))
        self._context = context
        self._thread = threading.Thread(target=self._serve)
        self.port: int = self._listener.getsockname()[1]
        self.closed_well = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            with plain, self._context.wrap_socket(plain, server_side=True) as stream:
                self._talk(stream)

    def _talk(self, stream: ssl.SSLSocket) -> None:
        if self._read(stream, 8) != b"AMQP\x00\x00\x09\x01":
            return
        tables = struct.pack(">I", 0) + struct.pack(">I", 5) + b"PLAIN" + struct.pack(">I", 5)
        self._send(stream, 10, 10, b"\x00\x09" + tables + b"en_US")
        start_ok = self._method(stream, 10, 11)
        (table,) = struct.unpack(">I", start_ok[:4])
        rest = start_ok[4 + table :]
        mechanism, rest = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
        (size,) = struct.unpack(">I", rest[:4])
        locale = rest[5 + size :]
        if (mechanism, rest[4 : 4 + size], locale) != (b"PLAIN", b"\0nova\0right", b"en_US"):
            return  # RabbitMQ just closes the connection
        self._send(stream, 10, 30, struct.pack(">HIH", 2047, 131072, 60))
        channels, frame, heartbeat = struct.unpack(">HIH", self._method(stream, 10, 31))
        assert (0 < channels <= 2047, frame, heartbeat) == (True, 131072, 0)
        opened = self._method(stream, 10, 40)
        if opened[1 : 1 + opened[0]] != b"nova":
            self._send(stream, 10, 50, struct.pack(">HB", 530, 0) + struct.pack(">HH", 10, 40))
            return
        self._send(stream, 10, 41, b"\x00")
        self._method(stream, 10, 50)
        self.closed_well += 1

    def _send(self, stream: ssl.SSLSocket, class_id: int, method: int, arguments: bytes) -> None:
        body = struct.pack(">HH", class_id, method) + arguments
        stream.sendall(struct.pack(">BHI", 1, 0, len(body)) + body + b"\xce")

    def _method(self, stream: ssl.SSLSocket, class_id: int, method: int) -> bytes:
        kind, channel, size = struct.unpack(">BHI", self._read(stream, 7))
        body = self._read(stream, size + 1)
        assert (kind, channel, body[-1]) == (1, 0, 0xCE)
        assert struct.unpack(">HH", body[:4]) == (class_id, method)
        return body[4:-1]

    def _read(self, stream: ssl.SSLSocket, count: int) -> bytes:
        data = b""
        while len(data) < count:
            chunk = stream.recv(count - len(data))
            assert chunk, "the client has gone"
            data += chunk
        return data


def question(broker: Broker, **values: str) -> dict[str, Any]:
    right = {"user": "nova", "password": "right", "vhost": "nova"}
    return {"type": "amqp", "host": LOCAL, "port": broker.port, **right, **values}


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ({}, ""),
        ({"password": "wrong"}, "amqp: connection closed"),
        ({"user": "nobody"}, "amqp: connection closed"),
        ({"vhost": "glance"}, "does not let nova into glance"),
    ],
)
def test_the_queue_lets_in_who_may_come_in(
    tls: ssl.SSLContext, values: dict[str, str], answer: str
) -> None:
    with Broker(tls) as broker:
        assert probe.ask(question(broker, **values)) == answer
    assert broker.closed_well == (not answer)


def test_queue_accounts_are_seen_by_logging_in(tls: ssl.SSLContext) -> None:
    with Broker(tls) as broker:
        accounts = (("nova", "right", "nova"), ("glance", "right", "glance"))
        item = QueueAccounts(name="accounts", host=LOCAL, port=broker.port, accounts=accounts)
        seen = observe([item])[item.id]
        left = replace(item, accounts=accounts[:0], gone=accounts)
        left_seen = observe([left])[left.id]
    assert seen["nova"] == ""
    assert item.compare(seen) == "cannot be used: glance"
    assert left.compare(left_seen) == "is to be removed: nova"


# --- zone


@pytest.mark.parametrize(
    ("flags", "answers", "wrong"),
    [
        (0x8400, 1, ""),
        (0x8005, 0, "does not have the zone example.org. (RCODE 5)"),
        # It asks others, or remembers what they said.
        (0x8080, 1, "does not have the zone"),
        (0x8400, 0, "does not have the zone"),
        (None, 0, "gives no answer of DNS"),
    ],
)
def test_a_name_server_has_a_zone(flags: int | None, answers: int, wrong: str) -> None:
    asked = bytearray()

    def answer() -> None:
        with server.accept()[0] as link:
            asked.extend(link.recv(1024))
            message = b"" if flags is None else struct.pack(">HHHHHH", 0, flags, 0, answers, 0, 0)
            link.sendall(struct.pack(">H", len(message)) + message)

    with socket.create_server((LOCAL, 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        port = server.getsockname()[1]
        question = {"type": "zone", "host": LOCAL, "name": "example.org.", "port": port}
        said = probe.ask(question)
        thread.join()
    assert (wrong in said) if wrong else not said
    # SOA, IN; the length comes first.
    assert bytes(asked[2:]).endswith(b"\7example\3org\0\0\6\0\1")
    assert asked[:2] == struct.pack(">H", len(asked) - 2)


# --- all of them


@pytest.mark.parametrize("name", ["tcp", "http", "amqp", "login", "zone"])
def test_a_server_that_says_nothing_does_not_hold_us(
    name: str, tls: ssl.SSLContext, closed_port: int
) -> None:
    """It accepts, and that is all."""
    with socket.create_server((LOCAL, 0)) as server:
        port = server.getsockname()[1]
        values: dict[str, dict[str, Any]] = {
            "tcp": {"host": LOCAL, "port": port},
            "http": {"url": f"http://{LOCAL}:{port}/"},
            "login": {"url": f"https://{LOCAL}:{port}", "user": "", "password": "", "project": ""},
            "amqp": {"host": LOCAL, "port": port, "vhost": "", "user": "", "password": ""},
            "zone": {"host": LOCAL, "port": port, "name": "example.org."},
        }
        answer = probe.ask({"type": name, **values[name]}, timeout=0.2)
    assert answer == "" if name == "tcp" else "timed out" in answer


def test_many_are_asked_at_once_and_keep_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    barrier = threading.Barrier(4)

    def together(*, name: str, timeout: float) -> str:
        barrier.wait(10)
        return name

    monkeypatch.setitem(probe.PROBES, "together", together)
    asked = {name: {"type": "together", "name": name.upper()} for name in "abcd"}
    assert probe.ask_all(asked) == {"a": "A", "b": "B", "c": "C", "d": "D"}


@pytest.mark.parametrize(
    ("seconds", "answer"), [(0.0, ""), (0.4, ""), (5.0, "http: timed out")], ids=str
)
def test_who_is_slow_is_asked_again_with_more_patience(
    monkeypatch: pytest.MonkeyPatch, seconds: float, answer: str
) -> None:
    ended = threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ended.wait(seconds)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    real = probe.ask_all
    monkeypatch.setattr(probe, "SLOW", 0.8)
    monkeypatch.setattr(probe, "ask_all", lambda asked, timeout=0.1: real(asked, timeout))
    with ThreadingHTTPServer((LOCAL, 0), Slow) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            url = f"http://{LOCAL}:{server.server_address[1]}/"
            assert probe.ask_patiently({"a": {"type": "http", "url": url}}) == {"a": answer}
        finally:
            ended.set()
            server.shutdown()
