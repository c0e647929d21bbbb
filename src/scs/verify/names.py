# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""One question to a name server, as any resolver in the world would ask it (RFC 1035)."""

from __future__ import annotations

import secrets
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from scs.patience import patient

KINDS = {"A": 1, "AAAA": 28}
_INTERNET = 1


def look_up(
    server: str, name: str, kind: str, port: int = 53, timeout: float = 2
) -> list[IPv4Address | IPv6Address]:
    """The addresses of a name by UDP, sorted; none where there is no (whole) answer in time."""
    number = secrets.randbelow(65536)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(patient(timeout))
        link.connect((server, port))
        try:
            link.send(question(number, name, kind))
            return answers(link.recv(4096), number, kind)
        except (OSError, struct.error, IndexError):
            return []


def question(number: int, name: str, kind: str) -> bytes:
    """A query for one name; nobody is to be asked on our behalf."""
    labels = [label.encode() for label in name.rstrip(".").split(".")]
    encoded = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    head = struct.pack("!HHHHHH", number, 0, 1, 0, 0, 0)
    return head + encoded + struct.pack("!HH", KINDS[kind], _INTERNET)


def answers(message: bytes, number: int, kind: str) -> list[IPv4Address | IPv6Address]:
    """The addresses in an authoritative answer to the question of that number; else none."""
    known, flags, questions, count = struct.unpack("!HHHH", message[:8])
    response, authoritative, code = flags & 0x8000, flags & 0x0400, flags & 0x000F
    if known != number or not response or not authoritative or code:
        return []
    at = 12
    for _ in range(questions):
        at = _after_name(message, at) + 4
    return sorted(_addresses(message, at, count, KINDS[kind]), key=int)


def _addresses(
    message: bytes, at: int, count: int, wanted: int
) -> Iterator[IPv4Address | IPv6Address]:
    for _ in range(count):
        at = _after_name(message, at)
        kind, _, _, size = struct.unpack("!HHIH", message[at : at + 10])
        at += 10
        if kind == wanted:
            yield ip_address(message[at : at + size])
        at += size


def _after_name(message: bytes, at: int) -> int:
    """Where a name ends: at its empty label, or with a pointer to the rest."""
    while size := message[at]:
        if size >= 0xC0:
            return at + 2
        at += size + 1
    return at + 1
