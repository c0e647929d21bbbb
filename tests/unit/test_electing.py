# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Who founds a cluster of databases, when all of its members were off."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from clouds import EQUALS, ONE, TEMPLATES, expander_of
from scs.plan import templating
from scs.plan.ini import unmarked
from scs.spec import CloudSpec

ADDRESSES = {"node-1": "10.21.0.11", "node-2": "10.21.0.12", "node-3": "10.21.0.13"}
Told = tuple[str, int]


def program(spec: CloudSpec, name: str) -> dict[str, Any]:
    """What the program on that node defines, with nobody to talk to."""
    view = expander_of(spec).view
    here = view.on(next(node for node in view.nodes if node.name == name))
    environment = templating.environment((str(TEMPLATES),))
    module: Any = environment.get_template("electing.j2").module
    names: dict[str, Any] = {}
    exec(unmarked(str(module.election(here, 4569, 4567, "mariadb"))), names)
    names["answer"] = lambda mine: None
    return names


class Quiet(Exception):
    """The member would wait for ever."""


def decides(
    name: str,
    mine: Told,
    told: Mapping[str, Told] = {},
    *,
    at_work: str = "",
    alone: bool = False,
    lost: Path | None = None,
) -> bool:
    """Whether that node founds; `told` is what the others tell, as long as they are there."""
    names = program(EQUALS, name)
    assert names["MEMBERS"] == ADDRESSES
    others = {ADDRESSES[other]: item for other, item in told.items()}

    def ask(address: str) -> Told:
        if address not in others:
            raise OSError("nobody there")
        return others[address]

    class Time:
        rounds = 0

        @staticmethod
        def monotonic() -> float:
            return 1000.0

        @classmethod
        def sleep(cls, _seconds: float) -> None:
            cls.rounds += 1
            if cls.rounds > 3:
                raise Quiet

    names |= {"ask": ask, "time": Time, "WITHOUT": str(lost or "/nonexistent/lost")}
    names["at_work"] = lambda address: bool(at_work) and address == ADDRESSES[at_work]
    found: bool = names["founds"](*mine, alone=alone)
    return found


EMPTY = ("", -1)


def test_the_only_one_asks_nobody() -> None:
    assert program(ONE, "node-1")["founds"]("", -1)


def test_the_first_of_three_that_have_nothing_founds() -> None:
    assert decides("node-1", EMPTY, {"node-2": EMPTY, "node-3": EMPTY})
    with pytest.raises(Quiet):
        decides("node-2", EMPTY, {"node-1": EMPTY, "node-3": EMPTY})


def test_the_one_that_got_furthest_founds() -> None:
    assert decides("node-3", ("a", 9), {"node-1": ("a", 7), "node-2": EMPTY})
    with pytest.raises(Quiet):
        decides("node-1", ("a", 7), {"node-3": ("a", 9), "node-2": EMPTY})


def test_nobody_founds_while_one_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Quiet):
        decides("node-1", ("a", 9), {"node-2": ("a", 7)})
    assert "waiting for node-3, which may have got further" in capsys.readouterr().err


def test_an_operator_can_say_that_one_is_lost(tmp_path: Path) -> None:
    lost = tmp_path / "lost"
    lost.write_text("node-3\n")
    assert decides("node-1", ("a", 9), {"node-2": ("a", 7)}, lost=lost)


def test_where_one_is_at_work_the_others_join() -> None:
    assert not decides("node-1", ("a", 9), at_work="node-3")


def test_one_that_was_alone_founds_before_the_others_are_there() -> None:
    assert decides("node-1", ("a", 9), alone=True)


def test_members_of_different_clusters_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        decides("node-1", ("a", 9), {"node-2": ("b", 9), "node-3": EMPTY})
    assert "are of different clusters" in capsys.readouterr().err


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """For 127.0.0.1, its own authority, with its key beside it."""
    path = tmp_path / "mariadb.crt"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "1", "-subj", "/CN=test", "-addext"),
            "subjectAltName=IP:127.0.0.1",
            *("-keyout", str(path.with_suffix(".key")), "-out", str(path)),
        ],
        check=True,
        capture_output=True,
    )
    return path


def talker(certificate: Path, tells: int, serves: int) -> dict[str, Any]:
    """The first member of three, with that certificate, at 127.0.0.1."""
    view = expander_of(EQUALS).view
    environment = templating.environment((str(TEMPLATES),))
    module: Any = environment.get_template("electing.j2").module
    text = unmarked(str(module.election(view.on(view.control), tells, serves, "mariadb")))
    text = text.replace("/etc/scs/tls", str(certificate.parent))
    names: dict[str, Any] = {}
    exec(text.replace("/etc/scs/ca.pem", str(certificate)), names)
    names["MEMBERS"]["node-1"] = "127.0.0.1"
    return names


def test_members_talk_over_tls(certificate: Path) -> None:
    """The real answer and the real question, with a real certificate."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    names = talker(certificate, port, 4567)
    threading.Thread(target=names["answer"], args=(("a", 7),), daemon=True).start()
    for _ in range(100):
        try:
            assert names["ask"]("127.0.0.1") == ("a", 7)
            return
        except ConnectionRefusedError:
            time.sleep(0.05)
    pytest.fail("nobody answered")


def test_who_knows_no_tls_is_no_member_yet(certificate: Path) -> None:
    """The only one of before still runs, while new ones come up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))

    def serve(listening: socket.socket, *, tls: bool) -> None:
        plain, _ = listening.accept()
        with contextlib.suppress(OSError), plain:
            if tls:
                context.wrap_socket(plain, server_side=True).close()
            else:
                plain.sendall(b"\x19\x00\x00\x00 what Galera says without")

    for tls in (False, True):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            names = talker(certificate, 4569, listening.getsockname()[1])
            other = threading.Thread(target=serve, args=(listening,), kwargs={"tls": tls})
            other.start()
            assert names["at_work"]("127.0.0.1") is tls
            other.join()
    assert not names["at_work"]("127.0.0.1")
