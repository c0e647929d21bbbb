# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A cloud on paper whose nodes' operating system is updated, for tests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from paper.api import PaperExecutor
from paper.cloud import PaperCloud
from paper.nova import PaperNova
from paper.world import PaperSession, World
from scs.api.executor import Executor
from scs.api.hosts import Hosts
from scs.engine.recording import Recording
from scs.engine.updates.looking import WHERE, Outlook, Wish, outlook
from scs.engine.updates.note import Note
from scs.engine.updates.run import Done, Run
from scs.errors import BadInput
from scs.model.view import View
from scs.spec import CloudSpec

NODES = [f"node-{number}" for number in (1, 2, 3)]
EQUALS: dict[str, Any] = {
    "name": "paper",
    "storage": "ceph",
    "nodes": [{"name": name} for name in NODES],
}


class Killed(BaseException):
    """The process is ended."""


class UpdateSession(PaperSession):
    """One whose Nova has hosts and guests."""

    nova: PaperNova | None = None

    def executor(self, view: View) -> Executor:
        executor = PaperExecutor(self.cloud, self.nova or super().executor(view).clients)
        if self.nova:
            executor.kinds["host"] = Hosts()
        return executor


class Cloud:
    """A cloud that is up; what becomes of its guests is checked all the while."""

    def __init__(self, cloud: PaperCloud, folder: Path, yaml: dict[str, Any]) -> None:
        self.cloud = cloud
        self.folder = folder
        self.yaml = yaml
        self.nova: PaperNova = PaperNova(cloud, self.session().view())
        self.steps: list[tuple[str, str]] = []
        self.at: Any = lambda _where, _step: None
        cloud.at_step = self._step

    @property
    def state(self) -> Path:
        return self.folder / "state" / "paper"

    def session(self, command: str = WHERE) -> UpdateSession:
        spec = CloudSpec.model_validate(self.yaml)
        session = UpdateSession(self.cloud, spec, self.folder, command)
        session.nova = getattr(self, "nova", None)
        return session

    def _step(self, where: str, step: str) -> None:
        self.steps.append((where, step))
        if step == f"reboot:{where}":
            self._none_runs_on(where)
        self.at(where, step)

    def _none_runs_on(self, node: str) -> None:
        for item in self.nova.servers.values():
            if item["OS-EXT-SRV-ATTR:host"] == node:
                assert item["status"] != "ACTIVE", f"{item['id']} runs on {node}, which restarts"

    # What happens to it.

    def release(self, *nodes: str, used: bool = True, **packages: str) -> None:
        """The archive has newer packages for these nodes, or for all."""
        for node in nodes or self.cloud.nodes:
            system = self.cloud.systems[node]
            system["packages"] = {name: ["1", new] for name, new in packages.items()}
            system["used"] = list(packages) if used else []

    def boots(self) -> dict[str, str]:
        return {node: system["boot"] for node, system in self.cloud.systems.items()}

    def where(self) -> dict[str, str]:
        """Guest → where it is."""
        return {name: item["OS-EXT-SRV-ATTR:host"] for name, item in self.nova.servers.items()}

    # What is done with it.

    def seen(self, wish: Wish = Wish()) -> Outlook:  # noqa: B008
        with self.session() as session:
            return outlook(session, session.look(), wish, Note.read(session.paths))

    def update(self, wish: Wish = Wish(), pause: int | None = None) -> Sequence[Done]:  # noqa: B008
        """What the command does, without its words."""
        with self.session() as session, Recording(session, time.time()) as recording:
            look, note = session.look(), Note.read(session.paths)
            found = outlook(session, look, wish, note)
            if found.refusals:
                raise BadInput(*found.refusals)
            done = []
            for item in Run(session, recording, look, wish, note).go(found):
                done.append(item)
                if len(done) == pause:
                    break
            return done

    def up(self) -> None:
        """What the command `up` does."""
        world = World(self.cloud, self.folder)
        world.session = self.session  # type: ignore[method-assign]
        world.up()

    def wrong(self) -> list[str]:
        """What is not as it should be."""
        with self.session() as session:
            plan = session.look().plan
        found = [f"{step.where} {step.id} {step.reason}" for step in plan.changes]
        found += [
            f"{node} {name} is held"
            for node, things in self.cloud.nodes.items()
            for name, values in things.items()
            if name.startswith("unit:") and values.get("held")
        ]
        return found
