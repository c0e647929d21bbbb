# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ceph's monitor: it knows the cluster, and who may do what in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scs.model.component import (
    CONTROL,
    Check,
    Component,
    Folder,
    Gives,
    Observed,
    Port,
    Probe,
    Service,
    Text,
)
from scs.model.needs import BlockStorage, Need, StorageAccount, StorageClient, StorageCluster
from scs.model.saved import LISTED, SCRATCH, Saved, shell
from scs.model.storage import CEPH, keyring, keyring_path
from scs.model.topology import Role
from scs.model.view import View
from scs.resources import CephPools, Monitor, Osd, Resource

ADMIN = "client.admin"
ALL = "allow *"
FIRST: Mapping[str, Mapping[str, str]] = {
    "mon.": {"mon": ALL},
    ADMIN: {"mgr": ALL, "mon": ALL, "osd": ALL},
    "client.disks": {
        "mgr": "allow r",
        "mon": "profile bootstrap-osd, allow r"
        ", allow command 'osd down', allow command 'osd out', allow command 'osd purge-actual'"
        ", allow command 'osd set-group', allow command 'osd unset-group'",
    },
}
"""Accounts that the cluster has from its first moment: what else there is comes by them."""


def standing(view: View) -> dict[str, Mapping[str, str]]:
    """The accounts that are there without anybody's need."""
    managers = {
        f"mgr.{node.name}": {"mds": ALL, "mon": "profile mgr", "osd": ALL}
        for node in view.nodes_with(Role.CONTROL)
    }
    return {**FIRST, **managers}


def monitor(view: View) -> Iterable[Resource]:
    name = view.here.name
    ring = "".join(
        keyring(account, view.storage_key(account), caps)
        for account, caps in standing(view).items()
    )
    yield Monitor(
        name=name,
        path=f"/var/lib/ceph/mon/ceph-{name}",
        fsid=view.storage_id,
        members=tuple((node.name, f"v2:{node.address}:3300") for node in view.controls),
        keyring=ring,
    )


def block_caps(need: BlockStorage) -> Mapping[str, str]:
    pools = [f"profile rbd pool={pool}" for pool in need.pools]
    pools += [f"profile rbd-read-only pool={pool}" for pool in need.reads]
    return {
        "mgr": ", ".join(f"profile rbd pool={pool}" for pool in need.pools),
        "mon": "profile rbd",
        "osd": ", ".join(pools),
    }


def settings(view: View) -> Mapping[str, Mapping[str, str]]:
    """What follows from the nodes; not in ceph.conf, whose change would restart all daemons."""
    copies = view.storage.replicas
    found = {"global": {"osd_pool_default_size": str(copies)}}
    if copies == 1:
        found["global"]["mon_allow_pool_size_one"] = "true"
        # `up` tells it.
        found["global"]["mon_warn_on_pool_no_redundancy"] = "false"
    shares = {
        node.name: view.storage.osd_memory(view.memory, node) * 2**20
        for node in view.nodes_with(Role.STORAGE)
    }
    least = min(shares.values(), default=0)
    found["osd"] = {"osd_memory_target": str(least)}
    # A disk that starts for the first time learns only what is said to all.
    for name, share in shares.items():
        if share != least:
            found[f"osd/host:{name}"] = {"osd_memory_target": str(share)}
    return found


def pools(view: View) -> Iterable[Resource]:
    """The accounts and pools that components need."""
    if not view.leads:
        return
    accounts = {name: caps for name, caps in standing(view).items() if name != "mon."}
    # The manager's would be made by itself, but not in the way of the others.
    wanted: dict[str, Mapping[str, Any]] = {".mgr": {"application": "mgr", "groups": 1}}
    for block in view.needs(BlockStorage):
        accounts[f"client.{block.name}"] = block_caps(block)
        # Pools that it only reads may be nobody's here, and are needed to be read.
        names = (*block.pools, *block.reads)
        wanted |= {pool: {"application": "rbd", "groups": 16} for pool in names}
    for other in view.needs(StorageAccount):
        accounts[f"client.{other.name}"] = dict(other.caps)
        wanted |= {
            pool: {"application": other.application, "groups": 16 if pool.endswith("data") else 4}
            for pool in other.pools
        }
    yield CephPools(
        name="pools",
        accounts=accounts,
        keys={name: view.storage_key(name) for name in accounts},
        pools=wanted,
        replicas=view.storage.replicas,
        domain=view.storage_domain,
        settings=settings(view),
    )


def reachable(view: View, _need: Need) -> Probe:
    return {"type": "tcp", "host": str(view.nearest_control.address), "port": 3300}


def turn(view: View) -> Probe | None:
    """One of several starts anew only while the others are a majority."""
    several = len(view.controls) > 1
    return {"type": "monitor", "name": view.here.name} if several else None


def lost(view: View, observed: Observed) -> Iterable[str]:
    """A cluster that begins anew can't read what is on the disks of the one before."""
    full = [
        f"{name.partition(':')[2]} of {node}"
        for node, things in observed.items()
        for name, seen in things.items()
        if name.startswith(f"{Osd.kind}:") and seen.get("made")
    ]
    gone = []
    for node in view.controls:
        seen = observed.get(node.name, {}).get(f"{Monitor.kind}:{node.name}")
        if not seen or seen["there"]:
            return  # it can't be told, or there is one from which the others get them
        gone.append(node.name)
    if full:
        yield (
            f"the monitor's data on {', '.join(gone)} are gone, and these disks hold data that only"
            f" they can make sense of: {', '.join(full)}. Put /var/lib/ceph/mon back, or"
            " rebuild it from the disks; docs/storage.md says how"
        )


# What a new cluster could not make use of, and one that is rebuilt from its disks lacks or is
# checked by: see docs/backup.md. /run is in memory, so the keys in it touch no disk.
KNOWLEDGE = shell(
    "export TMPDIR=/run",
    *SCRATCH,
    'cd "$scratch"',
    "ceph auth export -o keyring 2>/dev/null",
    "ceph mon getmap -o monmap 2>/dev/null",
    "ceph osd getmap -o osdmap 2>/dev/null",
    "ceph osd getcrushmap -o crushmap 2>/dev/null",
    "ceph fsid > fsid",
    "ceph config dump --format json > config.json",
    "ceph osd pool ls detail --format json > pools.json",
    "ceph osd tree --format json > disks.json",
    "tar --create --sort=name --mtime=@0 *",
)

component = Component(
    name="ceph-mon",
    summary="monitor of Ceph",
    roles=CONTROL,
    source="debian:ceph-mon",
    license="LGPL-2.1-only",
    packages=("ceph-mon",),
    needs=(StorageClient(),),
    gives=(Gives(StorageCluster, ready=reachable),),
    ports=(Port(3300),),
    folders=(Folder("/etc/ceph"),),
    files=(
        Text(
            keyring_path(ADMIN),
            lambda view: keyring(ADMIN, view.storage_key(ADMIN)),
            mode=0o600,
            secret=True,
        ),
    ),
    units=(
        Service(
            "scs-ceph-mon",
            description="Ceph monitor",
            exec="/usr/bin/ceph-mon --foreground --id %H",
            user="ceph",
            settings={"RuntimeDirectory": "ceph", "RuntimeDirectoryPreserve": "yes"},
            ready=lambda view: {
                "type": "asok",
                "path": f"/run/ceph/ceph-mon.{view.here.name}.asok",
                "prefix": "mon_status",
                "name": "state",
                "values": ("leader", "peon"),
            },
            turn=turn,
        ),
    ),
    prepares=monitor,
    resources=pools,
    objections=lost,
    checks=(
        Check(
            "all copies are there, with space to spare",
            lambda _: {"type": "says", "argv": ("ceph", "health"), "words": "HEALTH_OK"},
        ),
    ),
    when=lambda view: view.storage.kind == CEPH,
    keeps=("/var/lib/ceph/mon",),
    saves=(Saved("cluster", save=KNOWLEDGE, proves=LISTED, of=("/var/lib/ceph/mon",)),),
)
