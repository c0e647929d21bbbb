# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ceph's client on every node: its configuration, and the keys of the accounts used there."""

from __future__ import annotations

from collections.abc import Iterable

from scs.model.component import EVERYWHERE, Component, Config, Folder, Gives
from scs.model.needs import BlockStorage, Need, StorageAccount, StorageClient, StorageCluster
from scs.model.storage import CEPH, CEPH_CONF, keyring, keyring_path
from scs.model.view import View
from scs.resources import File, Gate, Resource

NAME = "ceph-client"


def accounts(view: View, _needs: tuple[Need, ...]) -> Iterable[tuple[Need, Resource]]:
    """The keyring of each account that a component here uses, and that its pools serve it."""
    found: list[tuple[Component, BlockStorage | StorageAccount]] = [
        *view.needs_here(BlockStorage),
        *view.needs_here(StorageAccount),
    ]
    for part, need in found:
        account = f"client.{need.name}"
        made = File(
            name=keyring_path(account),
            content=keyring(account, view.storage_key(account)),
            owner=need.owner,
            mode=0o400,
            secret=True,
            after=("directory:/etc/ceph", f"packages:{part.name}", f"account:{need.owner}"),
        )
        yield need, made
        tool = ("rbd",) if isinstance(need, BlockStorage) else ("rados",)
        yield (
            need,
            Gate(
                name=f"{need.name} may use its pools",
                probe={
                    "type": "succeeds",
                    "argv": (*tool, "--id", need.name, "--pool", need.pools[0], "ls"),
                },
                after=(f"packages:{NAME}", f"file:{CEPH_CONF}", made.id),
            ),
        )


component = Component(
    name=NAME,
    summary="Ceph's client on a node",
    roles=EVERYWHERE,
    source="debian:ceph-common",
    license="LGPL-2.1-only",
    packages=("ceph-common", "python3-rados", "python3-rbd", "qemu-block-extra"),
    needs=(StorageCluster(),),
    gives=(
        Gives(StorageClient, files=(CEPH_CONF,)),
        Gives(BlockStorage, resources=accounts, files=(CEPH_CONF,)),
        Gives(StorageAccount, resources=accounts, files=(CEPH_CONF,)),
    ),
    folders=(Folder("/etc/ceph"),),
    files=(Config("ceph.conf.j2", CEPH_CONF, mode=0o644, service="ceph"),),
    when=lambda view: view.storage.kind == CEPH,
)
