# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The fault `evacuated`: a node with a guest loses its power while `scs watch --evacuate` runs.

The guest is `hello`, the first project's. It is pinged all the time; before the fault it writes
something to its disk, and flushes it. Told are the seconds from the loss of power until the node
was found lost, its guests were elsewhere, and the guest answered again, and the pings lost. When
the node is back, Nova must count on it again, and nothing of the guest may run there.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import openstack

from scs.icmp import ping
from scs.model.topology import Node
from volumes import User, until
from witnesses import Witness

ROOT = Path(__file__).parents[1]
GUEST = "hello"
FOUND_SECONDS = 30
"""What is promised for finding a lost node."""
SECONDS = 900
"""How long the rest may take at most."""


class Cloud(Protocol):
    """What this needs of the cloud that is tried."""

    @property
    def user(self) -> str: ...

    @property
    def state(self) -> Path: ...

    def on(self, node: str, line: str) -> str: ...


class Pings(Witness):
    """Pings the guest five times a second; a failure is one without an answer."""

    name = "pings"

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def _write(self) -> None:
        if ping(self._address) is None:
            raise RuntimeError("no answer")

    def lost(self) -> list[str]:
        return []


class Watcher:
    """`scs watch --evacuate` with what it has told, and when."""

    def __init__(self) -> None:
        argv = [str(ROOT / "scs"), "--json", "watch", "--evacuate"]
        self._process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        self._told: list[Mapping[str, Any]] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            print(f"    {line.rstrip()}", flush=True)
            self._told.append(json.loads(line))

    def told(self, event: str, node: str | None = None) -> Mapping[str, Any]:
        """Waits until it tells that of a node, or of all."""

        def found() -> Mapping[str, Any] | None:
            if self._process.poll() is not None:
                raise RuntimeError("scs watch has ended")
            named = [item for item in self._told if item.get("node") == node]
            return next((item for item in named if item["event"] == event), None)

        return until(found, f"the watcher tells: {event} {node or ''}", SECONDS)

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(60)


class Guest:
    """`hello`, as its user and as the administrator see it."""

    def __init__(self, user: str, state: Path) -> None:
        self._user = User(user, state)
        self._admin = openstack.connect(cloud=f"{user}-admin")
        self.id: str = self._user.cloud.compute.find_server(GUEST, ignore_missing=False).id
        self.address: str = self._user.address(self._server())
        self._word = uuid4().hex

    def _server(self) -> Any:
        return self._user.cloud.compute.get_server(self.id)

    @property
    def host(self) -> str:
        return str(self._admin.compute.get_server(self.id).compute_host)

    def writes(self) -> None:
        """It puts something on its disk, and makes sure of it."""
        self._said(f"echo {self._word} > word && sync")

    def remembers(self) -> bool:
        return self._word in self._said("cat word")

    def _said(self, line: str) -> str:
        return str(self._user.said(self.address, line, seconds=120))


def evacuated(
    cloud: Cloud, node: Node, cut: Callable[[], Callable[[], None]]
) -> Callable[[], None]:
    """Cut the power and see the guest come back elsewhere; what is left to do is answered.

    `cut` takes the power away and answers how it comes back. What was wrong is raised at the end,
    when the node is back.
    """
    guest = Guest(cloud.user, cloud.state)
    guest.writes()
    watcher = Watcher()
    watcher.told("watching")
    wrong: list[str] = []
    started = time.time()
    mend = cut()
    try:
        there = _elsewhere(guest, watcher, node.name, started)
    except Exception as error:  # the node gets its power back, whatever it was
        wrong.append(str(error))
        there = ""

    def back() -> None:
        watcher.end()
        mend()
        domains = cloud.on(node.name, "virsh --connect qemu:///system list --all --uuid")
        if there and guest.id in domains:
            wrong.append(f"{GUEST} is still known to libvirt on {node.name}")
        if there and guest.host != there:
            wrong.append(f"{GUEST} is on {guest.host}, and was on {there}")
        if wrong:
            raise RuntimeError("; ".join(wrong))

    return back


def _elsewhere(guest: Guest, watcher: Watcher, node: str, started: float) -> str:
    """The node on which the guest answers again; raises what is not as promised."""
    told = {name: watcher.told(name, node)["at"] - started for name in ("lost", "evacuated")}
    until(lambda: ping(guest.address) is not None, "the guest answers pings", SECONDS)
    told["pinged"] = time.time() - started
    there = guest.host
    seconds = ", ".join(f"{name} after {value:.1f} s" for name, value in told.items())
    print(f"    {GUEST} went from {node} to {there}: {seconds}", flush=True)
    if not guest.remembers():
        raise RuntimeError("the guest has forgotten what it had written to its disk")
    if told["lost"] > FOUND_SECONDS:
        raise RuntimeError(f"the loss was found later than after {FOUND_SECONDS} s")
    return there
