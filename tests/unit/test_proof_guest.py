# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The proof's guest from outside: its key, ping, short calls, what went through."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from scs import icmp
from scs.verify import guest, traces
from scs.verify.steps import ProofFailed

RUN = "0123abcd"


def test_throughput_is_in_megabits() -> None:
    seen = guest.Throughput(50_000_000, to_guest=2.0, from_guest=4.0, segment=1448)
    assert seen.values == {"megabits_in": 200.0, "megabits_out": 100.0}
    assert guest.megabits(1, 0.0) > 0


DIGEST = "d41d8cd98f00b204e9800998ecf8427e"


def test_the_guests_answer_is_compared() -> None:
    guest.compare_answer(f"1000\n{DIGEST}  -\n", 1000, DIGEST)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ("", "said ''"),
        ("sh: cat: not found\n", "sh: cat: not found"),
        (f"999\n{DIGEST}  -\n", "of 1000 bytes 999 reached the guest"),
        (f"1000\n{DIGEST.replace('d', 'e')}  -\n", "are not those that were sent"),
    ],
)
def test_the_guests_wrong_answer_is_told(answer: str, complaint: str) -> None:
    with pytest.raises(ProofFailed, match=complaint):
        guest.compare_answer(answer, 1000, DIGEST)


def test_checksum_is_that_of_rfc_1071() -> None:
    data = bytes.fromhex("0001f203f4f5f6f7")
    assert icmp.checksum(data) == ~0xDDF2 & 0xFFFF
    assert icmp.checksum(data + icmp.checksum(data).to_bytes(2, "big")) == 0
    assert icmp.checksum(b"\x01") == ~0x0100 & 0xFFFF


def test_replies_are_known_by_their_cookie() -> None:
    cookie = b"12345678"
    request = icmp.echo_request(cookie, 56)
    assert len(request) == 64
    assert icmp.checksum(request) == 0
    reply = b"\0" + request[1:]
    header = b"\x45" + bytes(19)
    assert icmp.is_reply(reply, cookie)
    assert icmp.is_reply(header + reply, cookie)
    assert not icmp.is_reply(header + request, cookie)
    assert not icmp.is_reply(reply, b"87654321")
    assert not icmp.is_reply(b"", cookie)


def test_a_key_is_private_and_its_comment_is_the_mark(tmp_path: Path) -> None:
    path = tmp_path / "key"
    public = guest.make_key(path, traces.mark_of(RUN))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    kind, _, comment = public.split(" ", 2)
    assert kind == "ssh-ed25519"
    assert traces.run_of(traces.name_of(RUN), comment) == RUN


def test_what_a_port_says_is_heard_and_silence_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            link, _ = server.accept()
            with link:
                link.sendall(b"5003\n")

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        assert guest.called("127.0.0.1", port) == "5003"
        thread.join()
    assert guest.called("127.0.0.1", port) == ""


def test_each_datagram_comes_from_another_port() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        guest.send_datagrams("127.0.0.1", server.getsockname()[1], 3)
        assert len({server.recvfrom(16)[1] for _ in range(3)}) > 1
