# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What runs of the tests that were killed have left on this machine, and its removal.

A run that is told to end takes its nodes down itself; one that is killed can't, and the next
one would find the names of its clouds taken.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from scs.model.topology import Network
from scs.paths import Paths
from scs.providers.local import LocalProvider, host, rootfs
from scs.shell import quiet

PARENT = Path("/var/tmp")
PREFIX = "scs-test-"


@contextmanager
def in_use(folder: Path) -> Iterator[None]:
    """Mark a run's folder as used; the mark goes with the process, however it ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def remove_cloud(cloud: str, networks: Mapping[str, Network]) -> None:
    """Take down the nodes of a cloud whose run was killed; leaves those of a living run alone."""
    state = host.state_of(cloud)
    top = state and _top(state)
    if state is None or top is None or not _abandoned(top):
        return
    paths = Paths(state, top / "cache")
    LocalProvider(paths, cloud, networks, lambda _say: []).remove(quiet)
    rootfs.delete_tree(top)


def remove_folders() -> None:
    """Delete the folders of killed runs, but those with nodes: `remove_cloud` needs these."""
    marked = {_top(state) for cloud in host.clouds() if (state := host.state_of(cloud))}
    for folder in PARENT.glob(f"{PREFIX}*"):
        if folder not in marked and _abandoned(folder):
            rootfs.delete_tree(folder)


def _top(state: Path) -> Path | None:
    """The run's folder that a state folder is in; none if it is not of a run of these tests."""
    return next((up for up in state.parents if up.match(f"{PARENT}/{PREFIX}*")), None)


def _abandoned(folder: Path) -> bool:
    try:
        with in_use(folder):
            return True
    except (BlockingIOError, FileNotFoundError):
        return False
