# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Sessions on machines that are there already: what is planned for them, and what is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from paper.machine import PaperProvider
from paper.world import World
from scs.engine.inventory import variables
from scs.engine.nodes import take_down
from scs.engine.session import Session
from scs.errors import StepFailed
from scs.providers import Connection
from scs.providers.reach import Said
from scs.providers.ssh import SshProvider
from scs.shell import Say
from scs.spec import CloudSpec

PLUGS = {"management": "eno1", "tunnel": "eno2", "external": "eno3"}


def spec(*addresses: str) -> CloudSpec:
    nodes: list[dict[str, Any]] = [
        {"name": f"node-{number}", "address": address}
        for number, address in enumerate(addresses, 1)
    ]
    for node in nodes[1:]:
        node["roles"] = ["compute"]
    written = {
        "name": "paper",
        "provider": "ssh",
        "ssh": {"key": "id", "known_hosts": "known", "port": 2222, "interfaces": PLUGS},
        "nodes": nodes,
        "services": ["dashboard"],
    }
    return CloudSpec.model_validate(written)


@pytest.fixture
def session(empty: World, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Of a cloud whose machines do not answer yet."""
    (empty.folder / "id.pub").write_text("ssh-ed25519 AAAA me\n")
    found = Session(spec("10.21.0.11", "10.21.0.12"), empty.folder, "plan")
    provider = found.provider
    assert isinstance(provider, SshProvider)
    monkeypatch.setattr(provider, "_talk", lambda *_: Said(255, "", "No route to host"))
    return found


def test_the_provider_knows_what_the_cloud_needs(session: Session) -> None:
    provider = cast("SshProvider", session.provider)
    assert provider.key == session.folder / "id"
    wanted = provider._wanted
    assert "/var/lib/mysql" in wanted.data["node-1"]
    assert "/var/lib/mysql" not in wanted.data["node-2"]
    assert {3306, 5000, 9292} <= wanted.ports["node-1"]
    assert 3306 not in wanted.ports["node-2"]
    assert [Path(tree).name for tree in wanted.trees] == [
        session.release.environment_id,
        session.release.beside("dashboard").environment_id,
    ]
    link = provider.connection(provider.nodes[1])
    assert (link.host, link.port, link.known_hosts) == (
        "10.21.0.12",
        2222,
        session.folder / "known",
    )


def test_whole_machines_are_planned(session: Session) -> None:
    look = session.look()
    assert [step.id for step in look.plan.machine] == ["node:node-1", "node:node-2"]
    assert {step.component for step in look.plan.machine} == {"ssh"}
    assert look.plan.machine[1].reason == "is not in the cloud yet (compute)"
    things = {item.id: item for item in look.desired["node-2"]}
    assert "unit:chrony.service" in things, "its clock is its own"
    bridge = cast("Any", things["bridge:br-ex"])
    assert (bridge.ports, bridge.datapath) == (("eno3",), "system")
    assert "bridge:br-phy" not in things
    rules = cast("Any", things["file:/etc/nftables.conf"]).content
    assert "tcp dport 2222 accept" in rules


def test_machines_that_stay_are_cleared(world: World) -> None:
    session = world.session("down")
    provider = cast("PaperProvider", session.provider)
    provider.owns_machines = False
    provider.made = {node.name: node for node in session.spec.nodes()}
    left: dict[str, set[str]] = {}

    def remove(say: Say) -> None:
        left.update({node: set(things) for node, things in world.cloud.nodes.items()})

    provider.remove = remove  # type: ignore[method-assign]
    assert any(name.startswith("unit:") for name in world.node)
    take_down(session, keep_cache=True)
    kinds = {name.partition(":")[0] for name in left["node-1"]}
    assert not kinds & {"unit", "file", "link", "account", "data", "bridge"}, sorted(left["node-1"])


def test_what_does_not_go_is_told(world: World) -> None:
    session = world.session("down")
    provider = cast("PaperProvider", session.provider)
    provider.owns_machines = False
    provider.made = {node.name: node for node in session.spec.nodes()}
    world.cloud.broken.add("absent:file:/etc/nftables.conf")
    with pytest.raises(StepFailed, match=r"absent:.* failed"):
        take_down(session, keep_cache=True)
    assert world.cloud.nodes, "and the machines are not left"


def test_playbooks_become_root() -> None:
    link = Connection("10.21.0.11", "debian", Path("key"), Path("known"))
    assert variables(link)["ansible_become"] is True
