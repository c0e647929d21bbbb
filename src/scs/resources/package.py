# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Debian packages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from .base import Resource, Seen, command

STATUS = Path("/var/lib/dpkg/status")
PROGRAMS = "/usr/sbin:/usr/bin:/sbin:/bin"
STUBBED = ("deb-systemd-helper", "deb-systemd-invoke", "invoke-rc.d", "update-rc.d")
"""Programs of dpkg's that do nothing meanwhile: what runs, and with what, is decided by units.

A queue or a database that starts as its package has it founds a cluster of its own, which ours
then is not. (The layer under local nodes is made in the same way.)
"""
KEEPING = ("--force-confdef", "--force-confold")
"""dpkg's options for files under /etc that somebody has changed: they stay."""
QUIET = {
    "DEBIAN_FRONTEND": "noninteractive",
    "LC_ALL": "C.UTF-8",
    "NEEDRESTART_SUSPEND": "1",  # else it may restart what it likes
    "PATH": PROGRAMS,
}


def apt(*words: str, path: str = PROGRAMS, seconds: float) -> str:
    """Have apt do something without asking anybody, its scripts with that path; what it says.

    Files under /etc that somebody has changed stay as they are.
    """
    settings = [f"Dpkg::Options::={option}" for option in KEEPING]
    settings += ["DPkg::Lock::Timeout=120", "APT::Install-Recommends=false", f"DPkg::Path={path}"]
    options = [word for setting in settings for word in ("-o", setting)]
    return command(["apt-get", *options, "-y", *words], env=QUIET, timeout=seconds)


@contextmanager
def starting_nothing() -> Iterator[str]:
    """A path for dpkg on which nothing starts, stops or enables services meanwhile."""
    with TemporaryDirectory(prefix="scs-stubs-") as folder:
        for name in STUBBED:
            stub = Path(folder, name)
            stub.write_text("#!/bin/sh\nexit 0\n")
            stub.chmod(0o755)
        yield f"{folder}:{PROGRAMS}"


def installed(status: str) -> dict[str, str]:
    """Package → version of those that dpkg's status file lists as fully installed."""
    found: dict[str, str] = {}
    for block in status.split("\n\n"):
        if "\nStatus: install ok installed\n" not in block:
            continue
        head = dict(
            line.split(": ", 1)
            for line in block.splitlines()
            if line.startswith(("Package: ", "Version: "))
        )
        found[head["Package"]] = head.get("Version", "")
    return found


@dataclass(frozen=True, kw_only=True)
class Packages(Resource):
    """The Debian packages of one component; the name is the component's."""

    kind: ClassVar[str] = "packages"
    packages: tuple[str, ...]

    @classmethod
    def observe(cls, wanted: Sequence[Packages]) -> dict[str, Seen]:
        # Reading the file costs 10 ms where asking dpkg-query costs 50.
        there = installed(STATUS.read_text(errors="replace")) if STATUS.exists() else {}
        return {
            want.id: {name: there[name] for name in want.packages if name in there}
            for want in wanted
        }

    def compare(self, seen: Seen) -> str | None:
        missing = [name for name in self.packages if name not in seen]
        return f"not installed: {', '.join(missing)}" if missing else None

    def converge(self) -> None:
        apt("update", seconds=180)
        with starting_nothing() as path:
            apt("install", *self.packages, path=path, seconds=1200)
