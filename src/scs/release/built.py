# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Programs that this machine runs beside scs and that are built here, from Go modules.

Each has a folder in `go` with a go.mod and a go.sum: the sums of all that goes into it. Go itself
comes by hash as well (`go/go.lock`), so nothing depends on what this machine has installed. What a
build leaves is one file in the cache; what it needed on the way, some GB, goes with its end.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from scs.errors import CommandFailed, Problem, ScsError
from scs.release import here
from scs.shell import Say, run

LOCKS = Path(__file__).with_name("go")
GO = LOCKS / "go.lock"
SECONDS = 3600

_HINT = (
    "look at the network, at GOPROXY and at the room below the cache, then run the same command "
    "again"
)


@dataclass(frozen=True)
class Program:
    """A program, and what builds it."""

    name: str
    """That of its folder in `go`."""
    package: str
    binary: str
    set: tuple[str, ...] = ()
    """Variables that the linker sets: PACKAGE.NAME=VALUE."""

    @property
    def locks(self) -> tuple[Path, Path]:
        return LOCKS / self.name / "go.mod", LOCKS / self.name / "go.sum"


OPENTOFU = Program(
    "opentofu",
    "github.com/opentofu/opentofu/cmd/tofu",
    "tofu",
    ("github.com/opentofu/opentofu/version.dev=no",),
)
OPENSTACK_PLUGIN = Program(
    "terraform-provider-openstack",
    "github.com/terraform-provider-openstack/terraform-provider-openstack/v3",
    "terraform-provider-openstack",
)


def place(cache: Path, program: Program) -> Path:
    """Where the program is, or would be."""
    parts = [*program.locks, GO]
    mark = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:12]
    return cache / f"{program.name}-{mark}" / program.binary


def build(cache: Path, program: Program, say: Say) -> Path:
    """The program; built unless it is there. Raises ScsError."""
    made = place(cache, program)
    if made.is_file():
        return made
    work = cache / f"{program.name}.{os.getpid()}.new"
    shutil.rmtree(work, ignore_errors=True)
    (work / "module").mkdir(parents=True)
    try:
        for lock in program.locks:
            shutil.copyfile(lock, work / "module" / lock.name)
        say("fetching Go")
        go = _go(here.install(cache, "go", GO))
        say(f"building {program.binary} from its source and that of all it uses")
        (work / "out").mkdir()
        _compile(go, program, work)
        # Whole or not at all; another run may have been as fast.
        if not made.parent.is_dir():
            (work / "out").rename(made.parent)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return made


def _go(environment: Path) -> Path:
    found = sorted(environment.glob("lib/python*/site-packages/go/bin/go"))
    if not found:
        raise ScsError(Problem("Go", f"is not in {environment}", f"rm -r {environment}"))
    return found[0]


def _compile(go: Path, program: Program, work: Path) -> None:
    set_here = " ".join(f"-X {item}" for item in program.set)
    try:
        run(
            [
                *(go, "build", "-trimpath", "-ldflags", f"-s -w {set_here}".strip()),
                *("-o", work / "out" / program.binary, program.package),
            ],
            where=program.binary,
            hint=_HINT,
            cwd=work / "module",
            env=_environment(go, work),
            timeout=SECONDS,
        )
    except CommandFailed:
        if shutil.disk_usage(work).free < 1 << 30:
            what = "could not be built: there is less than 1 GiB left for it"
            raise ScsError(Problem(program.binary, what, f"make room in {work.parent}")) from None
        raise


def _environment(go: Path, work: Path) -> dict[str, str]:
    """Nothing of this machine's but how it reaches modules, and how busy it may be (GOFLAGS)."""
    flags = os.environ.get("GOFLAGS", "")
    return {
        "GOROOT": str(go.parents[1]),
        "GOPATH": str(work / "gopath"),
        "GOMODCACHE": str(work / "gopath/pkg/mod"),
        "GOCACHE": str(work / "cache"),
        "GOTMPDIR": str(work),
        "GOENV": "off",
        "GOWORK": "off",
        "GOTOOLCHAIN": "local",
        # Every sum is in go.sum, and -mod=readonly refuses what is not: nobody else is asked.
        "GOSUMDB": "off",
        "GOFLAGS": f"{flags} -mod=readonly -modcacherw -buildvcs=false".strip(),
        "CGO_ENABLED": "0",
    }
