# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The first project's server while it comes up: one that never says a word is started again."""

from __future__ import annotations

import itertools
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from scs.api import clients as connections
from scs.api import compute
from scs.api.clients import RightOfWay
from scs.model.objects import FloatingIp, Server

SERVER = Server(
    name="hello",
    component="tenant",
    image="i",
    flavor="f",
    network="n",
    security_group="g",
    keypair="k",
)
ADDRESS = FloatingIp(name="hello", component="tenant", external="e")


class Nova:
    """A server in these states, one after the other, that says this on its console."""

    def __init__(self, *states: str, console: str = "") -> None:
        self.states = list(states)
        self.console = console
        self.made: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.reboots: list[str] = []

    def create_server(self, **values: Any) -> Any:
        self.made.append(values)
        return SimpleNamespace(id="new")

    def delete_server(self, known: str) -> None:
        self.deleted.append(known)

    def wait_for_delete(self, *_: Any, **__: Any) -> None:
        return None

    def find_flavor(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(id="f")

    def get_server(self, _id: str) -> Any:
        status = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return SimpleNamespace(status=status, fault={"message": "No host"}, task_state=None)

    def get_server_console_output(self, _id: str, length: int) -> Any:
        return {"output": self.console[:length]}

    def reboot_server(self, _id: str, how: str) -> None:
        self.reboots.append(how)


class Neutron:
    """One floating IP that nobody uses, or none."""

    def __init__(self, *spare: str) -> None:
        self.spare = [
            SimpleNamespace(id=one, port_id=None, floating_ip_address=one) for one in spare
        ]
        self.made: list[dict[str, Any]] = []

    def networks(self, **_: Any) -> list[Any]:
        return [SimpleNamespace(id="n")]

    def ports(self, device_id: str) -> list[Any]:
        return [SimpleNamespace(id=f"port of {device_id}")]

    def ips(self, **_: Any) -> list[Any]:
        return self.spare

    def update_ip(self, item: Any, port_id: str) -> Any:
        item.port_id = port_id
        return item

    def create_ip(self, **values: Any) -> Any:
        self.made.append(values)
        return SimpleNamespace(floating_ip_address="192.0.2.9")


class World:
    def __init__(self, nova: Nova, neutron: Neutron | None = None) -> None:
        self.way = RightOfWay()
        self.view = SimpleNamespace(tenant=SimpleNamespace(project="demo"))
        self.tenant = SimpleNamespace(
            compute=nova,
            network=neutron or Neutron(),
            current_project_id="p",
            image=SimpleNamespace(find_image=lambda *_, **__: SimpleNamespace(id="i")),
        )

    def pause(self, _seconds: float) -> None:
        return None

    def rest(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return [{"name": "hello", "id": "new", "status": "ACTIVE"}]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at it is ten seconds after the one before."""
    times = itertools.count(step=10)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(times)))
    monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.mark.parametrize(
    ("console", "seen", "answers_after", "reboots"),
    [
        ("", {}, 0, []),
        ("", {}, 1, ["HARD"]),
        ("boots", {}, 1, []),
        ("", {"id": "new", "status": "ACTIVE", "address": "192.0.2.1"}, 1, []),
    ],
    ids=["answers", "mute", "slow", "was there before"],
)
@pytest.mark.usefixtures("clock")
def test_a_new_server_that_never_says_a_word_is_started_again(
    monkeypatch: pytest.MonkeyPatch,
    console: str,
    seen: dict[str, Any],
    answers_after: int,
    reboots: list[str],
) -> None:
    nova = Nova("ACTIVE", console=console)
    monkeypatch.setattr(compute, "ssh_answers", lambda _: len(nova.reboots) >= answers_after)
    clients: Any = World(nova)
    if answers_after > len(reboots):
        with pytest.raises(RuntimeError, match=r"does not answer ssh at .* it is ACTIVE"):
            compute.FloatingIps().converge(clients, ADDRESS, seen)
    else:
        compute.FloatingIps().converge(clients, ADDRESS, seen)
    assert nova.reboots == reboots


@pytest.mark.parametrize("spare", [(), ("192.0.2.5",)])
def test_an_address_that_nobody_uses_is_taken_before_a_new_one(
    monkeypatch: pytest.MonkeyPatch, spare: tuple[str, ...]
) -> None:
    asked: list[str] = []

    def answers(address: str) -> bool:
        asked.append(address)
        return True

    monkeypatch.setattr(compute, "ssh_answers", answers)
    monkeypatch.setattr(compute, "external_network", lambda *_: "outside")
    neutron = Neutron(*spare)
    clients: Any = World(Nova("ACTIVE"), neutron)
    compute.FloatingIps().converge(clients, ADDRESS, {})
    assert asked == [*(spare or ("192.0.2.9",))]
    wanted = {"floating_network_id": "outside", "port_id": "port of new"}
    assert neutron.made == ([] if spare else [wanted])
    assert [item.port_id for item in neutron.spare] == ["port of new"] * len(spare)


@pytest.mark.parametrize(
    ("seen", "states", "made", "error"),
    [
        ({}, ("BUILD", "ACTIVE"), 1, ""),
        ({"id": "old", "status": "BUILD"}, ("BUILD", "ACTIVE"), 0, ""),
        ({"id": "old", "status": "ERROR"}, ("ERROR", "BUILD", "ACTIVE"), 1, ""),
        ({}, ("BUILD", "ERROR"), 1, "went to ERROR: No host"),
        ({}, ("BUILD",), 1, "is BUILD after 300 s"),
    ],
    ids=["new", "was being made", "in error", "fails", "takes too long"],
)
@pytest.mark.usefixtures("clock")
def test_a_server_is_made_once_and_waited_for(
    seen: dict[str, Any], states: tuple[str, ...], made: int, error: str
) -> None:
    nova = Nova(*states)
    clients: Any = World(nova)
    if error:
        with pytest.raises(RuntimeError, match=error):
            compute.Servers().converge(clients, SERVER, seen)
    else:
        compute.Servers().converge(clients, SERVER, seen)
    assert len(nova.made) == made
    assert nova.deleted == (["old"] if seen.get("status") == "ERROR" else [])


def test_others_wait_while_a_guest_is_made_but_not_forever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way, went = RightOfWay(), threading.Event()

    def other() -> None:
        way.give()
        went.set()

    way.give()  # nobody has it
    with way.taken(), way.taken():
        waits = threading.Thread(target=other, daemon=True)
        waits.start()
        assert not went.wait(0.1)
    assert went.wait(10)
    waits.join()
    monkeypatch.setattr(connections, "patient", lambda _: 0.05)
    with way.taken():
        way.give()


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ({}, "is missing"),
        ({"id": "i", "status": "ACTIVE", "address": "", "ssh": False}, "is missing"),
        ({"id": "i", "status": "ACTIVE", "address": "a", "ssh": False}, "does not answer ssh"),
        ({"id": "i", "status": "SHUTOFF", "address": "a", "ssh": False}, None),
        ({"id": "i", "status": "SHUTOFF", "address": "", "ssh": False}, None),
        ({"id": "i", "status": "ACTIVE", "address": "a", "ssh": True}, None),
    ],
)
def test_what_is_wrong_with_an_address(seen: dict[str, Any], reason: str | None) -> None:
    assert compute.FloatingIps().compare(ADDRESS, seen) == reason
