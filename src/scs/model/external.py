# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What an operator brings along, instead of what the cloud would make: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DatabaseServer:
    """A MariaDB of the operator's; scs makes its accounts and databases there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    ca: str
    """The certificate (PEM) that its own is checked against; empty: the cloud's CA."""


@dataclass(frozen=True)
class CephCluster:
    """A Ceph of the operator's, with the accounts and pools that it has there."""

    config: str
    """The text of its ceph.conf."""
    monitors: tuple[tuple[str, int], ...]
    """Host and port; 0: one of those that are usual."""
    keys: Mapping[str, str] = field(repr=False)
    """`client.NAME` → its key."""


@dataclass(frozen=True)
class External:
    """All that comes from elsewhere."""

    database: DatabaseServer | None = None
    ceph: CephCluster | None = None
    ntp: tuple[str, ...] = ()
