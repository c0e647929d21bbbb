# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Releases: curated sets of versions, each locked by hash in a folder of its own.

`python -m scs.release lock [NAME] [--upgrade]` writes the locks of a release anew.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from scs.errors import BadInput, Problem

_FOLDER = Path(__file__).parent
_HERE = "here"
_ENVIRONMENTS = PurePosixPath("/opt/scs/releases")
_BESIDE = PurePosixPath("/var/lib/scs/artifacts/environments")

PYTHON = "3.13"
"""The Python of the nodes: Debian 13's. It runs the environments of all releases here."""

MAIN = "openstack"
"""The environment of the services; a release can have others beside it."""

RECIPE = 4
"""Raise it when `environment` makes something else of the same locks: it is a new environment."""


@dataclass(frozen=True)
class Release:
    """A curated set of versions."""

    name: str
    folder: Path
    part: str = MAIN
    """Which of its environments is meant."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The environments of this release, that of the services first."""
        found = {path.stem for path in self.folder.glob("*.in")} - {"build", MAIN}
        return (MAIN, *sorted(found))

    @property
    def tools(self) -> tuple[str, ...]:
        """What this machine runs of it, each in an environment of its own: see `here`."""
        return tuple(sorted(path.stem for path in (self.folder / _HERE).glob("*.in")))

    def tool_lock(self, name: str) -> Path:
        """The Python packages of such a tool, for each Python that scs itself runs with."""
        return self.folder / _HERE / f"{name}.lock"

    def beside(self, part: str) -> Release:
        """The same release, with another of its environments meant."""
        return replace(self, part=part)

    @property
    def lock(self) -> Path:
        """The Python packages of the environment, with versions and hashes."""
        return self.folder / f"{self.part}.lock"

    @property
    def demanded(self) -> frozenset[str]:
        """The packages that its environments are made for; all others are needed by these."""
        sources = [self.folder / f"{part}.in" for part in self.parts]
        sources += [self.tool_lock(name).with_suffix(".in") for name in self.tools]
        texts = [path.read_text() for path in sources]
        return frozenset(re.findall(r"^[A-Za-z][\w.-]*", "\n".join(texts), re.MULTILINE))

    @property
    def finish(self) -> Path:
        """A program that the environment runs when it is made, where there is one.

        Its argument is the environment's folder; what it leaves there belongs to it.
        """
        return self.folder / f"{self.part}.finish"

    @property
    def constraints(self) -> Path:
        """Bounds for packages that no *.in names, where there are any."""
        return self.folder / "constraints.txt"

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
        main = self.part == MAIN
        for path in (self.lock, self.build_lock, self.migrations if main else self.finish):
            # Comments (who needs a package) don't change what is installed.
            text = path.read_text() if path.exists() else ""
            lines = [line for line in text.splitlines() if line.strip()[:1] != "#"]
            digest.update("\n".join(lines).encode() + b"\0")
        return "-".join([self.name, *([] if main else [self.part]), digest.hexdigest()[:12]])

    @property
    def environment_path(self) -> PurePosixPath:
        """Where the environment is on a node; releases lie side by side.

        That of the services is under each new node from the start. Others come to nodes that
        may be there already, so they lie where a provider shares a folder with its nodes.
        """
        return (_ENVIRONMENTS if self.part == MAIN else _BESIDE) / self.environment_id

    def versions(self) -> dict[str, str]:
        """Package name → version, as locked."""
        return locked(self.lock)

    def all_versions(self) -> dict[str, str]:
        """The same of all its environments and tools together."""
        locks = [self.beside(part).lock for part in self.parts]
        locks += [self.tool_lock(name) for name in self.tools]
        # Where several have a package, that of the services is told.
        return {key: value for lock in reversed(locks) for key, value in locked(lock).items()}


def locked(lock: Path) -> dict[str, str]:
    """Package name → version of a lock."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock.read_text(), re.MULTILINE)
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
