# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The note in the state folder that an update of nodes is under way: what can't be seen of it."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from scs.errors import Problem
from scs.paths import Paths
from scs.private import write_private

NOTE = "updating.json"


@dataclass
class Note:
    """It is written at each change, and goes when there is nothing left to do."""

    path: Path
    since: float = 0.0
    """Seconds since 1970."""
    left: list[str] = field(default_factory=list)
    """The nodes that are still to be updated."""
    at: str = ""
    """The node that a run is at, or was when it was ended."""
    boots: dict[str, str] = field(default_factory=dict)
    """Node that is to restart, or has → the boot that is to end."""
    stopped: dict[str, list[str]] = field(default_factory=dict)
    """Node → its guests (ids) that were stopped for the update, and are to be started again."""
    unwell: list[str] = field(default_factory=list)
    """What was not well before, so that nobody waits for it."""

    @classmethod
    def read(cls, paths: Paths) -> Note:
        """What was noted; of nothing, where no update is under way."""
        path = paths.state / NOTE
        try:
            return cls(path, **json.loads(path.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return cls(path)

    @property
    def begun(self) -> bool:
        return bool(self.since)

    def plan(self, nodes: Sequence[str], looked: Collection[str], there: Collection[str]) -> None:
        """Of the nodes that were looked at these are to be updated; of others nothing is new.

        `there` are all that the cloud has by now.
        """
        others = [name for name in self.left if name in there and name not in looked]
        self.left = [*nodes, *others]

    def keep(self) -> None:
        """Write it down; nothing is, where nothing is left to do."""
        if not self.left:
            self.path.unlink(missing_ok=True)
            return
        self.since = self.since or round(time.time(), 3)
        values = {name: value for name, value in asdict(self).items() if name != "path"}
        write_private(self.path, json.dumps(values))


def unfinished(paths: Paths) -> tuple[Problem, ...]:
    """That an update of nodes has begun and is not finished, for people."""
    note = Note.read(paths)
    if not note.begun:
        return ()
    what = f"was ended at {note.at}; " if note.at else ""
    what += f"left to do: {', '.join(note.left)}"
    return (Problem("update of nodes", what, "scs nodes update"),)
