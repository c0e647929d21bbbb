# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What tests with real nodes share: a folder for them, and the layer that they stand on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import left
from scs.providers.local import layers, rootfs
from scs.shell import quiet


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder on a real file system; /tmp may be one of those that overlayfs refuses."""
    left.remove_folders()
    folder = Path(tempfile.mkdtemp(prefix=left.PREFIX, dir=left.PARENT))
    with left.in_use(folder):
        yield folder
        rootfs.delete_tree(folder)


@pytest.fixture(scope="session")
def base(scratch: Path) -> Path:
    """A root file system with what the tests want on nodes, also on one that is a host itself."""
    packages = ("iptables", "openssh-client", "systemd-container", "iputils-ping", "memcached")
    return layers.build_base(scratch / "cache", packages, quiet)
