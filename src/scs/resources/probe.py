# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Probes: one question to a running service, answered with what was seen."""

from __future__ import annotations

import json
import re
import socket
import ssl
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from .base import ConvergeError, Resource, Seen, command, patient

CA = "/etc/scs/ca.pem"


def ask(probe: Mapping[str, Any], timeout: float = 5.0) -> str:
    """Answer one probe: an empty text when all is well, else what is wrong.

    `probe` has a `type` (a function below) and that function's arguments.
    """
    arguments = {key: value for key, value in probe.items() if key != "type"}
    try:
        return PROBES[probe["type"]](timeout=timeout, **arguments)
    except (OSError, ValueError, ConvergeError) as error:
        return f"{probe['type']}: {str(error) or type(error).__name__}"


def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=CA if Path(CA).exists() else None)


def http(*, url: str, timeout: float, status: Sequence[int] = (200, 204, 300)) -> str:
    """The service answers this address with one of these states."""
    context = _tls() if url.startswith("https") else None
    try:
        with urllib.request.urlopen(url, timeout=patient(timeout), context=context) as answer:
            code = answer.status
    except urllib.error.HTTPError as error:
        code = error.code
    return "" if code in status else f"{url} answered {code}"


def tcp(*, host: str, port: int, timeout: float) -> str:
    """The port accepts connections."""
    with socket.create_connection((host, port), patient(timeout)):
        return ""


def unix(*, path: str, timeout: float) -> str:
    """The socket accepts connections."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(patient(timeout))
        connection.connect(path)
    return ""


def succeeds(*, argv: Sequence[str], timeout: float) -> str:
    """The command ends well."""
    command(list(argv), timeout=max(timeout, 20))
    return ""


def sql(*, query: str, equals: str, timeout: float) -> str:
    """The database answers the query with exactly this text (rows on lines, tabs between)."""
    answer = command(["mariadb", "--batch", "--skip-column-names"], stdin=query, timeout=timeout)
    return "" if answer.strip() == equals else f"the database answers {answer.strip()[:80]!r}"


def login(*, url: str, user: str, password: str, project: str, timeout: float) -> str:
    """Keystone gives this user a token for the project, in the default domain."""
    domain = {"id": "default"}
    body = {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"name": user, "domain": domain, "password": password}},
            },
            "scope": {"project": {"name": project, "domain": domain}},
        }
    }
    request = urllib.request.Request(
        f"{url}/v3/auth/tokens", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=patient(timeout), context=_tls()) as answer:
            return "" if answer.status == 201 else f"{url} answered {answer.status}"
    except urllib.error.HTTPError as error:
        return f"{url} answered {error.code} for user {user}"


def amqp(*, host: str, port: int, vhost: str, user: str, password: str, timeout: float) -> str:
    """The message queue lets this user into the virtual host (AMQP 0-9-1 over TLS)."""
    context = _tls()
    with (
        socket.create_connection((host, port), patient(timeout)) as plain,
        context.wrap_socket(plain, server_hostname=host) as stream,
    ):
        stream.sendall(b"AMQP\x00\x00\x09\x01")
        if _method(stream) != (10, 10):
            return "no AMQP start"
        secret = f"\0{user}\0{password}".encode()
        response = struct.pack(">I", 0) + b"\x05PLAIN" + struct.pack(">I", len(secret)) + secret
        _send(stream, 10, 11, response + b"\x05en_US")
        if _method(stream) != (10, 30):
            return f"refuses user {user}"
        _send(stream, 10, 31, struct.pack(">HIH", 1, 131072, 0))
        name = vhost.encode()
        _send(stream, 10, 40, bytes([len(name)]) + name + b"\x00\x00")
        if _method(stream) != (10, 41):
            return f"does not let {user} into {vhost}"
        _send(stream, 10, 50, struct.pack(">HBHH", 200, 0, 0, 0))
    return ""


def _send(stream: ssl.SSLSocket, class_id: int, method: int, arguments: bytes) -> None:
    body = struct.pack(">HH", class_id, method) + arguments
    stream.sendall(struct.pack(">BHI", 1, 0, len(body)) + body + b"\xce")


def _method(stream: ssl.SSLSocket) -> tuple[int, int]:
    head = _exactly(stream, 7)
    size = struct.unpack(">I", head[3:7])[0]
    body = _exactly(stream, size + 1)
    class_id, method = struct.unpack(">HH", body[:4])
    return class_id, method


def _exactly(stream: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = stream.recv(count - len(data))
        if not chunk:
            raise OSError("connection closed")
        data += chunk
    return data


def asok(
    *, path: str, prefix: str, timeout: float, name: str = "", values: Sequence[str] = ()
) -> str:
    """A daemon of Ceph answers at its admin socket, and says one of these of itself."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(patient(timeout))
        connection.connect(path)
        connection.sendall(json.dumps({"prefix": prefix}).encode() + b"\0")
        answer = json.loads(_exactly(connection, struct.unpack(">I", _exactly(connection, 4))[0]))
    told = str(answer.get(name, ""))
    return "" if not name or told in values else f"{path}: {name} is {told or 'not told'}"


def zone(*, host: str, name: str, timeout: float, port: int = 53) -> str:
    """The name server has this zone and answers for it (its SOA record, by TCP)."""
    labels = [label.encode() for label in name.rstrip(".").split(".")]
    query = struct.pack(">HHHHHH", 0, 0, 1, 0, 0, 0)
    query += b"".join(bytes([len(label)]) + label for label in labels)
    query += b"\0" + struct.pack(">HH", 6, 1)
    with socket.create_connection((host, port), patient(timeout)) as connection:
        connection.sendall(struct.pack(">H", len(query)) + query)
        answer = _exactly(connection, struct.unpack(">H", _exactly(connection, 2))[0])
    if len(answer) < 12:
        return f"{host} gives no answer of DNS"
    flags, _, count = struct.unpack(">HHH", answer[2:8])
    if flags & 0xF or not flags & 0x400 or not count:
        return f"{host} does not have the zone {name} (RCODE {flags & 0xF})"
    return ""


def units(*, timeout: float) -> str:
    """No unit of systemd has failed."""
    listed = command(
        ["systemctl", "list-units", "--failed", "--plain", "--no-legend"], timeout=timeout
    )
    failed = [line.split()[0] for line in listed.splitlines() if line.strip()]
    return f"failed: {', '.join(failed)}" if failed else ""


def says(*, argv: Sequence[str], words: str, timeout: float) -> str:
    """The command's output has these words in it."""
    answer = command(list(argv), timeout=max(timeout, 20)).strip()
    return "" if words in answer else f"{' '.join(argv)} says {answer[:200]!r}"


def some(*, of: Sequence[Mapping[str, Any]], timeout: float) -> str:
    """At least one of these is well."""
    told = []
    for probe in of:
        if not (answer := ask(probe, timeout)):
            return ""
        told.append(answer)
    return "; ".join(told) or "nobody is asked"


PROBES: dict[str, Callable[..., str]] = {
    "some": some,
    "http": http,
    "tcp": tcp,
    "unix": unix,
    "asok": asok,
    "succeeds": succeeds,
    "says": says,
    "units": units,
    "sql": sql,
    "login": login,
    "amqp": amqp,
    "zone": zone,
}


hurry = threading.Event()
"""Set when a step has failed: what is waited for may then never come."""
GRACE = 20.0
"""Seconds that are still waited then."""


def wait(probe: Mapping[str, Any], seconds: float) -> None:
    """Ask until all is well; raises ConvergeError with the last answer after so many seconds."""
    # Patiently: what gives up early is still in the way of a service with a queue.
    until(lambda: ask(probe, PATIENCE), seconds)


def until(wrong: Callable[[], str], seconds: float) -> None:
    """The same, for what is no probe: `wrong` answers an empty text when all is well."""
    start = time.monotonic()
    seconds, grace = patient(seconds), patient(GRACE)
    pause = 0.05
    while answer := wrong():
        waited = time.monotonic() - start
        if waited > (min(seconds, grace) if hurry.is_set() else seconds):
            raise ConvergeError(f"not ready after {waited:.0f} s: {answer}")
        time.sleep(pause)
        pause = min(pause * 1.3, 0.5)


PATIENCE = 15.0
"""Seconds that a service may take to answer a look: it may have more to do than that."""


SLOW = 45.0
"""Seconds that one may take that did not answer at all within those."""
_LATE = re.compile(r"timed out|took longer than")


def ask_all(probes: Mapping[str, Mapping[str, Any]], timeout: float = PATIENCE) -> dict[str, str]:
    """Answer many probes at once; name → answer."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        answers = pool.map(lambda probe: ask(probe, timeout), probes.values())
        return dict(zip(probes, answers, strict=True))


def ask_patiently(probes: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The same, and those that only were too late a second time, with more patience.

    A service that is still loading, or shares its processors with much else, is slow and not
    broken: to restart it would end the requests that it has, and make it slower still.
    """
    answers = ask_all(probes)
    late = {name: probes[name] for name, answer in answers.items() if _LATE.search(answer)}
    return answers | ask_all(late, SLOW) if late else answers


@dataclass(frozen=True, kw_only=True)
class Gate(Resource):
    """Something that must be true before what comes after it; it is waited for, not made.

    It is asked only when something waits for it: whoever gives it is looked at anyway.
    """

    kind: ClassVar[str] = "gate"
    seen: ClassVar[bool] = False
    probe: Mapping[str, Any]
    seconds: float = 180

    @classmethod
    def observe(cls, wanted: Sequence[Gate]) -> dict[str, Seen]:
        return {}

    def compare(self, seen: Seen) -> str | None:
        return "is waited for"

    def converge(self) -> None:
        wait(self.probe, self.seconds)


@dataclass(frozen=True, kw_only=True)
class Check(Resource):
    """A question to what runs on this node; nothing follows from the answer by itself."""

    kind: ClassVar[str] = "check"
    probe: Mapping[str, Any]

    @classmethod
    def observe(cls, wanted: Sequence[Check]) -> dict[str, Seen]:
        answers = ask_all({want.id: want.probe for want in wanted})
        return {name: {"answer": answer} for name, answer in answers.items()}

    def compare(self, seen: Seen) -> str | None:
        return str(seen.get("answer", "was not asked")) or None

    def converge(self) -> None:
        raise ConvergeError("a check changes nothing")
