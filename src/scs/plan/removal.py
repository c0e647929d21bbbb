# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is no more wanted goes: from the record that each node keeps. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from scs.model import needs
from scs.model.storage import CEPH_CONF
from scs.model.view import View
from scs.resources import (
    Absent,
    CephPools,
    Database,
    File,
    Leftovers,
    Osd,
    QueueAccounts,
    Record,
    Resource,
    Seen,
)
from scs.resources.record import REMOVERS, SERVED

RECORD = "record"
CLUSTER = f"file:{CEPH_CONF}"
"""Where this is wanted, there is a cluster that takes over what a disk holds."""


@dataclass(frozen=True)
class Kept:
    """Data of something that is no more wanted; they go only when somebody says so."""

    node: str
    """Or the cloud's API."""
    component: str
    id: str
    size: int
    """Bytes; 0 where it can't be told."""


def record(items: Sequence[Resource], view: View) -> Record:
    """The record of one node: all that can be removed again, and the data of its components.

    What is made for a need belongs to the component that needs it, not to the one that gives it.
    """
    needy: dict[tuple[type[Resource], str], str] = {
        (CephPools, name): part.name
        for part in reversed(view.components)
        for need in part.needs
        if isinstance(need, needs.BlockStorage | needs.StorageAccount)
        for name in (f"client.{need.name}", *need.pools)
    }
    needy |= {
        (given, need.name): part.name
        for part in reversed(view.components)
        for need in part.needs
        for kind, given in ((needs.Database, Database), (needs.Queue, QueueAccounts))
        if isinstance(need, kind)
    }
    found: dict[str, Mapping[str, Any]] = {}
    for item in items:
        for account, kind, name, data in _parts(item):
            owner = needy.get((type(item), account), item.component)
            found[f"{kind}:{name}"] = _entry(kind, name, owner, data)
            if isinstance(item, Osd):
                found[f"{kind}:{name}"] = {**found[f"{kind}:{name}"], "server": CLUSTER}
    for part in view.components_here:
        for path in part.data(view):
            found[f"data:{path}"] = _entry("data", path, part.name, True)
    return Record(name="managed", component=RECORD, items=found)


def _entry(kind: str, name: str, component: str, data: bool) -> Mapping[str, Any]:
    base = {"kind": kind, "name": name, "component": component}
    return {**base, "data": True} if data else base


def _parts(item: Resource) -> Iterable[tuple[str, str, str, bool]]:
    """Account, kind, name, and whether it holds data, of what a resource makes."""
    if isinstance(item, Database):
        yield item.name, item.kind, item.name, False
        yield from ((item.name, "schema", name, True) for name in item.databases)
    elif isinstance(item, QueueAccounts):
        hosts = dict.fromkeys(host for _, _, host in item.accounts)
        yield from ((name, item.kind, name, False) for name in hosts)
    elif isinstance(item, CephPools):
        accounts = (name for name in item.accounts if name.startswith("client."))
        yield from (
            (name, "ceph-account", name.removeprefix("client."), False) for name in accounts
        )
        yield from ((name, "ceph-pool", name, True) for name in item.pools)
    elif item.kind in REMOVERS:
        yield item.name, item.kind, item.name, isinstance(item, Osd)


def _inside(path: str, folders: Iterable[str]) -> bool:
    """Whether a path is one of these or lies in one."""
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def _around(path: str, folders: Iterable[str]) -> bool:
    """Whether a directory is one of these, lies in one or has one in it."""
    return _inside(path, folders) or any(_inside(folder, [path]) for folder in folders)


def swept(desired: Iterable[Resource], item: Mapping[str, Any]) -> bool:
    """Whether somebody looks through its folder for what is left over there, and removes it."""
    folder, _, name = str(item["name"]).rpartition("/")
    return item["kind"] == File.kind and any(
        isinstance(other, Leftovers) and folder == other.name and fnmatch(name, other.pattern)
        for other in desired
    )


def emptied(seen: Seen) -> tuple[Absent, ...]:
    """What has to hand over its data before a whole node goes, from the record that is on it."""
    return tuple(
        Absent(name=name, component=item["component"], what=item["kind"], item=item["name"])
        for name, item in sorted(seen.get("gone", {}).items())
        if "server" in item
    )


def removals(
    node: str,
    wanted: Record,
    seen: Seen,
    delete_data: Collection[str],
    desired: Iterable[Resource] = (),
) -> tuple[tuple[Absent, ...], tuple[Kept, ...], Mapping[str, int]]:
    """What goes from a node, what stays because it holds data, and bytes that would be lost.

    Data go only with their component's name in `delete_data`. As long as they stay, so do the
    accounts that own them, and scs's own files and folders around them.
    """
    gone: Mapping[str, Mapping[str, Any]] = {
        name: item for name, item in seen.get("gone", {}).items() if not swept(desired, item)
    }
    sizes: Mapping[str, int] = seen.get("bytes", {})
    served = {item["kind"] for item in wanted.items.values()}
    kept = tuple(
        Kept(node, item["component"], name, sizes.get(name, 0))
        for name, item in sorted(gone.items())
        if item.get("data")
        and item["component"] not in delete_data
        # What lies in a server that goes as well is that server's data.
        and not (item["kind"] in SERVED and item["kind"] not in served)
        # Its data move to other disks.
        and item.get("server") not in wanted.items
    )
    holds = {item.id for item in kept}
    folders = tuple(name.removeprefix("data:") for name in holds if name.startswith("data:"))
    owners = {item.component for item in kept}
    going = {
        name: item
        for name, item in gone.items()
        if name not in holds
        and item["kind"] in REMOVERS
        and not (item["kind"] in ("file", "link") and _inside(item["name"], folders))
        and not (item["kind"] == "directory" and _around(item["name"], folders))
        and not (item["kind"] == "account" and item["component"] in owners)
    }
    ranks = {name: REMOVERS[item["kind"]][0] for name, item in going.items()}
    # Folders from the inside out.
    ordered = sorted(going, key=lambda name: (ranks[name], -name.count("/"), name))
    absent: list[Absent] = []
    for name in ordered:
        item = going[name]
        before = tuple(
            f"absent:{other}"
            for other in going
            if ranks[other] < ranks[name]
            or (item["kind"] == "directory" and other.startswith(f"{name}/"))
        )
        absent.append(
            Absent(
                name=name,
                component=item["component"],
                what=item["kind"],
                item=item["name"],
                served=item["server"] in wanted.items
                if "server" in item
                else item["kind"] not in SERVED or item["kind"] in served,
                after=before,
            )
        )
    lost = {
        name: sizes[name]
        for name in ordered
        if name in sizes and going[name].get("server") not in wanted.items
    }
    return tuple(absent), kept, lost
