# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What has to be undone, on the disk before it is done: a killed run is continued from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scs.private import write_private

Step = Mapping[str, Any]
"""One thing that undoes; can be repeated, and does no harm where nothing was done."""


class Record:
    """Groups of steps: the last group is undone first, its steps in their order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._groups: list[list[Step]] = json.loads(path.read_text()) if path.exists() else []

    def __len__(self) -> int:
        return len(self._groups)

    def add(self, *steps: Step) -> None:
        """To be called before the change; it is on the disk when this returns."""
        # Copied: what undoes it stays the same, whatever becomes of the values.
        self._write([*self._groups, json.loads(json.dumps(steps))])

    def undo(self, do: Callable[[Step], None], keep: int = 0) -> None:
        """Undo all but the first `keep` groups; what could not be undone stays recorded."""
        while len(self._groups) > keep:
            for step in self._groups[-1]:
                do(step)
            self._write(self._groups[:-1])

    def _write(self, groups: list[list[Step]]) -> None:
        if groups:
            write_private(self._path, json.dumps(groups, indent=1))
        else:
            self._path.unlink(missing_ok=True)
        self._groups = groups
