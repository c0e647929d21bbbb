# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where the cloud's data lie, as components see it: frozen values, and Ceph's form of keys."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from scs.model.topology import Node, Role

FILES, CEPH, EXTERNAL_CEPH = "files", "ceph", "external-ceph"

CEPH_CONF = "/etc/ceph/ceph.conf"


def keyring_path(account: str) -> str:
    """Where Ceph's tools look for the key of `client.NAME`."""
    return f"/etc/ceph/ceph.{account}.keyring"


@dataclass(frozen=True)
class Disk:
    """One disk of Ceph on a node."""

    slot: str
    """Its name on the node; stays the same for as long as the disk is there."""
    device: str = ""
    """Empty: a file."""
    size: int = 0
    """GiB of a file."""


@dataclass(frozen=True)
class Storage:
    """What cloud.yaml says of storage."""

    kind: str = FILES
    replicas: int = 1
    """How many copies there are of everything."""
    devices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Node → its disks for Ceph; none: files."""
    files: int = 0
    """How many files serve as disks on a node without any."""
    size: int = 0
    """GiB of each such file."""
    image_stores: tuple[str, ...] = ()
    """Pools of images beside the first, each a store of the image service."""

    @property
    def image_pools(self) -> tuple[str, ...]:
        """All pools that images lie in; they come to the first when nobody says otherwise."""
        return ("images", *self.image_stores)

    def disks(self, node: str) -> tuple[Disk, ...]:
        """The disks of a node that stores."""
        devices = self.devices.get(node, ())
        if devices:
            return tuple(Disk(slot_of(device), device) for device in devices)
        return tuple(Disk(f"file-{number}", size=self.size) for number in range(self.files))

    def osd_memory(self, memory: int, node: Node) -> int:
        """MiB that each disk's daemon of a node may use, of a node's memory (MiB; 0: unknown).

        In steps, so that it does not change with every boot.
        """
        share = 0.6 if node.roles == {Role.STORAGE} else 0.15
        each = memory * share / max(1, len(self.disks(node.name)))
        return max(step for step in MEMORY if step <= max(each, MEMORY[0]))


MEMORY = (896, 1024, 1536, 2048, 3072, 4096)
"""MiB; Ceph takes nothing below the first, and uses it only when there is something to cache."""


def slot_of(device: str) -> str:
    """A name for a device that systemd and paths take as it is."""
    plain = "".join(sign if sign.isalnum() else "-" for sign in device.removeprefix("/dev/"))
    return plain.strip("-")


def cephx_key(secret: str) -> str:
    """Ceph's form of a key (AES, 128 bit; no creation time), made from a secret."""
    key = hashlib.sha256(secret.encode()).digest()[:16]
    return base64.b64encode(struct.pack("<HIIH", 1, 0, 0, len(key)) + key).decode()


def keyring(account: str, key: str, caps: Mapping[str, str] | None = None) -> str:
    """The text of a keyring with one account."""
    lines = [f"[{account}]", f"\tkey = {key}"]
    lines += [f'\tcaps {name} = "{text}"' for name, text in (caps or {}).items()]
    return "\n".join(lines) + "\n"
