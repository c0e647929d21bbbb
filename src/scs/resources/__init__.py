# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The kinds of things that exist on a node: each is looked at, compared and converged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .account import Account
from .base import CANT_BE_SEEN, ConvergeError, Resource, Seen, users
from .ceph_mon import Monitor
from .ceph_osd import Osd
from .ceph_pools import CephPools
from .database import Database, HealthAccount
from .file import Directory, File, Link, Sum
from .hypervisor import HypervisorSecret
from .keys import Keys
from .leftovers import Leftovers
from .migration import Migration
from .ovs import Bridge, SwitchSettings
from .package import Packages
from .probe import Check, Gate
from .queue import QueueAccounts, QueueFeature
from .reboot import Reboot
from .record import Absent, Record
from .restored import Restored
from .unit import Unit
from .updates import Updates

KINDS: dict[str, type[Resource]] = {
    kind.kind: kind
    for kind in (
        Packages,
        Account,
        Directory,
        File,
        Sum,
        Link,
        Leftovers,
        Keys,
        Gate,
        Restored,
        Check,
        Database,
        HealthAccount,
        QueueAccounts,
        QueueFeature,
        Monitor,
        Osd,
        CephPools,
        Migration,
        SwitchSettings,
        Bridge,
        HypervisorSecret,
        Unit,
        Record,
        Absent,
        Updates,
        Reboot,
    )
}

__all__ = [
    "CANT_BE_SEEN",
    "KINDS",
    "Absent",
    "Account",
    "Bridge",
    "CephPools",
    "Check",
    "ConvergeError",
    "Database",
    "Directory",
    "File",
    "Gate",
    "HealthAccount",
    "HypervisorSecret",
    "Keys",
    "Leftovers",
    "Link",
    "Migration",
    "Monitor",
    "Osd",
    "Packages",
    "QueueAccounts",
    "QueueFeature",
    "Reboot",
    "Record",
    "Resource",
    "Restored",
    "Seen",
    "Sum",
    "SwitchSettings",
    "Unit",
    "Updates",
    "build",
    "observe",
    "users",
]


def build(payload: Mapping[str, Any]) -> Resource:
    """The resource that `Resource.payload` or `Resource.question` described."""
    return KINDS[payload["kind"]].from_payload(payload)


def observe(wanted: Iterable[Resource]) -> dict[str, Seen]:
    """Look at all these resources on this node, each kind in one go; id → what is there."""
    by_kind: dict[str, list[Resource]] = {}
    for want in wanted:
        by_kind.setdefault(want.kind, []).append(want)
    found: dict[str, Seen] = {}
    with ThreadPoolExecutor(max_workers=len(KINDS)) as pool:
        for seen in [pool.submit(KINDS[kind].observe, wants) for kind, wants in by_kind.items()]:
            found |= seen.result()
    return found
