# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ten real nodes on this machine, planned, converged and looked at as one cloud.

A whole cloud on ten nodes does not fit everywhere, so they carry a few small components; the
session, the plan, ssh and Ansible are those of every cloud.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest

import left
from scs.engine.apply import Converging
from scs.engine.looking import Look
from scs.engine.session import Session, discover
from scs.model.component import Component
from scs.providers.local import LocalProvider
from scs.shell import quiet
from scs.spec import CloudSpec

COUNT = 10
NEEDED = 2 << 30
"""Bytes of memory that ten nodes without services may take, with room for the rest."""
SPEC = {
    "name": "ten",
    "networks": {
        "management": {"ipv4": "10.79.0.0/24"},
        "tunnel": {"ipv4": "10.79.1.0/24"},
        "external": {"ipv4": "10.79.2.0/24", "ipv6": "fd79::/64"},
    },
    "nodes": [{"name": "n1", "roles": ["control", "network"]}]
    + [{"name": f"n{number}", "roles": ["compute"]} for number in range(2, COUNT + 1)],
}
OWN = """\
from scs.model.component import EVERYWHERE, Component, Folder, Port, Service, Text, User

component = Component(
    name="pages",
    summary="a small service on every node",
    roles=EVERYWHERE,
    ports=(Port(8099),),
    users=(User("pages"),),
    folders=(Folder("/etc/pages"),),
    files=(Text("/etc/pages/index.html", lambda view: f"{view.address}\\n"),),
    units=(
        Service(
            "pages",
            description="pages",
            exec="/usr/bin/python3 -m http.server --directory /etc/pages 8099",
            user="pages",
            ready=lambda view: {"type": "http", "url": f"http://{view.address}:8099/"},
        ),
    ),
)
"""


class Small(Session):
    """A session of a cloud that has few components and one layer."""

    base: Path

    @cached_property
    def available(self) -> dict[str, tuple[Component, Path]]:
        return {
            name: part
            for name, part in discover(self.folder).items()
            if name in {"firewall", "memcached", "pages"}
        }

    @cached_property
    def provider(self) -> LocalProvider:
        return LocalProvider(
            self.paths, self.spec.name, self.spec.networks(), lambda _say: [self.base], virt="qemu"
        )


def memory() -> int:
    """Bytes that programs can still have."""
    line = next(
        line
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemAvailable:")
    )
    return int(line.split()[1]) * 1024


@pytest.fixture
def session(scratch: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Small]:
    if memory() < NEEDED:
        pytest.skip(f"{memory() >> 20} MiB of memory are free, {NEEDED >> 20} are needed")
    spec = CloudSpec.model_validate(SPEC)
    left.remove_cloud(spec.name, spec.networks())
    folder = scratch / "ten"
    monkeypatch.setenv("SCS_STATE", str(folder / "state"))
    monkeypatch.setenv("SCS_CACHE", str(scratch / "cache"))
    (folder / "components" / "pages").mkdir(parents=True)
    (folder / "components" / "pages" / "__init__.py").write_text(OWN)
    with Small(spec, folder, "up") as found:
        found.base = base
        try:
            yield found
        finally:
            found.provider.remove(quiet)
            found.forget()


def looked(session: Small) -> tuple[Look, float]:
    began = time.monotonic()
    look = session.look()
    return look, time.monotonic() - began


@pytest.mark.timeout(900)  # with the layer that is made first, on a busy machine
def test_ten_nodes_are_one_cloud(session: Small) -> None:
    names = [node.name for node in session.spec.nodes()]
    first, _ = looked(session)
    assert [step.id for step in first.plan.machine] == [f"node:{name}" for name in names]

    began = time.monotonic()
    session.provider.create(session.spec.nodes(), quiet)
    made = time.monotonic() - began
    second, _ = looked(session)
    assert not second.plan.machine
    for name in names:
        steps = {step.id for step, _ in second.plan.nodes[name]}
        assert {"file:/etc/pages/index.html", "unit:pages.service"} <= steps
        assert ("unit:memcached.service" in steps) == (name == "n1")

    began = time.monotonic()
    session.keep_secrets()
    Converging(session, second).run()
    converged = time.monotonic() - began
    third, seconds = looked(session)
    assert [step for step in third.plan.steps if not step.waits] == []

    # One of them is changed by hand: only there is something to do.
    session.provider.exec("n7", ["systemctl", "stop", "pages"])
    fourth, _ = looked(session)
    assert [(step.where, step.id) for step in fourth.plan.changes] == [("n7", "unit:pages.service")]
    print(json.dumps({"made": made, "converged": converged, "looked": seconds}))
