# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What tests on this host share: its programs, a folder, and the layer that nodes stand on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import left
from scs.images.disk import TOOLS
from scs.providers.local import install_host_packages, layers, rootfs
from scs.shell import quiet

PACKAGES = {
    **{package: tool for tool, package in TOOLS.items()},
    "cpio": "cpio",
    "qemu-system-x86": "qemu-system-x86_64",
}
"""Debian's, and a program of each: what the tests use besides what scs brings for nodes."""


@pytest.fixture(scope="session", autouse=True)
def _packages() -> None:
    """A machine that has never seen the project has none of them; no cloud was up before."""
    install_host_packages(more=PACKAGES)


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
