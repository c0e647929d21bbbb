# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ceph's disks: one daemon for each."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from scs.model.component import STORAGE, Component, Folder, Observed, Port, Probe, Service, Text
from scs.model.needs import StorageClient, StorageCluster
from scs.model.storage import CEPH, keyring, keyring_path
from scs.model.view import View
from scs.resources import Osd, Resource

ACCOUNT = "client.disks"
AT = "/var/lib/ceph/osd/%i"


def slots(view: View) -> Iterable[str]:
    return [disk.slot for disk in view.storage.disks(view.here.name)]


def disks(view: View) -> Iterable[Resource]:
    for disk in view.storage.disks(view.here.name):
        where = f"{view.here.name}/{disk.slot}"
        yield Osd(
            name=disk.slot,
            uuid=str(uuid.uuid5(uuid.UUID(view.storage_id), where)),
            key=view.storage_key(f"osd/{where}"),
            fsid=view.storage_id,
            device=disk.device,
            size=disk.size,
        )


def turn(view: View) -> Probe:
    """Its node, or it alone where copies lie on one node, goes only when the others serve all."""
    return {
        "type": "disk",
        "slot": "%i",
        "spared": view.storage.replicas > 1,
        "alone": view.storage_domain == "osd",
    }


def full(view: View, observed: Observed) -> Iterable[str]:
    """Disks that have something on them: nothing is done until somebody has looked."""
    for node in view.nodes_with(*STORAGE):
        for disk in view.storage.disks(node.name):
            seen = observed.get(node.name, {}).get(f"{Osd.kind}:{disk.slot}", {})
            if seen.get("holds"):
                yield (
                    f"{disk.device} of {node.name} holds {seen['holds']}; to lose that:"
                    f" scs ssh {node.name} wipefs --all {disk.device}"
                )


def together(view: View) -> Iterable[str]:
    nodes = view.nodes_with(*STORAGE)
    if len(nodes) == 1:
        copies = view.storage.replicas
        what = f"all {copies} copies" if copies > 1 else "the only copy"
        yield (
            f"{what} of all data {'are' if copies > 1 else 'is'} on node {nodes[0].name}: whoever"
            " loses it loses everything. With the role storage on more nodes they are spread"
        )


component = Component(
    name="ceph-osd",
    summary="disks of Ceph",
    roles=STORAGE,
    source="debian:ceph-osd",
    license="LGPL-2.1-only",
    packages=("ceph-osd",),
    needs=(StorageClient(), StorageCluster()),
    ports=(Port(6800, last=7568),),
    folders=(Folder("/etc/ceph"),),
    files=(
        Text(
            keyring_path(ACCOUNT),
            lambda view: keyring(ACCOUNT, view.storage_key(ACCOUNT)),
            mode=0o600,
            secret=True,
        ),
    ),
    units=(
        Service(
            "scs-ceph-osd",
            description="Ceph disk %i",
            exec=(
                f"/bin/sh -c 'exec /usr/bin/ceph-osd --foreground --id $$(cat {AT}/whoami)"
                f" --osd-data {AT} --admin-socket /run/ceph/osd-%i.asok'"
            ),
            # A device belongs to root again after each boot.
            pre=(f"+/bin/sh -c 'exec chown ceph:ceph $$(realpath {AT}/block)'",),
            user="ceph",
            instances=slots,
            reads=(f"{AT}/whoami",),
            settings={
                "RuntimeDirectory": "ceph",
                "RuntimeDirectoryPreserve": "yes",
                "DeviceAllow": "block-* rw",
                "LimitNOFILE": "1048576",
                "TimeoutStopSec": "90",
            },
            ready=lambda _: {
                "type": "asok",
                "path": "/run/ceph/osd-%i.asok",
                "prefix": "status",
                "name": "state",
                "values": ("active",),
            },
            turn=turn,
        ),
    ),
    prepares=disks,
    objections=full,
    warnings=together,
    when=lambda view: view.storage.kind == CEPH,
)
