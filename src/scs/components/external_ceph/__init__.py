# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A Ceph that the operator brings along: accounts and pools are there, made by them."""

from __future__ import annotations

from collections.abc import Iterable

from scs.errors import BadInput, Problem
from scs.model.component import EVERYWHERE, Component, Folder, Gives, Text
from scs.model.external import CephCluster
from scs.model.needs import BlockStorage, Need
from scs.model.storage import CEPH_CONF, EXTERNAL_CEPH, keyring, keyring_path
from scs.model.view import View
from scs.resources import File, Gate, Resource

NAME = "external-ceph"


def cluster(view: View) -> CephCluster:
    assert view.external.ceph is not None
    return view.external.ceph


def accounts(view: View, needs: tuple[Need, ...]) -> Iterable[tuple[Need, Resource]]:
    """The keyring of each account that is used here, and that its pools are there for it.

    Raises BadInput when the operator has given none for one.
    """
    keys = cluster(view).keys
    blocks = [need for need in needs if isinstance(need, BlockStorage)]
    if missing := [need for need in blocks if f"client.{need.name}" not in keys]:
        problems = [
            Problem(
                "external.ceph.keyrings",
                f"ceph.client.{need.name}.keyring is not there",
                f"ceph auth get-or-create client.{need.name} mon 'profile rbd' osd '"
                + ", ".join(
                    [f"profile rbd pool={pool}" for pool in need.pools]
                    + [f"profile rbd-read-only pool={pool}" for pool in need.reads]
                )
                + "'",
            )
            for need in missing
        ]
        raise BadInput(*problems)
    for part, need in view.needs_here(BlockStorage):
        account = f"client.{need.name}"
        made = File(
            name=keyring_path(account),
            content=keyring(account, keys[account]),
            owner=need.owner,
            mode=0o400,
            secret=True,
            after=("directory:/etc/ceph", f"packages:{part.name}", f"account:{need.owner}"),
        )
        yield need, made
        for pool in dict.fromkeys((*need.pools, *need.reads)):
            yield (
                need,
                Gate(
                    name=f"{need.name} may use pool {pool} of the operator's Ceph",
                    probe={
                        "type": "succeeds",
                        "argv": ("rbd", "--id", need.name, "--pool", pool, "ls"),
                    },
                    seconds=60,
                    after=(f"packages:{NAME}", f"file:{CEPH_CONF}", made.id),
                ),
            )


def left(view: View) -> Iterable[str]:
    """What lies in the pools: images, volumes, disks of machines."""
    pools = sorted({pool for need in view.needs(BlockStorage) for pool in need.pools})
    yield f"what is in the pools of your Ceph: {', '.join(pools)}"


component = Component(
    name=NAME,
    summary="Ceph's client on a node, for a Ceph of the operator's",
    roles=EVERYWHERE,
    source="debian:ceph-common",
    license="LGPL-2.1-only",
    packages=("ceph-common", "python3-rados", "python3-rbd", "qemu-block-extra"),
    gives=(Gives(BlockStorage, resources=accounts, files=(CEPH_CONF,)),),
    folders=(Folder("/etc/ceph"),),
    files=(Text(CEPH_CONF, lambda view: cluster(view).config),),
    outlives=left,
    when=lambda view: view.storage.kind == EXTERNAL_CEPH,
)
