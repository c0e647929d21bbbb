# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""This machine on paper: nodes come by being written down, and nothing is built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from paper.cloud import PaperCloud
from scs.engine.known import KnownOptions
from scs.errors import Problem, ScsError
from scs.images import BuiltImage
from scs.model.topology import Node
from scs.providers import Connection, Lack, NodeFacts, NodeState
from scs.shell import Say

FACTS = NodeFacts(container=True, ovs_datapath="netdev", virt_type="qemu")


class PaperProvider:
    """Nodes that are made by writing them down."""

    guess = FACTS

    def __init__(self, cloud: PaperCloud, key: Path) -> None:
        self.cloud = cloud
        self.key = key
        self.owns_machines = True
        self.made: dict[str, Node] = {}
        self.no_fence = ""
        """Why nodes can't be fenced."""

    def preflight(self, *, online: bool = True) -> Sequence[Problem]:
        return []

    def observe(self) -> Mapping[str, NodeState]:
        return {
            name: NodeState(name, True, name in self.cloud.running, "is not running")
            for name in self.cloud.nodes
        }

    def absent(self, _node: Node) -> str:
        return "does not exist" if self.owns_machines else "is not in the cloud yet"

    def lacks(self) -> Sequence[Lack]:
        return []

    def facts(self) -> NodeFacts:
        return FACTS

    def create(self, nodes: Sequence[Node], say: Say) -> None:
        for node in nodes:
            self.made[node.name] = node
            with self.cloud.lock:
                self.cloud.at_step("this machine", f"node:{node.name}")
                self.cloud.nodes.setdefault(node.name, {})
                if node.name not in self.cloud.running:
                    self.cloud.boot(node.name)
                self.cloud.keep()

    def connection(self, node: Node) -> Connection:
        return Connection(str(node.address), "root", self.key, self.key)

    def known(self) -> Mapping[str, Node]:
        return self.made

    def stop(self, node: str) -> None:
        """Nothing runs on paper."""

    def unfenceable(self) -> str:
        return self.no_fence

    def off(self, node: str) -> bool | None:
        return node not in self.cloud.running

    def fence(self, node: str) -> None:
        step = f"fence:{node}"
        self.cloud.at_step("this machine", step)
        if step in self.cloud.broken:
            raise ScsError(Problem(f"node {node}", "does not go off"))
        self.cloud.running.discard(node)

    def remove(self, say: Say) -> None:
        self.cloud.nodes.clear()
        self.cloud.running.clear()
        self.cloud.api.clear()
        self.cloud.keep()


class PaperStock:
    """No layers and no images are needed on paper."""

    complete = True
    base_there = True

    def base(self) -> Path:
        return Path("/nowhere")

    def layers(self, _say: Say) -> Sequence[Path]:
        return []

    def start_beside(self, parts: Sequence[str]) -> Sequence[Future[Path]]:
        assert not parts, "no environment is made on paper"
        return []

    def start_images(self, recipes: Iterable[str]) -> None:
        pass

    def start_options(self, known: KnownOptions) -> None:
        pass

    def built(self, recipe: str) -> BuiltImage:
        raise LookupError(recipe)
