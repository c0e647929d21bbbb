# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A cloud on paper with its cloud.yaml, and real sessions on it."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from paper.api import PaperExecutor
from paper.cloud import PaperCloud
from paper.hand import PaperHand
from paper.machine import PaperProvider, PaperStock
from scs.api.clients import Clients
from scs.api.executor import Executor
from scs.engine.apply import apply
from scs.engine.looking import Look
from scs.engine.recording import Recording
from scs.engine.session import Session
from scs.model.view import View
from scs.providers.local import LocalProvider
from scs.spec import CloudSpec


class PaperSession(Session):
    """A real session of a cloud on paper; its state folder is where SCS_STATE says."""

    def __init__(
        self, cloud: PaperCloud, spec: CloudSpec, folder: Path, command: str = "up"
    ) -> None:
        self.paper = PaperHand(cloud)
        super().__init__(spec, folder, command, self.paper)
        self.cloud = cloud
        self.paper.names = {str(node.address): node.name for node in spec.nodes()}
        self.run_id = f"{self.run_id}-{time.monotonic_ns()}"
        self.stock = cast("Any", PaperStock())

    @cached_property
    def provider(self) -> LocalProvider:
        return cast("LocalProvider", PaperProvider(self.cloud, self.paths.state / "key"))

    def executor(self, view: View) -> Executor:
        return PaperExecutor(self.cloud, Clients(view, self.paths.state / "ca.pem"))


class World:
    """A cloud on paper with its cloud.yaml and its state folder (SCS_STATE must say where)."""

    def __init__(self, cloud: PaperCloud, folder: Path) -> None:
        self.cloud = cloud
        self.folder = folder
        self.yaml: dict[str, Any] = {"name": "paper"}

    @property
    def node(self) -> dict[str, Any]:
        """What there is on the first node."""
        return self.cloud.nodes["node-1"]

    @property
    def state(self) -> Path:
        return self.folder / "state" / "paper"

    def secrets(self) -> set[str]:
        """The values of all its secrets."""
        kept = self.session().secrets
        return {kept(name) for name in kept}

    def session(self, command: str = "up") -> PaperSession:
        spec = CloudSpec.model_validate(self.yaml)
        return PaperSession(self.cloud, spec, self.folder, command)

    def up(self) -> PaperSession:
        """What the command `up` does, without its words."""
        with self.session() as session, Recording(session, time.time()) as recording:
            look = session.look()
            if look.plan:
                apply(session, look, recording)
        return session

    def plan(self) -> Look:
        with self.session("plan") as session:
            return session.look()
