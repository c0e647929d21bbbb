# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""How far a database's schema is, judged by the revisions of one environment. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any


class Stage(Enum):
    """What a database's alembic_version says of it."""

    EMPTY = "nothing was ever done"
    BEHIND = "not even what running code can bear is done"
    EXPANDED = "all is done that code of the release before can bear"
    COMPLETE = "all is done"
    AHEAD = "more is done than the environment knows of"


@dataclass(frozen=True)
class Schema:
    """The revisions of one tree of migrations; see `scs.release.heads`."""

    heads: frozenset[str]
    expanded: frozenset[str]
    follows: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Schema:
        """As an environment's heads.json has it."""
        return cls(frozenset(values["heads"]), frozenset(values["expanded"]), values["follows"])

    def stage(self, rows: Collection[str]) -> Stage:
        """How far a database is whose alembic_version has these rows."""
        if not rows:
            return Stage.EMPTY
        if set(rows) == self.heads:
            return Stage.COMPLETE
        if not self.follows.keys() >= set(rows):
            return Stage.AHEAD
        return Stage.EXPANDED if self.expanded <= self._run(rows) else Stage.BEHIND

    def _run(self, rows: Collection[str]) -> set[str]:
        """All revisions that have run: alembic only keeps the ends."""
        found: set[str] = set()
        left = set(rows)
        while left:
            found |= left
            left = {name for revision in left for name in self.follows[revision]} - found
        return found


def release_of(environment: str) -> str:
    """The release of an environment at that path: `/opt/scs/releases/2026.2-0123456789ab`.

    Names of releases sort by age.
    """
    return PurePath(environment).name.partition("-")[0]
