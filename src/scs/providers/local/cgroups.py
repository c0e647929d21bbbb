# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Control groups: how the processes of a node are found and ended.

A node is known by its control group, not by a process id: the kernel keeps the membership,
so it can't be confused with a recycled id, outlives the scs that made it, and holds
everything that the node has started.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from scs.errors import Problem, ScsError
from scs.patience import patient
from scs.shell import run

_ROOT = Path("/sys/fs/cgroup")


def unified_root() -> Path | None:
    """Where the unified hierarchy is mounted, on a unified or a hybrid host."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        head, _, tail = line.partition(" - ")
        if tail.split()[0] == "cgroup2":
            found.append(Path(head.split()[4]))
    for usual in (_ROOT, _ROOT / "unified"):
        if usual in found:
            return usual
    return found[0] if found else None


def all_roots() -> list[Path]:
    """Where any hierarchy is mounted, the old ones included."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        head, _, tail = line.partition(" - ")
        if tail.split()[0] in ("cgroup", "cgroup2"):
            found.append(Path(head.split()[4]))
    return found


def ensure_unified_root() -> Path:
    """As `unified_root`; on a host with the old hierarchies only, mounts it beside them."""
    root = unified_root()
    if root is None:
        root = _ROOT / "unified" if any(_ROOT.glob("*/cgroup.procs")) else _ROOT
        hint = "run scs on the machine itself, or in a privileged container"
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ScsError(Problem("this machine", f"{root}: {error.strerror}", hint)) from error
        run(["mount", "-t", "cgroup2", "none", root], hint=hint, timeout=10)
    return root


def make(group: Path) -> None:
    """Make a group and its parents; raises ScsError where the hierarchy is read-only."""
    try:
        group.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScsError(
            Problem(
                "this machine",
                f"can't make the control group {group}: {error.strerror}",
                "run scs on the machine itself, or in a privileged container",
            )
        ) from error


def populated(group: Path) -> bool:
    """Whether any process lives in the group or below; false if there is no such group."""
    try:
        return "populated 1" in (group / "cgroup.events").read_text()
    except OSError:
        return False


def members(group: Path) -> list[int]:
    """The ids of all processes in the group and below."""
    found: list[int] = []
    for folder, _, files in os.walk(group):
        if "cgroup.procs" in files:
            try:
                found += map(int, Path(folder, "cgroup.procs").read_text().split())
            except OSError:
                continue  # the group went away, or is a threaded one
    return found


def init_of(group: Path) -> int | None:
    """The host's id of the first process of the container in this group."""
    for pid in members(group):
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        for line in status.splitlines():
            # Two ids: one here and 1 within. Containers inside the node have three.
            if line.startswith("NSpid:") and line.split()[2:] == ["1"]:
                return pid
    return None


def wait_empty(group: Path, seconds: float) -> bool:
    """Wait until the group has no process left; false if time runs out."""
    deadline = time.monotonic() + seconds
    while populated(group):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def kill(group: Path, seconds: float = 10) -> None:
    """End every process in the group at once; raises ScsError if some won't go."""
    # Without that file: no such group, or a kernel before 5.14. Then one by one, below.
    with suppress(FileNotFoundError):
        (group / "cgroup.kill").write_text("1")
    deadline = time.monotonic() + patient(seconds)
    while populated(group):
        for pid in members(group):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise ScsError(
                Problem(
                    "this machine",
                    f"processes {members(group)} in {group} do not end",
                    "see what they wait for in /proc/ID/stack, then run the command again",
                )
            )
        time.sleep(0.05)


def remove(group: Path) -> None:
    """Remove an empty group and all below it."""
    for folder, _, _ in os.walk(group, topdown=False):
        with suppress(OSError):  # an empty group that stays for a moment more does no harm
            Path(folder).rmdir()
