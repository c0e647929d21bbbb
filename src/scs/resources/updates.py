# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A node's Debian packages, as new as its archive has them. `up` never wants that by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from .base import ConvergeError, Resource, Seen, command
from .package import KEEPING, QUIET, apt, starting_nothing

PROC = Path("/proc")
INFO = Path("/var/lib/dpkg/info")
KERNEL = "linux-image-"
"""How the names of Debian's kernels begin."""
PLACES = ("/usr/", "/lib", "/bin/", "/sbin/")
"""Where Debian's programs and libraries lie."""
GONE = " (deleted)"
"""What the kernel adds to the name of a file in use that has another one in its place by now."""
NEW = ("--with-new-pkgs", "upgrade")
"""Nothing is removed; a kernel comes as a new package."""
_COMES = re.compile(r"^Inst (\S+)(?: \[([^\]]*)\])? \((\S+) ", re.MULTILINE)


def coming(told: str) -> dict[str, list[str]]:
    """Package → the version that is there (empty: none) and the one that comes, from apt's words
    about what it would do.
    """
    return {name: [old, new] for name, old, new in _COMES.findall(told)}


def mapped() -> Iterator[tuple[str, str, bool]]:
    """(process, file of Debian's, whether it was replaced since) for all programs and libraries
    in use.
    """
    for folder in PROC.glob("[0-9]*"):
        try:
            lines = (folder / "maps").read_text(errors="replace").splitlines()
            name = (folder / "comm").read_text(errors="replace").strip()
        except OSError:
            continue  # it has ended
        for path in {line.split(None, 5)[5] for line in lines if " r-xp " in line and "/" in line}:
            if path.startswith(PLACES) and not path.startswith("/usr/local/"):
                yield name, path.removesuffix(GONE), path.endswith(GONE)


def in_use(packages: Iterable[str], paths: Iterable[str]) -> list[str]:
    """Those of the packages that files of these paths are of."""
    wanted = set(paths)
    return [name for name in packages if wanted & _files(name)]


def _files(package: str) -> set[str]:
    """The files of a package; those of before /lib and /usr/lib became one have both names."""
    # Packages that may be there for several architectures have theirs in the name.
    lists = [INFO / f"{package}.list", *INFO.glob(f"{package}:*.list")]
    found: set[str] = set()
    for path in lists:
        if path.exists():
            found |= set(path.read_text(errors="replace").splitlines())
    return found | {f"/usr{path}" for path in found if not path.startswith("/usr")}


@dataclass(frozen=True, kw_only=True)
class Updates(Resource):
    """All packages of a node; the name is the distribution's."""

    kind: ClassVar[str] = "updates"

    @classmethod
    def observe(cls, wanted: Sequence[Updates]) -> dict[str, Seen]:
        """What would come, and what of it processes use now: they go on with the old one."""
        if not wanted:
            return {}
        try:
            # By itself it takes what does not answer for a warning.
            apt("-o", "APT::Update::Error-Mode=any", "update", seconds=150)
            packages = coming(apt("--simulate", *NEW, seconds=60))
        except ConvergeError as error:
            return {want.id: {"unseen": str(error)} for want in wanted}
        used = in_use(packages, [path for _, path, _ in mapped()])
        used += [name for name in packages if name.startswith(KERNEL)]
        return {want.id: {"packages": packages, "used": used} for want in wanted}

    def compare(self, seen: Seen) -> str | None:
        count = len(seen.get("packages", ()))
        return f"{count} package{'s' if count > 1 else ''} can be upgraded" if count else None

    def converge(self) -> None:
        with starting_nothing() as path:
            # What a killed run has left in half.
            command(["dpkg", *KEEPING, "--configure", "-a"], env={**QUIET, "PATH": path})
            apt(*NEW, path=path, seconds=3600)
