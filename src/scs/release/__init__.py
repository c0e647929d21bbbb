# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Releases: curated sets of versions, each locked by hash in a folder of its own.

`python -m scs.release lock [NAME] [--upgrade]` writes the locks of a release anew.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from scs.errors import BadInput, Problem

_FOLDER = Path(__file__).parent
_ENVIRONMENTS = PurePosixPath("/opt/scs/releases")

PYTHON = "3.13"
"""The Python of the nodes: Debian 13's. It runs the environments of all releases here."""

RECIPE = 2
"""Raise it when `environment` makes something else of the same locks: it is a new environment."""


@dataclass(frozen=True)
class Release:
    """A curated set of versions."""

    name: str
    folder: Path

    @property
    def lock(self) -> Path:
        """The Python packages of the environment, with versions and hashes."""
        return self.folder / "openstack.lock"

    @property
    def build_lock(self) -> Path:
        """What builds those of them that come without wheels, with versions and hashes."""
        return self.folder / "build.lock"

    @property
    def migrations(self) -> Path:
        """Which database has its migrations where."""
        return self.folder / "migrations.toml"

    @cached_property
    def environment_id(self) -> str:
        """Names one environment, content and way of making it: "2026.2-0123456789ab"."""
        digest = hashlib.sha256(f"{RECIPE} {PYTHON} ".encode())
        for path in (self.lock, self.build_lock, self.migrations):
            # Comments (who needs a package) don't change what is installed.
            lines = [line for line in path.read_text().splitlines() if line.strip()[:1] != "#"]
            digest.update("\n".join(lines).encode() + b"\0")
        return f"{self.name}-{digest.hexdigest()[:12]}"

    @property
    def environment_path(self) -> PurePosixPath:
        """Where the environment is on a node; releases lie side by side."""
        return _ENVIRONMENTS / self.environment_id

    def versions(self) -> dict[str, str]:
        """Package name → version, as locked."""
        found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", self.lock.read_text(), re.MULTILINE)
        return dict(sorted(found))


def names() -> list[str]:
    """The releases that this scs knows, oldest first."""
    return sorted(path.parent.name for path in _FOLDER.glob("*/openstack.in"))


def load(name: str) -> Release:
    """The release of that name; raises BadInput if there is none."""
    if name not in names():
        raise BadInput(
            Problem("release", f"there is no release {name!r}", f"known: {', '.join(names())}")
        )
    return Release(name, _FOLDER / name)
