# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a node runs to hear whether another one lives: real sockets on this machine."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clouds import EQUALS, expander_of
from scs.engine.evacuation.neighbours import PROGRAM, ask, doors
from scs.providers import Connection
from scs.providers.reach import Said


@contextmanager
def door(says: bytes | None) -> Iterator[int]:
    """A port where somebody answers that; None: only the kernel takes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        if says is not None:

            def answer(said: bytes = says) -> None:
                link, _ = server.accept()
                with link:
                    link.sendall(said)

            threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1]


def test_only_what_a_program_says_is_heard() -> None:
    with (
        door(b"SSH-2.0-OpenSSH\r\n") as ssh,
        door(None) as kernel,
        door(b"HTTP/1.1 400 no TLS\r\n\r\n") as other,
        door(None) as hangs,
        socket.socket() as closed,
    ):
        closed.bind(("127.0.0.1", 0))
        asked = {
            "alive": [
                ("ssh", "127.0.0.1", ssh),
                ("libvirt", "127.0.0.1", other),
            ],
            "hangs": [
                ("ssh", "127.0.0.1", kernel),
                ("libvirt", "127.0.0.1", hangs),
            ],
            "off": [("ssh", "127.0.0.1", closed.getsockname()[1])],
        }
        done = subprocess.run(
            [sys.executable, "-", json.dumps(asked)],
            input=PROGRAM,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    heard = {name: sorted(what) for name, what in json.loads(done.stdout).items()}
    assert heard == {"alive": ["libvirt", "ssh"], "hangs": [], "off": []}


def test_doors_are_derived_from_what_runs_there() -> None:
    view = expander_of(EQUALS).view
    node = view.nodes[2]
    assert doors(view, node) == (
        ("ssh", "10.21.0.13", 22),
        ("ssh in the tunnel network", "10.21.1.13", 22),
        ("libvirt", "10.21.0.13", 16514),
    )


def test_nodes_that_are_silent_themselves_are_not_asked() -> None:
    view = expander_of(EQUALS).view
    called: list[str] = []

    def talk(link: Connection, words: str, _given: object, _seconds: float) -> Said:
        called.append(link.host)
        told = json.dumps({"node-2": ["ssh"], "node-3": ["ssh"]})
        return Said(0, f"a banner\n{told}\n", "") if link.host else Said(255, words, "")

    links = {
        node.name: Connection(str(node.address), "root", Path("/"), Path("/"))
        for node in view.nodes
    }
    heard = ask(view, links, ["node-2", "node-3"], talk)
    assert called == ["10.21.0.11"]
    assert heard == {name: {"node-1": ["ssh"]} for name in ("node-2", "node-3")}
    assert ask(view, links, [node.name for node in view.nodes], talk)["node-1"] == {}
