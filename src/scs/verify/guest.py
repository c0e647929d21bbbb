# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A guest as seen from outside: ssh, and bytes through a plain TCP connection."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scs.images.tiny import USER
from scs.patience import patient
from scs.shell import run
from scs.verify.steps import Patience, ProofFailed

PORT = 5001
"""Where the guest takes and sends bytes."""
AMOUNT = 50_000_000
"""Bytes in each direction."""

_TRANSFER_SECONDS = 120
_DATA = "/tmp/bytes"  # noqa: S108 -- in the guest, which is ours alone
_IP_MTU = 14  # of linux/in.h; Python's socket module does not have it


# Keys and ssh.


def make_key(path: Path, comment: str) -> str:
    """Write a new private key; returns the public one with that comment."""
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])
    return path.with_suffix(".pub").read_text().strip()


@dataclass(frozen=True)
class Shell:
    """Commands in the guest, through ssh. The first login decides who it is from then on."""

    address: str
    key: Path
    known_hosts: Path

    def argv(self, command: str) -> list[str]:
        options = {
            "UserKnownHostsFile": self.known_hosts,
            "StrictHostKeyChecking": "accept-new",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "BatchMode": "yes",
            "ConnectTimeout": f"{patient(10):.0f}",
            "LogLevel": "ERROR",
        }
        words = ["ssh", "-F", "none", "-i", str(self.key)]
        for name, value in options.items():
            words += ["-o", f"{name}={value}"]
        return [*words, f"{USER}@{self.address}", command]

    def run(self, command: str, seconds: float = 30) -> str:
        """The output of a command; raises ProofFailed with the end of what was said."""
        seconds = patient(seconds)
        try:
            done = subprocess.run(
                self.argv(command),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ProofFailed(f"ssh {command!r} did not end within {seconds:.0f} s") from None
        if done.returncode:
            said = (done.stderr + done.stdout).strip()[-500:] or "nothing was said"
            raise ProofFailed(f"ssh {command!r} ended with {done.returncode}: {said}")
        return done.stdout

    @contextmanager
    def background(self, command: str) -> Iterator[subprocess.Popen[str]]:
        """A command that runs in the guest for as long as the block does."""
        with subprocess.Popen(
            self.argv(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()


# The way there.


def path_mtu(address: str) -> int:
    """The largest packet that this machine can send on its way there, as far as it knows."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        return int(probe.getsockopt(socket.IPPROTO_IP, _IP_MTU))


# Short calls.


def called(address: str, port: int) -> str:
    """What comes back from a TCP port until it is closed; nothing where nobody answers in time."""
    try:
        with socket.create_connection((address, port), timeout=patient(2)) as link:
            link.settimeout(patient(2))
            return link.recv(64).decode(errors="replace").strip()
    except OSError:
        return ""


def send_datagrams(address: str, port: int, count: int) -> None:
    """Some UDP packets, each from a port of its own, as from so many clients."""
    for _ in range(count):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.sendto(b"scs", (address, port))


# Bytes.


@dataclass(frozen=True)
class Throughput:
    """What went through in each direction, and how fast."""

    size: int
    to_guest: float
    from_guest: float
    segment: int
    """Bytes of payload per TCP packet."""

    @property
    def values(self) -> Mapping[str, float]:
        return {
            "megabits_in": round(megabits(self.size, self.to_guest), 1),
            "megabits_out": round(megabits(self.size, self.from_guest), 1),
        }


def megabits(size: int, seconds: float) -> float:
    """Megabits per second."""
    return size * 8 / 1e6 / max(seconds, 1e-6)


def listener() -> str:
    """The guest's side: takes bytes, tells what they were, and sends them back when asked again.

    They lie in memory, so that no disk is measured, and are counted after the clock stands.
    """
    take = f"cat > {_DATA}; stat -c %s {_DATA}; md5sum < {_DATA}"
    return f"nc -l -p {PORT} -e sh -c '{take}'; nc -l -p {PORT} -e cat {_DATA}; rm {_DATA}"


def measure(shell: Shell, patience: Patience, size: int = AMOUNT) -> Throughput:
    """Bytes in both directions through the guest's address; each side's checksum must agree."""
    data = os.urandom(size)
    digest = _md5(data)
    with shell.background(listener()) as process:
        with _connect(shell.address, process, patience) as link:
            segment = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
            start = time.monotonic()
            _send(link, data, patience)
            answer = _receive(link, patience, enough=lambda got: b"\n" in got)
            to_guest = time.monotonic() - start
            answer += _receive(link, patience)
        compare_answer(answer.decode(errors="replace"), size, digest)
        with _connect(shell.address, process, patience) as link:
            start = time.monotonic()
            back = _receive(link, patience)
            from_guest = time.monotonic() - start
        if len(back) != size:
            raise ProofFailed(f"of {size} bytes {len(back)} came back")
        if _md5(back) != digest:
            raise ProofFailed("the bytes that came back are not those that were sent")
    return Throughput(size, to_guest, from_guest, segment)


def compare_answer(answer: str, size: int, digest: str) -> None:
    """Raise ProofFailed unless the guest got so many bytes with this checksum."""
    match = re.match(r"\s*(\d+)\s+([0-9a-f]{32})\b", answer)
    if not match:
        raise ProofFailed(f"the guest should have told what it got, but said {answer[:200]!r}")
    if int(match[1]) != size:
        raise ProofFailed(f"of {size} bytes {match[1]} reached the guest")
    if match[2] != digest:
        raise ProofFailed("the bytes that reached the guest are not those that were sent")


def _md5(data: bytes | bytearray) -> str:
    # Against accidents, not attackers; the guest's emulated processor takes a third of SHA's time.
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _connect(address: str, process: subprocess.Popen[str], patience: Patience) -> socket.socket:
    """A connection once the guest listens."""
    said = ["nothing"]

    def attempt() -> socket.socket | None:
        if process.poll() is not None:
            told = process.stderr.read().strip() if process.stderr else ""
            raise ProofFailed(
                f"the guest's listener ended with {process.returncode}: {told[-300:]}"
            )
        try:
            return socket.create_connection((address, PORT), timeout=patient(3))
        except OSError as error:
            said[0] = str(error)
            return None

    link = patience.until(
        attempt, 20, lambda: f"no connection to port {PORT} of {address}: {said[0]}", every=0.1
    )
    link.settimeout(patient(20))
    return link


def _send(link: socket.socket, data: bytes, patience: Patience) -> None:
    allowed = patient(_TRANSFER_SECONDS)
    end = time.monotonic() + allowed
    view = memoryview(data)
    sent = 0
    try:
        while sent < len(view):
            patience.check()
            sent += link.send(view[sent : sent + 1_000_000])
            if time.monotonic() > end:
                raise TimeoutError(f"not done after {allowed:.0f} s")
        link.shutdown(socket.SHUT_WR)
    except OSError as error:
        raise ProofFailed(f"sending stopped after {sent} of {len(view)} bytes: {error}") from error


def _receive(
    link: socket.socket,
    patience: Patience,
    enough: Callable[[bytearray], bool] = lambda got: False,
) -> bytearray:
    """All that comes until the other side ends, or until it is enough."""
    allowed = patient(_TRANSFER_SECONDS)
    end = time.monotonic() + allowed
    got = bytearray()
    try:
        while not enough(got) and (part := link.recv(1_000_000)):
            patience.check()
            got += part
            if time.monotonic() > end:
                raise TimeoutError(f"not done after {allowed:.0f} s")
    except OSError as error:
        raise ProofFailed(f"receiving stopped after {len(got)} bytes: {error}") from error
    return got
