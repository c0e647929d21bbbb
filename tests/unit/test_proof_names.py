# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The proof's question to a name server, and which answers count."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from scs.verify import names


def message(number: int, flags: int, name: str, *records: tuple[int, bytes]) -> bytes:
    """An answer with one question, whose records point back at its name."""
    asked = names.question(number, name, "A")[12:]
    head = struct.pack("!HHHHHH", number, flags, 1, len(records), 0, 0)
    told = (
        b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data for kind, data in records
    )
    return head + asked + b"".join(told)


AUTHORITY = 0x8400
WWW, MAIL = (1, bytes([192, 0, 2, 1])), (1, bytes([192, 0, 2, 9]))


def test_a_question_is_that_of_rfc_1035() -> None:
    asked = names.question(0x1234, "www.example.org.", "AAAA")
    assert asked == (b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x03www\x07example\x03org\0\0\x1c\0\x01")


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        (
            message(7, AUTHORITY, "a.test", (1, bytes([192, 0, 2, 9])), WWW),
            ["192.0.2.1", "192.0.2.9"],
        ),
        (message(7, AUTHORITY, "a.test", (5, b"\x01b\xc0\x0e"), WWW), ["192.0.2.1"]),
        (message(7, AUTHORITY, "a.test"), []),
        (message(8, AUTHORITY, "a.test", WWW), []),  # to another question
        (message(7, 0x8000, "a.test", WWW), []),  # of somebody who only heard of it
        (message(7, AUTHORITY | 3, "a.test"), []),  # no such name
        (names.question(7, "a.test", "A"), []),
    ],
)
def test_only_an_authoritative_answer_counts(told: bytes, seen: list[str]) -> None:
    assert [str(item) for item in names.answers(told, 7, "A")] == seen


@pytest.mark.parametrize("cut", [0, 11, 20, 33])
def test_a_name_server_is_asked_by_udp(cut: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)

        def serve() -> None:
            asked, who = server.recvfrom(512)
            number = int.from_bytes(asked[:2], "big")
            answer = message(number, AUTHORITY, "www.example.org", WWW)
            server.sendto(answer[:cut] if cut else answer, who)

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        seen = names.look_up("127.0.0.1", "www.example.org.", "A", port, timeout=5)
        thread.join()
    assert [str(item) for item in seen] == ([] if cut else ["192.0.2.1"])


def test_nobody_who_answers_is_no_address() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        assert names.look_up("127.0.0.1", "a.test.", "A", port, timeout=0.05) == []
