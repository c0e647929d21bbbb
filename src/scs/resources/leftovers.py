# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files in a folder that is shared with others, which were ours and are no longer wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import ClassVar

from .base import Resource, Seen


@dataclass(frozen=True, kw_only=True)
class Leftovers(Resource):
    """A folder (the name is its path) in which what has our kind of name is wanted, or gone."""

    kind: ClassVar[str] = "leftovers"
    pattern: str
    """Names, with `*`, that only scs gives there."""
    keep: tuple[str, ...] = ()

    def _found(self) -> list[str]:
        try:
            names = sorted(path.name for path in Path(self.name).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [name for name in names if fnmatch(name, self.pattern) and name not in self.keep]

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.name,)

    @classmethod
    def observe(cls, wanted: Sequence[Leftovers]) -> dict[str, Seen]:
        return {want.id: {"left": found} if (found := want._found()) else {} for want in wanted}

    def compare(self, seen: Seen) -> str | None:
        left = seen.get("left")
        return f"holds {', '.join(left)}, which is no longer wanted" if left else None

    def diff(self, seen: Seen) -> str:
        return "".join(f"-{self.name}/{name}\n" for name in seen.get("left", ()))

    def converge(self) -> None:
        for name in self._found():
            (Path(self.name) / name).unlink(missing_ok=True)
