# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an image is, and what SCS-0102 wants written on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from scs.model.content import REPLACE_WITHIN


@dataclass(frozen=True)
class BuiltImage:
    """A disk image on this machine, complete and measured, ready to be uploaded."""

    path: Path
    """The qcow2 file."""
    name: str
    sha256: str
    sha512: str
    size: int
    """Bytes of the file (not of the disk inside it)."""
    min_disk: int
    """GB."""
    min_ram: int
    """MB."""
    built: datetime
    """When the build began, UTC."""
    properties: Mapping[str, str]
    """Properties for the image service: those of SCS-0102 and the hypervisor's hw_*."""
    digest: str = ""
    """SHA-512 of what a vendor publishes; empty: it is our own making."""

    @property
    def source(self) -> str:
        """SHA-512 of what it was made from, which tells one build from another."""
        return self.digest or self.sha512

    def is_stale(self, now: datetime) -> bool:
        """Whether the image is older than its own replace_frequency allows."""
        allowed = REPLACE_WITHIN.get(self.properties.get("replace_frequency", ""))
        return allowed is not None and now - self.built > allowed


Fault = Callable[[str], bool]
"""True when a property's value is not one that SCS-0102 accepts."""


def _not_one_of(*allowed: str) -> Fault:
    return lambda value: value not in allowed


def _not_matching(pattern: str) -> Fault:
    return lambda value: re.fullmatch(pattern, value) is None


def _not_a_date(value: str) -> bool:
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return True
    return re.fullmatch(r"[ T]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:?\d\d)?|", value[10:]) is None


def _not_provided_until(value: str) -> bool:
    return value not in ("none", "notice") and _not_a_date(value)


def _not_uuid_validity(value: str) -> bool:
    if value in ("none", "notice", "forever"):
        return False
    return re.fullmatch(r"last-[1-9]\d*", value) is None and _not_a_date(value)


_EMPTY = _not_matching(r"(?s).*\S.*")

REQUIRED: Mapping[str, Fault] = {
    "architecture": _not_one_of("x86_64", "aarch64", "risc-v", "riscv64", "ppc64le", "s390x"),
    "hw_disk_bus": _not_one_of("virtio", "scsi"),
    "os_distro": _not_matching(r"[a-z][a-z0-9-]*"),
    "os_version": _EMPTY,
    "os_purpose": _not_one_of(
        "generic", "minimal", "k8snode", "gpu", "network", "application", "custom"
    ),
    "image_build_date": _not_a_date,
    "image_original_user": _EMPTY,
    "image_source": lambda value: value != "private" and _not_matching(r"https?://\S+")(value),
    "image_description": _EMPTY,
    "replace_frequency": _not_one_of(*REPLACE_WITHIN),
    "provided_until": _not_provided_until,
    "uuid_validity": _not_uuid_validity,
}
"""Every property that SCS-0102 demands of an image that a user sees."""


def missing_metadata(properties: Mapping[str, str]) -> list[str]:
    """What SCS-0102 demands and `properties` lacks or has wrong, one line each.

    min_disk and min_ram are fields of an image, not properties, and so not looked at here.
    """
    faults: list[str] = []
    for name, is_fault in REQUIRED.items():
        value = properties.get(name)
        if value is None:
            faults.append(f"{name} is missing")
        elif is_fault(value):
            faults.append(f"{name} is {value!r}, which SCS-0102 does not accept")
    return faults


def build_stamp(built: datetime) -> str:
    """`image_build_date` for that moment."""
    return built.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
