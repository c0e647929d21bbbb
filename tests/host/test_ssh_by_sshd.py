# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ssh provider against a real sshd: looking, taking over, sending, leaving."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from machine import Machine, machine, unpack_sshd
from scs import patience
from scs.engine.clearing import clear
from scs.engine.events import Events
from scs.engine.eye import look
from scs.engine.hand import Hand
from scs.errors import ScsError
from scs.model.topology import Network, Node, Role
from scs.paths import Paths
from scs.providers.reach import talk
from scs.providers.ssh import Claims, Login, SshProvider
from scs.resources import Directory, File, Gate, Link, Record

HERE = IPv4Address("127.0.0.1")
TREE = "/opt/scs/releases/one"


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sshd") / "sshd"
    unpack_sshd(folder)
    return folder


@pytest.fixture
def there(sshd: Path, tmp_path: Path) -> Iterator[Machine]:
    folder = tmp_path / "machine"
    folder.mkdir()
    (folder / "sshd").symlink_to(sshd)
    with machine(folder, "node-1") as found:
        yield found


def provider(there: Machine, state: Path, cloud: str = "mine", user: str = "root") -> SshProvider:
    node = Node(
        "node-1",
        frozenset({Role.CONTROL}),
        {"management": HERE, "tunnel": HERE},
        interfaces={"management": "lo", "tunnel": "lo", "external": ""},
        ssh_port=there.port,
    )
    networks = {
        name: Network(name, IPv4Network(f"{start}.0.0.0/8"))
        for name, start in (("management", 127), ("tunnel", 127), ("external", 10))
    }
    folder = state.parent / "tree"
    folder.mkdir(exist_ok=True)
    (folder / "file").write_text("what nodes get")
    return SshProvider(
        Paths(state / cloud, state.parent / "cache"),
        cloud,
        [node],
        networks,
        Login(user, there.key, there.known_hosts),
        lambda: {TREE: lambda _say: folder},
        lambda _node: Claims(("/var/lib/mysql",)),
        virt="qemu",
    )


def seen(there: Machine, provider: SshProvider, words: str) -> str:
    link = provider.connection(provider.nodes[0])
    return talk(link, words, "", 10).output.strip()


def test_a_machine_is_taken_over_and_left_as_it_was(there: Machine, tmp_path: Path) -> None:
    mine = provider(there, tmp_path / "state")
    assert seen(there, mine, "cat /run/alone") == "yes", "what follows is for no real machine"
    before = (there.etc / "hosts").read_text()
    assert mine.preflight() == []
    assert mine.observe() == {}
    mine.create(mine.nodes)
    assert (there.etc / "scs/cloud").read_text() == f"mine {mine.id}\n"
    assert "127.0.0.1 node-1\n" in (there.etc / "hosts").read_text()
    assert seen(there, mine, f"cat {TREE}/file") == "what nodes get"
    state = mine.observe()["node-1"]
    assert (state.running, mine.lacks()) == (True, [])
    assert "Debian GNU/Linux 13" in state.detail
    mine.create(mine.nodes)  # again: nothing to do
    other = provider(there, tmp_path / "state", "other")
    (problem,) = other.preflight()
    assert "belongs to the cloud mine" in problem.what
    with pytest.raises(ScsError):
        other.create(other.nodes)
    seen(there, mine, "mkdir /var/lib/scs/theirs")  # of an scs that runs there
    mine.remove()
    assert (there.etc / "hosts").read_text() == before
    assert not (there.etc / "scs").exists()
    assert seen(there, mine, "ls -A /opt /var/lib") == "/opt:\n\n/var/lib:\nscs"
    assert mine.known() == {}


def test_a_host_key_that_nobody_knows_is_not_accepted(there: Machine, tmp_path: Path) -> None:
    there.known_hosts.write_text("")
    (problem,) = provider(there, tmp_path / "state").preflight()
    assert "has a host key that is not in" in problem.what
    assert "ssh-keyscan -p" in problem.hint
    key = there.key.with_suffix(".pub").read_text()
    there.known_hosts.write_text(f"[127.0.0.1]:{there.port} {key}")
    (problem,) = provider(there, tmp_path / "state").preflight()
    assert "has another host key than the one in" in problem.what


def test_what_others_have_there_stops_it(there: Machine, tmp_path: Path) -> None:
    mine = provider(there, tmp_path / "state")
    seen(there, mine, "mkdir -p /var/lib/mysql; echo x > /var/lib/mysql/ibdata1")
    (problem,) = mine.preflight()
    assert "holds data that are not this cloud's, in /var/lib/mysql" in problem.what


def test_no_key_no_entry(there: Machine, tmp_path: Path) -> None:
    there.key.with_suffix(".pub").rename(there.folder / "away")
    (problem,) = provider(there, tmp_path / "state").preflight()
    assert f"ssh-keygen -y -f {there.key}" in problem.hint
    (there.key.with_suffix(".pub")).write_text("nobody's\n")
    (problem,) = provider(there, tmp_path / "state").preflight()
    assert "does not let root in" in problem.what


def test_resources_are_looked_at_there(there: Machine, tmp_path: Path) -> None:
    mine = provider(there, tmp_path / "state")
    link = mine.connection(mine.nodes[0])
    item = Link(name="/etc/here", target="there")
    (there.etc / "here").symlink_to("there")
    found = look({"node-1": link}, [("node-1", [item])])
    assert item.compare(found["node-1"][item.id]) is None


def test_a_silent_machine_is_told_with_when_it_last_answered(
    there: Machine, tmp_path: Path
) -> None:
    mine = provider(there, tmp_path / "state")
    mine.create(mine.nodes)
    mine.observe()
    mine.nodes = (replace(mine.nodes[0], ssh_port=1),)
    state = mine.observe()["node-1"]
    assert (state.exists, state.running) == (True, False)
    assert "refuses connections" in state.detail
    assert "it last did on 20" in state.detail


def test_all_that_was_made_there_is_cleared(there: Machine, tmp_path: Path) -> None:
    """By Ansible, as components that are taken out of a cloud are."""
    mine = provider(there, tmp_path / "state")
    link = mine.connection(mine.nodes[0])
    assert seen(there, mine, "cat /run/alone") == "yes", "what follows is for no real machine"
    wanted = [
        Directory(name="/etc/made", component="one"),
        File(name="/etc/made/file", content="x", component="one", after=("directory:/etc/made",)),
    ]
    items: dict[str, dict[str, Any]] = {
        item.id: {"kind": item.kind, "name": item.name, "component": "one"} for item in wanted
    }
    data = {"kind": "data", "name": "/var/lib/data", "component": "one", "data": True}
    items["data:/var/lib/data"] = data
    record = Record(name="managed", items=items)
    seen(there, mine, "mkdir /var/lib/data && echo x > /var/lib/data/file")
    with Hand() as hand:
        payloads = [item.payload() for item in (record, *wanted)]
        outcomes = hand.converge({"node-1": link}, {"node-1": payloads}, "made")["node-1"]
        assert [item["error"] for item in outcomes if not item["ok"]] == []
        assert (there.etc / "made/file").read_text() == "x"
        clear(hand, Events(), {"node-1": link}, "cleared")
        clear(hand, Events(), {"node-1": link}, "again")
    assert not (there.etc / "made").exists()
    assert seen(there, mine, "ls -A /var/lib") == "scs"


def test_guests_end_and_nobody_else(there: Machine, tmp_path: Path) -> None:
    mine = provider(there, tmp_path / "state")
    assert seen(there, mine, "cat /run/alone") == "yes", "what follows is for no real machine"
    mine.create(mine.nodes)
    for number, word in enumerate(("qemu", "other")):
        wait = f"python3 -c 'import time; time.sleep(60)' {word} >/dev/null 2>&1 </dev/null &"
        pid = f"/run/libvirt/qemu/instance-{number}.pid"
        seen(there, mine, f"mkdir -p /run/libvirt/qemu; {wait} echo $! >{pid}")
    mine.stop("node-1")
    file = "/proc/$(cat /run/libvirt/qemu/instance-$n.pid)/cmdline"
    alive = "for n in 0 1; do tr '\\0' ' ' <FILE 2>/dev/null; done".replace("FILE", file)
    left = seen(there, mine, alive)
    assert left.endswith("other")
    assert "qemu" not in left
    seen(there, mine, "kill $(cat /run/libvirt/qemu/instance-1.pid)")


def test_another_user_does_all_by_sudo(there: Machine, tmp_path: Path) -> None:
    mine = provider(there, tmp_path / "state", user="operator")
    link = mine.connection(mine.nodes[0])
    assert seen(there, mine, "cat /run/alone") == "yes", "what follows is for no real machine"
    mine.create(mine.nodes)
    assert seen(there, mine, f"cat {TREE}/file") == "what nodes get"
    item = File(name="/etc/made", content="x")
    with Hand() as hand:
        hand.converge({"node-1": link}, {"node-1": [item.payload()]}, "made")
    found = look({"node-1": link}, [("node-1", [item])])
    assert item.compare(found["node-1"][item.id]) is None
    asked = seen(there, mine, "cat /run/sudo.log").splitlines()
    assert "-n -- sh -s" in asked
    assert any("python3 -" in words for words in asked)
    assert any("BECOME-SUCCESS" in words for words in asked), "Ansible, too"


def test_nodes_are_as_patient_as_this_machine(
    there: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A factor that a provider expects, and nobody has chosen, is in no environment."""
    mine = provider(there, tmp_path / "state")
    link = mine.connection(mine.nodes[0])
    mine.create(mine.nodes)
    never = Gate(name="never", probe={"type": "tcp", "host": "127.0.0.1", "port": 1}, seconds=1)
    monkeypatch.delenv(patience.VARIABLE, raising=False)
    with Hand() as hand:
        hand.start()
        monkeypatch.setattr(patience, "_expected", 4)
        (outcome,) = hand.converge({"node-1": link}, {"node-1": [never.payload()]}, "waits")[
            "node-1"
        ]
    assert not outcome["ok"]
    assert "not ready after 4 s" in outcome["error"]
