# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The state of all nodes and of the API, as plain values.

With a path it is kept on the disk after each step, so that a process may be killed and the next
one finds what was done.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

Values = dict[str, Any]


class PaperCloud:
    """All that there is: nodes, the things on them, and the API's objects."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.clock = 0
        """Counts changes: what is later has a higher number."""
        self.running: set[str] = set()
        self.nodes: dict[str, dict[str, Values]] = {}
        """Node → id → the thing."""
        self.api: dict[str, Values] = {}
        self.data: dict[str, dict[str, str]] = {}
        """Node → `component name` → what a component's data there are."""
        self.systems: dict[str, Values] = {}
        """Node → its operating system: which boot, what is newer in the archive, what runs on."""
        self.cores = 20
        """The quota of the first project."""
        self.broken: set[str] = set()
        """Ids of steps that fail."""
        self.at_step: Callable[[str, str], None] = lambda _where, _step: None
        """Called before a step; may raise or end the process."""
        self.lock = threading.RLock()
        if path is not None and path.exists():
            kept = json.loads(path.read_text())
            self.clock, self.running = kept["clock"], set(kept["running"])
            self.nodes, self.api = kept["nodes"], kept["api"]
            self.data, self.systems = kept["data"], kept["systems"]

    def keep(self) -> None:
        """Have it survive the process."""
        if self.path is None:
            return
        values = {
            "clock": self.clock,
            "running": sorted(self.running),
            "nodes": self.nodes,
            "api": self.api,
            "data": self.data,
            "systems": self.systems,
        }
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps(values))
        temporary.replace(self.path)

    def boot(self, node: str) -> None:
        """A node starts, and all that is enabled on it."""
        for name, values in self.nodes[node].items():
            if name.startswith("unit:"):
                values["active"] = "active" if values["enabled"] == "enabled" else "inactive"
                values["started"] = values["changed"] = self.now()
        self.systems.setdefault(node, {}).update(boot=f"boot-{self.now()}", behind=[])
        self.running.add(node)

    def now(self) -> int:
        self.clock += 1
        return self.clock

    def copied(self) -> PaperCloud:
        """The same cloud again, to be changed on its own."""
        other = PaperCloud()
        other.clock, other.running = self.clock, set(self.running)
        other.nodes, other.api = copy.deepcopy(self.nodes), copy.deepcopy(self.api)
        other.data = copy.deepcopy(self.data)
        other.systems = copy.deepcopy(self.systems)
        return other

    def snapshot(self) -> dict[tuple[str, str], str]:
        """(where, id) → the whole thing as text, to compare."""
        found = {
            (node, name): json.dumps(values, sort_keys=True)
            for node, things in self.nodes.items()
            for name, values in things.items()
        }
        found |= {
            ("api", name): json.dumps(item, sort_keys=True) for name, item in self.api.items()
        }
        return found

    def active(self, node: str, component: str) -> bool:
        """Whether all units of a component run on a node (and there are some)."""
        units = [
            values
            for name, values in self.nodes.get(node, {}).items()
            if name.startswith("unit:") and values["component"] == component
        ]
        return bool(units) and all(unit["active"] == "active" for unit in units)
