# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A node that may be lost and its guests, as they were seen: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Says(StrEnum):
    """What one witness says of a node."""

    LIFE = "lives"
    SILENCE = "is silent"
    NOTHING = "can't tell"


@dataclass(frozen=True)
class Sign:
    """What one witness says, and how it knows."""

    witness: str
    says: Says
    why: str

    def __str__(self) -> str:
        return f"{self.witness}: {self.why}"


@dataclass(frozen=True)
class ComputeHost:
    """A node as Nova's host."""

    service: str
    """The id of its nova-compute."""
    name: str
    up: bool
    enabled: bool
    forced: bool
    """Somebody has told Nova to take it for down."""
    reason: str
    """Why it is disabled."""
    quiet: float
    """For how many seconds it has given no sign of life."""


@dataclass(frozen=True)
class Guest:
    """A server on a host."""

    id: str
    name: str
    status: str
    """In the words for users: ACTIVE, SHUTOFF …"""
    host: str
    state: str = "active"
    """What it is apart from what is being done with it, in Nova's own words: active, stopped …"""
    task: str = ""
    """What Nova is doing with it."""
    wish: bool | None = None
    """What `HA_Enabled` says of it, at the server or at its flavor; None: nothing."""
    booted: bool = False
    """Its first disk was made from an image, and is no volume."""
    locked: bool = False
    created: str = ""
    size: Mapping[str, int] = field(default_factory=dict)
    """What it takes of a host, in Placement's classes: VCPU, MEMORY_MB, DISK_GB."""
    fault: str = ""
    """What Nova says of its last failure."""
