# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A cloud on paper of which nodes are lost, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paper.machine import PaperProvider
from paper.nova import PaperNova
from paper.world import PaperSession, World
from scs.engine.evacuation.looking import Ways, situation
from scs.engine.evacuation.run import Outcome, evacuate
from scs.plan.evacuation import Situation, refusals

NODES = [f"node-{number}" for number in (1, 2, 3)]
YAML: dict[str, Any] = {
    "name": "paper",
    "storage": "ceph",
    "nodes": [{"name": name} for name in NODES],
}


class Cloud:
    """Three equal nodes with Ceph, and guests on the third."""

    def __init__(self, world: World, **instance_ha: Any) -> None:
        self.world = world
        world.yaml = {**world.yaml, **YAML, "instance_ha": instance_ha}
        world.cloud.running |= set(NODES)
        self.session: PaperSession = world.session("evacuate")
        self.view = self.session.view()
        self.nova = PaperNova(world.cloud, self.view)
        self.ways = Ways(
            self.nova, self.nova.talk, self.nova.greets, lambda: self.nova.now.timestamp()
        )

    @property
    def provider(self) -> PaperProvider:
        found: Any = self.session.provider
        assert isinstance(found, PaperProvider)
        return found

    def seen(self, node: str = "node-3") -> Situation:
        return situation(self.session, self.view, self.ways, node)

    def refused(self, node: str = "node-3") -> str:
        return "\n".join(map(str, refusals(self.seen(node))))

    def evacuate(self, node: str = "node-3") -> Sequence[Outcome]:
        return evacuate(self.session, self.ways, self.seen(node))

    def where(self) -> dict[str, str]:
        """Guest → where it is."""
        return {name: item["OS-EXT-SRV-ATTR:host"] for name, item in self.nova.servers.items()}
