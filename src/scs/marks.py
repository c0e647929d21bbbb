# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""How a program marks what it makes in a cloud, so that a later run knows it as its own.

A thing counts as ours only when all marks are there, which each carries from the moment it is
made: the run's name, and a description in exact words with the same run in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Marks:
    """The marks of one program of ours: `verify` or `certify`."""

    program: str

    @property
    def prefix(self) -> str:
        """How all its names begin."""
        return f"scs-{self.program}-"

    def name_of(self, run: str) -> str:
        """The name of everything that a run makes."""
        return f"{self.prefix}{run}"

    def mark_of(self, run: str) -> str:
        """The description of everything that a run makes."""
        return f"made by scs {self.program} in run {run}"

    def run_of(self, name: str | None, description: str | None) -> str | None:
        """The run that made a thing; None: not one of ours.

        `name` is None for what has no names.
        """
        words = f"made by scs {re.escape(self.program)} in run ([0-9a-f]{{8}})"
        marked = re.fullmatch(words, description or "")
        if not marked:
            return None
        if name is None:
            return marked[1]
        named = re.fullmatch(f"{re.escape(self.prefix)}([0-9a-f]{{8}})", name)
        return named[1] if named and named[1] == marked[1] else None
