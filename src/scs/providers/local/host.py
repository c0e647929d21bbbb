# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What this cloud changes on the host beside links and rules, and how that is taken back.

All of it lives in the running kernel and is gone after the machine restarts, so the notes
about it are kept in /run, where they have the same life.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from scs.errors import Problem, ScsError

RUN = Path("/run/scs")
_PROC_SYS = Path("/proc/sys")
_BEFORE = "host-before.json"

AT_LEAST: Mapping[str, int] = {
    # Shared by all nodes and settable only here: systemd, containerd and kubelet take inotify
    # instances, Ceph and MariaDB take aio slots, OpenSearch maps many areas.
    "fs/inotify/max_user_instances": 8192,
    "fs/inotify/max_user_watches": 524288,
    "fs/aio-max-nr": 1048576,
    "vm/max_map_count": 262144,
}


def read_sysctl(name: str) -> str | None:
    """The value of `net/ipv4/ip_forward` or None where this kernel has no such setting."""
    try:
        return (_PROC_SYS / name).read_text().strip()
    except OSError:
        return None


def _write_sysctl(name: str, value: str) -> None:
    try:
        (_PROC_SYS / name).write_text(value)
    except OSError as error:
        raise ScsError(
            Problem(
                "this machine",
                f"can't set {name.replace('/', '.')} to {value}: {error.strerror}",
                "run scs as root of the machine itself (in a container: a privileged one)",
            )
        ) from error


def clouds() -> list[str]:
    """The clouds that have marked this host as theirs since it started."""
    if not RUN.is_dir():
        return []
    # Other folders lie there too: a machine that is a node has its own in the same place.
    marks = ("state", "nodes")
    return sorted(
        entry.name for entry in RUN.iterdir() if any((entry / mark).exists() for mark in marks)
    )


def state_of(cloud: str) -> Path | None:
    """The state folder of a cloud that has marked this host."""
    try:
        return Path((RUN / cloud / "state").read_text().strip())
    except OSError:
        return None


def claim(cloud: str, state: Path) -> None:
    """Mark the host as carrying this cloud; raises ScsError if another state folder does."""
    owner = RUN / cloud / "state"
    owner.parent.mkdir(parents=True, exist_ok=True)
    held = owner.read_text().strip() if owner.exists() else ""
    # An owner whose folder is gone left nothing that could be spoiled.
    if held and held != str(state) and Path(held).is_dir():
        raise ScsError(
            Problem(
                f"cloud {cloud}",
                f"a cloud of this name runs here already, with its state in {held}",
                f"use SCS_STATE={Path(held).parent}, or give this cloud another name",
            )
        )
    replace(owner, f"{state}\n")


def claimed_elsewhere(cloud: str, state: Path) -> bool:
    """Whether a cloud of this name, but with another (existing) state folder, runs here."""
    owner = RUN / cloud / "state"
    held = owner.read_text().strip() if owner.exists() else ""
    return bool(held) and held != str(state) and Path(held).is_dir()


def clouds_on(cache: Path, state: Path) -> list[str]:
    """Other clouds than the one with this state folder whose nodes stand on layers in a cache."""
    marks = (RUN / name / "state" for name in clouds())
    folders = {Path(mark.read_text().strip()) for mark in marks if mark.exists()}
    # Those that are down since the machine started are not marked, but may lie beside this one.
    folders |= set(state.parent.iterdir()) if state.parent.is_dir() else set()
    return sorted(
        folder.name
        for folder in folders - {state}
        for layers in folder.glob("nodes/*/layers")
        if str(cache) in layers.read_text()
    )


def remember_node(cloud: str, node: str) -> None:
    """Note a node before anything is made for it, so that `remove` finds it in any case."""
    (RUN / cloud / "nodes").mkdir(parents=True, exist_ok=True)
    (RUN / cloud / "nodes" / node).touch()


def forget_node(cloud: str, node: str) -> None:
    """Take the note of a node back when nothing is left of it."""
    (RUN / cloud / "nodes" / node).unlink(missing_ok=True)


def remembered_nodes(cloud: str) -> set[str]:
    """The nodes noted since the machine started."""
    folder = RUN / cloud / "nodes"
    return {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()


def release(cloud: str) -> None:
    """Take back the mark; the last cloud also puts the host's settings back."""
    if not RUN.is_dir():
        return
    with _alone():
        _release(cloud)
    with suppress(OSError):  # there may be other clouds
        RUN.rmdir()


@contextmanager
def _alone() -> Iterator[None]:
    """Keep the runs of other clouds away from the notes that all clouds share."""
    RUN.mkdir(parents=True, exist_ok=True)
    folder = os.open(RUN, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _release(cloud: str) -> None:
    folder = RUN / cloud
    for node in remembered_nodes(cloud):
        (folder / "nodes" / node).unlink(missing_ok=True)
    for entry in ("nodes", "state"):
        path = folder / entry
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
    if folder.is_dir():
        folder.rmdir()
    if not clouds():
        _restore()


def change(settings: Mapping[str, str]) -> None:
    """Set sysctls (names with slashes), noting the earlier value of each the first time."""
    with _alone():
        before = _before()
        for name, value in settings.items():
            held = read_sysctl(name)
            if held is None or held == value:
                continue
            before.setdefault(name, held)
            # The note is written first: a run killed in between must still be able to restore.
            replace(RUN / _BEFORE, json.dumps(before))
            _write_sysctl(name, value)


def raise_limits() -> None:
    """Raise the limits that nodes share to what a cloud needs; never lowers one."""
    wanted = {}
    for name, least in AT_LEAST.items():
        held = read_sysctl(name)
        if held is not None and int(held) < least:
            wanted[name] = str(least)
    change(wanted)


def forward_settings(ipv6: bool, foreign: Iterable[str]) -> dict[str, str]:
    """The sysctls that make this host a router, in the order in which they are safe.

    `foreign` are the host's own interfaces. One that takes its IPv6 address from router
    advertisements would stop doing so as soon as forwarding is on; accept_ra=2 keeps it.
    """
    settings = {"net/ipv4/ip_forward": "1"}
    if ipv6 and read_sysctl("net/ipv6/conf/all/forwarding") is not None:
        for link in foreign:
            if read_sysctl(f"net/ipv6/conf/{link}/accept_ra") == "1":
                settings[f"net/ipv6/conf/{link}/accept_ra"] = "2"
        settings["net/ipv6/conf/all/forwarding"] = "1"
    return settings


def missing_forwarding(ipv6: bool) -> list[str]:
    """The sysctls of a router that are off, by their names with dots."""
    wanted = ["net/ipv4/ip_forward", *(["net/ipv6/conf/all/forwarding"] if ipv6 else [])]
    return [name.replace("/", ".") for name in wanted if read_sysctl(name) == "0"]


def _before() -> dict[str, str]:
    try:
        noted: dict[str, str] = json.loads((RUN / _BEFORE).read_text())
    except (OSError, ValueError):
        return {}
    return noted


def _restore() -> None:
    # In reverse: forwarding goes off before accept_ra goes back to 1.
    for name, value in reversed(_before().items()):
        if read_sysctl(name) is not None:
            _write_sysctl(name, value)
    (RUN / _BEFORE).unlink(missing_ok=True)


def replace(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.scs-new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    draft.replace(path)
